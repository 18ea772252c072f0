"""Client configuration: a client that registered itself reads, replaces or deletes its registration (RFC 7592 section
2).
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from starlette.responses import Response

from provider.crypto.digests import digest, same
from provider.oauth.checks import Checks
from provider.oauth.clients import registration as rule
from provider.oauth.clients.clients import Client, find_client
from provider.oauth.clients.metadata_values import is_nothing
from provider.oauth.clients.registration import Registered
from provider.oauth.errors import InvalidClientMetadataError, InvalidTokenError, RegistrationForbiddenError
from provider.oauth.http.bearer import bearer_token
from provider.oauth.http.cross_origin import open_to_all
from provider.oauth.http.refused import NO_STORE, protocol_endpoint
from provider.oauth.http.registration_body import read_body, require_metadata
from provider.ratelimits import LIMITS, fail, of_network
from provider.web.call import Call
from provider.web.json_responses import JsonResponse

T = TypeVar("T")

NOT_TO_BE_SENT = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


@protocol_endpoint
@open_to_all
def client_configuration(call: Call) -> Response:
    """Read, replace or delete a registration: GET, PUT and DELETE /oauth2/register/{client_id}.

    The caller must send the registration access token.
    """
    checks = Checks("client_configuration")
    client, token = _require_own(call, checks)
    if call.method == "DELETE":
        _require_current(checks, client if rule.delete(call.work, client) else None)
        return Response(status_code=204, headers=NO_STORE)
    registered = _replace(call, checks, client) if call.method == "PUT" else Registered(client, token)
    return JsonResponse(rule.information(call.settings, registered), headers=NO_STORE)


def _require_own(call: Call, checks: Checks) -> tuple[Client, str]:
    """Return the client that the token belongs to, and the token.

    An unknown client gets the same response as a wrong token (RFC 7592 section 2.1).
    """
    token = bearer_token(call, checks)
    checks.client_id = call.path_params["client_id"]
    found = find_client(call.work, checks.client_id)
    kept = None if found is None else found.registration_digest
    if kept is None or not same(kept, digest(token)):
        fail(call.work, LIMITS.guess, key=of_network(call.work, "registration-token"))
    client = _require_current(checks, None if kept is None or not same(kept, digest(token)) else found)
    checks.require(
        not client.disabled,
        "The client is enabled",
        section="RFC 7592 section 2.1",
        error=RegistrationForbiddenError,
        description="This client is disabled",
        expected="an enabled client",
        got="a disabled client",
        fix=f"Ask an operator to run `signet client enable {client.client_id}`.",
    )
    return client, token


def _require_current(checks: Checks, found: T | None) -> T:
    """Return what the token gave access to. None means that the token is not, or no longer, the client's own."""
    return checks.found(
        found,
        "The registration access token is the current one of this client",
        section="RFC 7592 section 2",
        error=InvalidTokenError,
        description="The registration access token is not valid for this client",
        expected="the registration_access_token of the latest response to this client",
        got="another token, or a client that does not exist",
        fix="Send the registration_access_token of the latest response to this client. If it is lost, "
        "register the client again.",
    )


def _replace(call: Call, checks: Checks, client: Client) -> Registered:
    """Replace the whole metadata (RFC 7592 section 2.2). Beside it the body may only name the client."""
    given = read_body(call, checks)
    _require_about_itself(checks, client, given)
    metadata = require_metadata(call, checks, given, before=client)
    return _require_current(checks, rule.update(call.work, client, metadata))


def _require_about_itself(checks: Checks, client: Client, given: Mapping[str, Any]) -> None:
    checks.require(
        given.get("client_id") == client.client_id,
        "client_id is that of this registration",
        section="RFC 7592 section 2.2",
        error=InvalidClientMetadataError,
        description="client_id must be the client_id of this registration",
        expected=client.client_id,
        got=given.get("client_id", "no client_id"),
        fix="Send the client_id of this registration in the body.",
    )
    sent = [name for name in NOT_TO_BE_SENT if not is_nothing(given.get(name))]
    checks.require(
        not sent,
        "The update contains only client metadata",
        section="RFC 7592 section 2.2",
        error=InvalidClientMetadataError,
        description=f"An update cannot contain {', '.join(sent)}",
        expected="client metadata",
        got=", ".join(sent),
        fix="Remove these members from the update.",
    )
    secret = given.get("client_secret")
    own = isinstance(secret, str) and (client.has_secret(secret))
    checks.require(
        is_nothing(secret) or own,
        "client_secret is absent or the current one",
        section="RFC 7592 section 2.2",
        error=InvalidClientMetadataError,
        description="client_secret must be absent or the current client secret",
        expected="no client_secret, or the current one",
        got="another client_secret",
        fix="Remove client_secret, or send the current one.",
    )
