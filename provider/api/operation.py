"""An operation of our APIs: who calls, what it takes, what it gives, which noes to expect; in plain sight, so
that the OpenAPI document is computed from it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from starlette.responses import JSONResponse, Response

from provider.api.bodies import Body, File, Nothing, read
from provider.api.callers import CLIENT, OPERATOR, PERSON, READING_OPERATOR, Bearer, Caller, Operator
from provider.api.problems import as_problem
from provider.oauth.clients import Client
from provider.refusals import Refusal
from provider.web.bodies import MAX_BODY
from provider.web.call import Call
from provider.web.endpoint import Endpoint

Taken = TypeVar("Taken", bound=Body)
Answer = Body | Response | None

NO_STORE = {"cache-control": "no-store"}


class Operation(Endpoint):
    """A plain function as an endpoint: it is called with its caller, authenticated, and its body, checked."""

    def __init__(
        self,
        function: Callable[[Call, Any, Any], Answer],
        *,
        caller: Caller,
        takes: type[Body],
        gives: type[Body] | str | None,
        status: int,
        problems: tuple[type[Refusal], ...],
        hashes_passwords: bool,
        asks: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            self._carry_out,
            csrf_checked=False,
            hashes_passwords=hashes_passwords,
            render=as_problem,
            max_body=takes.max_body if issubclass(takes, File) else MAX_BODY,
        )
        self.carry_out = function
        self.caller = caller
        self.asks = asks or {}
        """Parameters of the query it reads, and what each is."""
        self.takes = takes
        self.gives = gives
        self.status = status
        self.problems = problems
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def _carry_out(self, call: Call) -> Response:
        who = self.caller.authenticate(call)
        answer = self.carry_out(call, who, read(call, self.takes))
        if isinstance(answer, Response):
            return answer
        if answer is None:
            return Response(status_code=self.status, headers=NO_STORE)
        return JSONResponse(
            answer.model_dump(mode="json", exclude_none=True), status_code=self.status, headers=NO_STORE
        )


def by_person(
    *,
    takes: type[Taken] = Nothing,  # type: ignore[assignment]  # the default of a type variable
    gives: type[Body] | str | None = None,
    status: int | None = None,
    problems: tuple[type[Refusal], ...] = (),
    hashes_passwords: bool = False,
) -> Callable[[Callable[[Call, Bearer, Taken], Answer]], Operation]:
    """An operation on the caller's own account. `gives` is the answer's body, or a media type; nothing is 204."""

    def wrap(function: Callable[[Call, Bearer, Taken], Answer]) -> Operation:
        return Operation(
            function,
            caller=PERSON,
            takes=takes,
            gives=gives,
            status=status or (204 if gives is None else 200),
            problems=problems,
            hashes_passwords=hashes_passwords,
        )

    return wrap


def by_client(
    *,
    takes: type[Taken],
    gives: type[Body] | None = None,
    status: int | None = None,
    problems: tuple[type[Refusal], ...] = (),
    hashes_passwords: bool = False,
) -> Callable[[Callable[[Call, Client, Taken], Answer]], Operation]:
    """An operation of a first-party app, for somebody who is not signed in."""

    def wrap(function: Callable[[Call, Client, Taken], Answer]) -> Operation:
        return Operation(
            function,
            caller=CLIENT,
            takes=takes,
            gives=gives,
            status=status or (204 if gives is None else 200),
            problems=problems,
            hashes_passwords=hashes_passwords,
        )

    return wrap


def by_operator(
    *,
    reads: bool = False,
    takes: type[Taken] = Nothing,  # type: ignore[assignment]  # the default of a type variable
    gives: type[Body] | None = None,
    status: int | None = None,
    problems: tuple[type[Refusal], ...] = (),
    asks: Mapping[str, str] | None = None,
) -> Callable[[Callable[[Call, Operator, Taken], Answer]], Operation]:
    """An operation of the admin API. `reads`: it changes nothing, and `admin:read` is enough."""

    def wrap(function: Callable[[Call, Operator, Taken], Answer]) -> Operation:
        return Operation(
            function,
            caller=READING_OPERATOR if reads else OPERATOR,
            takes=takes,
            gives=gives,
            status=status or (204 if gives is None else 200),
            problems=problems,
            hashes_passwords=False,
            asks=asks,
        )

    return wrap
