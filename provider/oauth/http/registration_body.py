"""The body of a registration (RFC 7591 section 3.1) or of its update (RFC 7592 section 2.2).

Both are a JSON object of client metadata.
"""

import json
from collections.abc import Mapping
from typing import Any

from provider.jose.json_objects import is_deeper, read_object
from provider.oauth.checks import Checks
from provider.oauth.clients import registration as rule
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_values import is_nothing
from provider.oauth.clients.sector_documents import DocumentUnavailable
from provider.oauth.errors import (
    InvalidClientMetadataError,
    InvalidRedirectUriError,
    InvalidSoftwareStatementError,
    UnapprovedSoftwareStatementError,
)
from provider.ratelimits import LIMITS, hit, of_network
from provider.web.call import Call
from provider.web.call_values import CallValue

DEEPEST = 20
"""The deepest nesting of client metadata that is accepted. A jwks, the deepest valid member, has four levels."""
ERRORS = {error.error: error for error in (InvalidClientMetadataError, InvalidRedirectUriError)}
COUNTED = CallValue[bool]("counted")
"""Whether this call was counted against the rate limit of registrations."""


def read_body(call: Call, checks: Checks) -> dict[str, Any]:
    """Return the client metadata as it was sent. Raises InvalidClientMetadataError for content that could not be stored
    or returned.
    """
    media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    checks.require(
        media_type == "application/json",
        "Content-Type is application/json",
        section="RFC 7591 section 3.1",
        error=InvalidClientMetadataError,
        description="Content-Type must be application/json",
        expected="application/json",
        got=media_type or "no Content-Type",
        fix="Send the metadata as JSON, with Content-Type application/json.",
    )
    given, problem = {}, ""
    try:
        given = read_object(call.body)
        json.dumps(given, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        problem = "text that is not valid Unicode" if isinstance(error, UnicodeError) else str(error)
    if not problem and is_deeper(given, DEEPEST):
        problem = "JSON that is nested too deeply"
    checks.require(
        not problem,
        "The body is a JSON object",
        section="RFC 7591 section 3.1",
        error=InvalidClientMetadataError,
        description="The body must be one JSON object, with each member once",
        expected="one JSON object, with each member once",
        got=problem,
        fix="Send one JSON object in which each member occurs once.",
    )
    return given


def require_metadata(
    call: Call, checks: Checks, given: Mapping[str, Any], *, before: Client | None = None
) -> ClientMetadata:
    """Return the metadata to register. Raises an OAuth2Error with the code of RFC 7591 section 3.2.2."""
    _require_no_statement(checks, given)
    if not COUNTED.is_on(call):  # the call may begin anew, to ask the client's server
        hit(call.work, LIMITS.registration, key=of_network(call.work, "registration"))
        COUNTED.put(call, True)
    metadata, refused = None, None
    try:
        metadata = rule.read_metadata(call.work, given, before=before)
    except InvalidMetadata as error:
        refused = error
    return checks.found(
        metadata,
        "The client metadata is valid",
        section="RFC 7591 section 2",
        error=ERRORS[refused.error] if refused else InvalidClientMetadataError,
        description=str(refused),
        expected="client metadata that this server supports",
        got=refused.reason if isinstance(refused, DocumentUnavailable) else refused,
        fix="Correct the member that the description names, and send the request again.",
    )


def _require_no_statement(checks: Checks, given: Mapping[str, Any]) -> None:
    """Check that no software statement is sent: only operators may vouch for a client here."""
    statement = given.get("software_statement")
    is_one = isinstance(statement, str) and statement.count(".") == 2
    checks.require(
        is_nothing(statement),
        "The request has no software_statement",
        section="RFC 7591 section 2.3",
        error=UnapprovedSoftwareStatementError if is_one else InvalidSoftwareStatementError,
        description="software_statement is not accepted: this server trusts no issuer of statements"
        if is_one
        else "software_statement must be a JWT",
        expected="no software_statement",
        got="a software_statement",
        fix="Register without software_statement.",
    )
