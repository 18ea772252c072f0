"""An application registers itself (RFC 7591 section 3, OIDC Registration section 3). There only where
SIGNET_REGISTRATION is not `closed`; with `token`, for whoever has an initial access token.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from provider.crypto.digests import digest
from provider.jose.json_objects import is_deeper, read_object
from provider.oauth.checks import Checks
from provider.oauth.clients import registration as rule
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.sector_documents import DocumentUnavailable
from provider.oauth.clients.store import initial_access_tokens
from provider.oauth.errors import (
    InvalidClientMetadataError,
    InvalidRedirectUriError,
    InvalidSoftwareStatementError,
    InvalidTokenError,
    UnapprovedSoftwareStatementError,
)
from provider.oauth.http.bearer import bearer_token
from provider.oauth.http.refused import NO_STORE, protocol_endpoint
from provider.ratelimits import LIMITS, hit
from provider.web.call import Call

DEEPEST = 20
"""No metadata is nested like that; a jwks, the deepest, has four levels."""
ERRORS = {error.error: error for error in (InvalidClientMetadataError, InvalidRedirectUriError)}


@protocol_endpoint
def registration(call: Call) -> Response:
    """POST /oauth2/register, a JSON object of client metadata. Answers 201 and the client information."""
    checks, work = Checks("registration"), call.work
    token = digest(bearer_token(call, checks)) if call.settings.registration == "token" else None
    good = token is None or initial_access_tokens.is_good(work.read, token, now=work.now)
    _require_initial_token(checks, good)
    metadata = require_metadata(call, checks, read_body(call, checks))
    # Of those that come with the last use at one moment, one gets it.
    _require_initial_token(checks, token is None or initial_access_tokens.spend(work.db, token, now=work.now))
    registered = rule.register(work, metadata)
    return JSONResponse(rule.information(call.settings, registered), status_code=201, headers=NO_STORE)


def _require_initial_token(checks: Checks, good: bool) -> None:  # noqa: FBT001  # the check itself
    checks.require(
        good,
        "The initial access token is known, not expired, and not used up",
        section="RFC 7591 section 3",
        error=InvalidTokenError,
        description="The initial access token is not valid",
        got="another",
        fix="`signet client registration-token` makes a new one.",
    )


def read_body(call: Call, checks: Checks) -> dict[str, Any]:
    """Client metadata as it came, with nothing in it that could not be stored or told back."""
    media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    checks.require(
        media_type == "application/json",
        "The body is JSON",
        section="RFC 7591 section 3.1",
        error=InvalidClientMetadataError,
        description="The body must be application/json",
        expected="application/json",
        got=media_type or "no Content-Type",
    )
    given, problem = {}, ""
    try:
        given = read_object(call.body)
        json.dumps(given, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        problem = "text that is not Unicode" if isinstance(error, UnicodeError) else str(error)
    if not problem and is_deeper(given, DEEPEST):
        problem = "JSON that is nested too deeply"
    checks.require(
        not problem,
        "The body is one JSON object",
        section="RFC 7591 section 3.1",
        error=InvalidClientMetadataError,
        description="The body is not one JSON object, each member once",
        got=problem,
    )
    return given


def require_metadata(
    call: Call, checks: Checks, given: Mapping[str, Any], *, before: Client | None = None
) -> ClientMetadata:
    """What the client is to be registered as. Raises an OAuth2Error with the code of RFC 7591 section 3.2.2."""
    _require_no_statement(checks, given)
    if "counted" not in call.state:  # the call may begin anew, to ask the client's server
        hit(call.work, LIMITS.registration, key=f"registration:{call.origin.network}")
        call.state["counted"] = True
    metadata, refused = None, None
    try:
        metadata = rule.read_metadata(call.work, given, before=before)
    except InvalidMetadata as error:
        refused = error
    checks.require(
        metadata is not None,
        "The metadata is of a client that may register itself",
        section="RFC 7591 section 2",
        error=ERRORS[refused.error] if refused else InvalidClientMetadataError,
        description=str(refused),
        got=refused.reason if isinstance(refused, DocumentUnavailable) else refused,
    )
    assert metadata is not None  # noqa: S101  # just required
    return metadata


def _require_no_statement(checks: Checks, given: Mapping[str, Any]) -> None:
    """Nobody's word about a client is taken here but an operator's."""
    statement = given.get("software_statement")
    is_one = isinstance(statement, str) and statement.count(".") == 2
    checks.require(
        statement is None,
        "No software statement is sent",
        section="RFC 7591 section 2.3",
        error=UnapprovedSoftwareStatementError if is_one else InvalidSoftwareStatementError,
        description="Software statements are not accepted: no issuer of them is trusted here"
        if is_one
        else "The software statement is not a JWT",
        expected="nothing",
        got="a software statement",
        fix="Register without software_statement.",
    )
