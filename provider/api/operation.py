"""An operation of our APIs. It declares its caller, its body, its answer and its possible errors, so that the OpenAPI
document can be computed from it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from starlette.responses import Response

from provider.api.bodies import Body, File, Nothing, read
from provider.api.callers import CLIENT, PERSON, Bearer, Caller
from provider.api.problems import as_problem
from provider.oauth.clients.clients import Client
from provider.refusals import Refusal
from provider.web.bodies import MAX_BODY
from provider.web.call import Call
from provider.web.endpoint import Endpoint
from provider.web.json_responses import JsonResponse

Taken = TypeVar("Taken", bound=Body)
Answer = Body | Response | None

NO_STORE = {"cache-control": "no-store"}


class Operation(Endpoint):
    """An endpoint built from a plain function, which is called with the authenticated caller and the validated body."""

    def __init__(
        self,
        function: Callable[[Call, Any, Any], Answer],
        *,
        caller: Caller,
        takes: type[Body],
        gives: type[Body] | str | tuple[str, ...] | None,
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
        """The query parameters it reads: name to description."""
        self.asks_headers: Mapping[str, str] = {}
        """The request headers it reads: name to description."""
        self.gives_headers: Mapping[str, str] = {}
        """The headers of its answer: name to description."""
        self.takes = takes
        self.gives = gives
        self.status = status
        self.problems = problems
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def _carry_out(self, call: Call) -> Response:
        who = self.caller.authenticate(call)
        return self._answer(self.carry_out(call, who, read(call, self.takes)))

    def _answer(self, answer: Answer) -> Response:
        if isinstance(answer, Response):
            return answer
        if answer is None:
            return Response(status_code=self.status, headers=NO_STORE)
        return JsonResponse(as_json(answer), status_code=self.status, headers=NO_STORE)


def as_json(body: Body) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude_none=True)


def by_person(
    *,
    takes: type[Taken] = Nothing,  # type: ignore[assignment]  # the default of a type variable
    gives: type[Body] | str | tuple[str, ...] | None = None,
    status: int | None = None,
    problems: tuple[type[Refusal], ...] = (),
    hashes_passwords: bool = False,
) -> Callable[[Callable[[Call, Bearer, Taken], Answer]], Operation]:
    """Declare an operation on the user's own account. `gives` is the body of the answer, or its media types; without it
    the answer is 204.
    """

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
    """Declare an operation of a first-party app, for a user who is not signed in."""

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
