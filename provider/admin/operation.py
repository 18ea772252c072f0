"""The operations of the admin API: an `Operation` for operators that supports If-Match and Idempotency-Key.

A response that shows one resource has an ETag, its version. A request that changes it may send that ETag in If-Match
(RFC 9110 section 13.1.1), and gets 412 if the version is no longer current. A request that creates something may send
an Idempotency-Key, so that it can be repeated (`idempotency`).
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.responses import Response

from provider.accounts.roles.permissions import EVERYTHING, Permission
from provider.api.bodies import JSON_TYPE, Body, File, Nothing, read
from provider.api.callers import Operator, operator
from provider.api.operation import NO_STORE, Answer, Operation, as_json
from provider.database.base import parse_id
from provider.oauth.clients.clients import find_client
from provider.operators import authority, idempotency
from provider.operators.authority import MorePermissions
from provider.operators.etags import ChangedMeanwhile, version_of
from provider.operators.idempotency import AnsweredBefore, InvalidIdempotencyKey, KeyInUse, KeyReused, ResponseLost
from provider.refusals import Refusal
from provider.sessions import store as sessions
from provider.web.call import Call
from provider.web.call_values import CallValue

Taken = TypeVar("Taken", bound=Body)
IF_MATCH = "The ETag of the version you read. The request fails with 412 if the resource has changed since."
IDEMPOTENCY_KEY = "A unique value of your choice. Retries with the same key within 24 hours return the first response."
BEGIN = CallValue[Callable[[], None]]("admin.begin")
"""What `begin` calls for an operation with `asks_others`."""


@dataclass(frozen=True)
class Resource:
    """A resource that is shown and changed under one URL. Both functions raise NotFound or a similar Refusal."""

    lock: Callable[[Call], object]
    """Locks the resource, so that no other request changes it until the transaction ends."""
    show: Callable[[Call], Body]

    def require_unchanged(self, call: Call, seen: str) -> None:
        """Lock the resource and check that its version is one of the entity tags in `seen`. Weak tags never match.
        Raises ChangedMeanwhile.
        """
        self.lock(call)
        now = version_of(as_json(self.show(call)))
        if seen.strip() != "*" and now not in re.findall(r'(?:^|[,\s])"([^"]*)"', seen):
            raise ChangedMeanwhile


class AdminOperation(Operation):
    """An operation of the admin API. `of` is the resource it shows or changes. With `shows_other`, the response is
    something else than this resource, so it has no ETag (RFC 9110 section 8.8.3). With `asks_others`, the function
    first does what takes long, such as calling other servers, and then calls `begin` itself.
    """

    def __init__(
        self,
        function: Callable[[Call, Any, Any], Answer],
        *,
        needs: Permission,
        of: Resource | None,
        shows_other: bool,
        asks_others: bool,
        **given: Any,
    ) -> None:
        super().__init__(function, caller=operator(needs), hashes_passwords=False, **given)
        self.needs, self.of, self.asks_others = needs, of, asks_others
        self.reads = needs.only_reads
        self.makes = self.status == 201
        if self.makes:
            self.asks_headers = {"Idempotency-Key": IDEMPOTENCY_KEY}
            self.problems += (InvalidIdempotencyKey, KeyReused, KeyInUse, ResponseLost)
        elif of is not None and not self.reads:
            self.asks_headers = {"If-Match": IF_MATCH}
            self.problems += (ChangedMeanwhile,)
        if needs in {Permission.USERS_WRITE, Permission.GROUPS_WRITE, Permission.APPLICATIONS_WRITE}:
            self.problems += (MorePermissions,)
        self.has_version = of is not None and self.gives is not None and not shows_other
        if self.has_version:
            self.gives_headers = {"ETag": "The version of the resource, for If-Match."}

    def _carry_out(self, call: Call) -> Response:
        who: Operator = self.caller.authenticate(call)
        if not self.reads:
            _require_within(call, who)
        body = read(call, self.takes)
        request = self._request(call, who, body)

        def begin() -> None:
            if request is not None:
                idempotency.begin(call.work, request)
            seen = ",".join(call.headers.getlist("if-match"))
            if seen and self.of is not None and not self.reads and not self.makes:
                self.of.require_unchanged(call, seen)

        try:
            if request is not None:
                idempotency.look(call.work, request)
            if self.asks_others:
                BEGIN.put(call, begin)
            else:
                begin()
            response = self._answer(self.carry_out(call, who, body))
        except AnsweredBefore as before:
            return _again(before.answer)
        if request is not None:
            answer = idempotency.StoredResponse(
                response.status_code, bytes(response.body).decode(), response.headers.get("etag")
            )
            idempotency.keep(call.work, request, answer)
        return response

    def _answer(self, answer: Answer) -> Response:
        response = super()._answer(answer)
        if self.has_version and isinstance(answer, Body):
            response.headers["etag"] = f'"{version_of(as_json(answer))}"'
        return response

    def _request(self, call: Call, operator: Operator, body: Body) -> idempotency.Request | None:
        key = idempotency.parse_key(call.headers.getlist("idempotency-key")) if self.makes else None
        if key is None:
            return None
        caller = f"{operator.client_id} {operator.user_id or ''}"
        sent = {"file": hashlib.sha256(body.content).hexdigest()} if isinstance(body, File) else as_json(body)
        query = [dict(call.query)] if call.query else []
        return idempotency.request_of(key, caller=caller, asked=[call.method, call.path, sent, *query])


def begin(call: Call) -> None:
    """Check If-Match and lock the Idempotency-Key. An operation with `asks_others` calls it before its first write."""
    BEGIN.of(call)()


def by_operator(
    *,
    needs: Permission,
    of: Resource | None = None,
    takes: type[Taken] = Nothing,  # type: ignore[assignment]  # the default of a type variable
    gives: type[Body] | tuple[str, ...] | None = None,
    status: int | None = None,
    problems: tuple[type[Refusal], ...] = (),
    asks: Mapping[str, str] | None = None,
    shows_other: bool = False,
    asks_others: bool = False,
) -> Callable[[Callable[[Call, Operator, Taken], Answer]], AdminOperation]:
    """Declare an operation of the admin API. With a permission that only reads it changes nothing, and `admin:read` is
    enough. With status 201 it creates something and takes an Idempotency-Key.
    """

    def wrap(function: Callable[[Call, Operator, Taken], Answer]) -> AdminOperation:
        return AdminOperation(
            function,
            needs=needs,
            of=of,
            shows_other=shows_other,
            asks_others=asks_others,
            takes=takes,
            gives=gives,
            status=status or (204 if gives is None else 200),
            problems=problems,
            asks=asks,
        )

    return wrap


def _require_within(call: Call, who: Operator) -> None:
    """Check that the user or client named by the path has no more permissions than the operator. Raises
    MorePermissions.
    """
    if who.permissions == EVERYTHING:
        return
    work, named = call.work, call.path_params
    if "user_id" in named or "session_id" in named:
        user_id, session_id = parse_id(named.get("user_id", "")), parse_id(named.get("session_id", ""))
        session = None if session_id is None else sessions.find(work.read, session_id)
        whose = user_id if session is None else session.user_id
        if whose is not None:
            authority.require_user(work, who.permissions, whose)
    elif "client_id" in named:
        authority.require_client(who.permissions, find_client(work, named["client_id"]))


def _again(answer: idempotency.StoredResponse) -> Response:
    headers = NO_STORE | ({} if answer.etag is None else {"etag": answer.etag})
    return Response(answer.body, answer.status, headers, media_type=JSON_TYPE)
