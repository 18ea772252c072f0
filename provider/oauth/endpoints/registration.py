"""Client registration: an application registers itself (RFC 7591 section 3, OIDC Registration section 3).

It exists unless SIGNET_REGISTRATION is `closed`. With `token`, the caller needs an initial access token.
"""

from starlette.responses import Response

from provider.crypto.digests import digest
from provider.oauth.checks import Checks
from provider.oauth.clients import registration as rule
from provider.oauth.clients.store import initial_access_tokens
from provider.oauth.errors import (
    InvalidTokenError,
)
from provider.oauth.http.bearer import bearer_token
from provider.oauth.http.cross_origin import open_to_all
from provider.oauth.http.refused import NO_STORE, protocol_endpoint
from provider.oauth.http.registration_body import read_body, require_metadata
from provider.ratelimits import LIMITS, fail, of_network
from provider.web.call import Call
from provider.web.json_responses import JsonResponse


@protocol_endpoint
@open_to_all
def registration(call: Call) -> Response:
    """Register a client: POST /oauth2/register with a JSON object of client metadata.

    Returns 201 and the client information.
    """
    checks, work = Checks("registration"), call.work
    token = digest(bearer_token(call, checks)) if call.settings.registration == "token" else None
    good = token is None or initial_access_tokens.is_valid(work.read, token, now=work.now)
    if not good:
        fail(call.work, LIMITS.guess, key=of_network(call.work, "registration-token"))
    _require_initial_token(checks, good)
    metadata = require_metadata(call, checks, read_body(call, checks))
    # Of those that come with the last use at one moment, one gets it.
    _require_initial_token(checks, token is None or initial_access_tokens.spend(work.db, token, now=work.now))
    registered = rule.register(work, metadata)
    return JsonResponse(rule.information(call.settings, registered), status_code=201, headers=NO_STORE)


def _require_initial_token(checks: Checks, good: bool) -> None:  # noqa: FBT001  # the check itself
    checks.require(
        good,
        "The initial access token is valid",
        section="RFC 7591 section 3",
        error=InvalidTokenError,
        description="The initial access token is unknown, expired or used up",
        expected="an initial access token that can still be used",
        got="a token that is unknown, expired or used up",
        fix="Ask an operator for a new one: `signet client registration-token`.",
    )
