"""Global token revocation: a security tool or an upstream provider names a user, and everything of theirs ends
(draft-parecki-oauth-global-token-revocation-06).
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from provider.accounts.access import Cause, end_access
from provider.accounts.store import linked_identities, users
from provider.accounts.users import NoSuchUser, find_user
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import parse_id
from provider.federation.signals import revocation_requests
from provider.federation.signals.subjects import format_of
from provider.jose.json_objects import is_storable, read_object
from provider.oauth.clients.clients import Client
from provider.oauth.http.refused import protocol_endpoint
from provider.oauth.http.server import server_of
from provider.ratelimits import LIMITS, hit
from provider.refusals import Refusal
from provider.ssf.callers import find_upstream_of_request, require_revoker
from provider.web.call import Call
from provider.work import UnitOfWork

PATH = "/oauth2/global-token-revocation"
NO_STORE = {"cache-control": "no-store"}
FORMATS = ("email", "opaque", "iss_sub")


class InvalidSubject(Refusal):
    """A request that names no user in a way that is understood. The message says why."""

    code = "invalid-subject"


@protocol_endpoint
def revoke_globally(call: Call) -> Response:
    """End all access of a user: POST /oauth2/global-token-revocation (section 3).

    Returns 204, or 404 if there is no such user. An upstream ends what was opened through it.
    """
    upstream = find_upstream_of_request(call, audience=call.settings.issuer + PATH)
    if upstream is not None:
        revocation_requests.end(call.work, upstream, _subject(call), revoke_grants=call.services.revoke_grants)
        return Response(status_code=204, headers=NO_STORE)
    client = require_revoker(call)
    hit(call.work, LIMITS.global_revocation, key=f"global-revocation:{client.client_id}")
    user_id = _find(call, client, _subject(call))
    if user_id is None or users.find(call.work.read, user_id) is None:
        raise NoSuchUser
    _end(call.work, client, user_id)
    return Response(status_code=204, headers=NO_STORE)


def _end(work: UnitOfWork, client: Client, user_id: str) -> None:
    ended = end_access(work, user_id=user_id, cause=Cause.GLOBAL_REVOCATION)
    record(work, Event.GLOBAL_REVOCATION, user_id=user_id, client_id=client.client_id, count=ended)


def _subject(call: Call) -> Mapping[str, Any]:
    """Return the subject identifier in the body (section 3.2). Raises InvalidSubject."""
    try:
        subject = read_object(call.body).get("sub_id")
    except ValueError:
        raise InvalidSubject("The body must be a JSON object with sub_id") from None
    if not is_storable(subject):
        raise InvalidSubject("sub_id must not have NUL or half of a surrogate pair")
    if not isinstance(subject, Mapping) or format_of(subject) is None:
        raise InvalidSubject("sub_id must be an object with a format")
    return subject


def _find(call: Call, client: Client, subject: Mapping[str, Any]) -> str | None:
    """Return the id of the user, as this client may name them. Raises InvalidSubject."""
    work, form = call.work, format_of(subject)
    if form == "email":
        user = find_user(work, _text(subject, "email")) if "@" in _text(subject, "email") else None
        return None if user is None else user.id
    if form == "opaque":
        return _of_sub(call, client, _text(subject, "id"))
    if form == "iss_sub":
        issuer, sub = _text(subject, "iss"), _text(subject, "sub")
        if issuer == call.settings.issuer:
            return _of_sub(call, client, sub)
        linked = linked_identities.find(work.read, issuer, sub)
        return None if linked is None else linked.user_id
    raise InvalidSubject(f"The format of sub_id must be one of {', '.join(FORMATS)}")


def _of_sub(call: Call, client: Client, sub: str) -> str | None:
    """Return the id of the user with this `sub` for the client."""
    own = parse_id(sub)
    return None if own is None else server_of(call).subjects.user_id_of(call.work, client, own)


def _text(subject: Mapping[str, Any], name: str) -> str:
    value = subject.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise InvalidSubject(f"sub_id.{name} must be a text of at most 255 characters")
    return value
