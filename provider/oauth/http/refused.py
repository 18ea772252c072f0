"""Responses to rejected protocol requests: JSON at the machine endpoints, with the id of the explanation.

Outages, rate limits and bugs keep their own status (`web.errors.as_json`).
"""

from functools import partial

from authlib.oauth2 import OAuth2Error
from starlette.responses import Response

from provider.jose.algorithms import DPOP_SIGNATURES
from provider.oauth.checks import Checks
from provider.oauth.errors import (
    AuthorizationPendingError,
    ChallengeError,
    InsufficientScopeError,
    InvalidClientError,
    InvalidRequestError,
    InvalidResourceProofError,
    InvalidTokenError,
    MissingTokenError,
    UseResourceNonceError,
)
from provider.oauth.explanations import explain
from provider.oauth.protected_resources import metadata_url
from provider.oauth.syntax import require_sent_once
from provider.parameters import MalformedParameters
from provider.refusals import Unavailable
from provider.web import errors
from provider.web.call import Call
from provider.web.endpoint import machine_endpoint
from provider.web.json_responses import JsonResponse

NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
"""The headers of every response that contains or concerns tokens (RFC 6749 section 5.1)."""


def as_json(call: Call, error: Exception, *, has_id: bool = True) -> Response:
    """Return the error as JSON (RFC 6749 section 5.2), with the error ID as a member if `has_id`. It is in the header
    x-request-id in any case.
    """
    if isinstance(error, MalformedParameters):
        error = InvalidRequestError(description=f"The parameters cannot be parsed: {error}")
    if not isinstance(error, OAuth2Error):
        return errors.as_json(call, error)
    body = {"error": error.error, "error_description": error.description or ""}
    if not isinstance(error, AuthorizationPendingError):  # no refusal, and a device hears it every few seconds
        explain(call.installation, call.origin, error)
        if has_id:
            body["error_id"] = call.request_id
    if isinstance(error, ChallengeError):
        body |= error.members
    headers = dict(NO_STORE)
    if error.status_code == Unavailable.status_code:
        headers["retry-after"] = str(Unavailable.retry_after)
    return JsonResponse(body, status_code=error.status_code, headers=headers | challenge(call, error))


def challenge(call: Call, error: OAuth2Error) -> dict[str, str]:
    """Return the WWW-Authenticate header of a response that asks for credentials, else no header.

    See RFC 6749 section 5.2 and RFC 6750 section 3.
    """
    if isinstance(error, InvalidClientError):
        return {"www-authenticate": f"Basic {REALM}"}
    if isinstance(
        error, InvalidTokenError | InsufficientScopeError | InvalidResourceProofError | UseResourceNonceError
    ):
        return {"www-authenticate": _token_challenge(call, error)}
    return {}


def _token_challenge(call: Call, error: OAuth2Error) -> str:
    """Return the challenge, without an error code if no token was sent (RFC 6750 section 3).

    It names the URL of the resource's metadata (RFC 9728 section 5.1). A resource takes bearer tokens and tokens with
    DPoP (RFC 9449 section 7.2), and the error is that of the scheme that was used.
    """
    about = _about_resource(call)
    problem = f', error="{error.error}", error_description="{error.description}"'
    if isinstance(error, InsufficientScopeError) and error.scope:
        problem += f', scope="{error.scope}"'
    if about and _scheme_of(call) == "DPoP":
        return f"DPoP {REALM}{about}, {ALGORITHMS}{problem}"
    bearer = f"Bearer {REALM}{about}" + ("" if isinstance(error, MissingTokenError) else problem)
    return f"{bearer}, DPoP {ALGORITHMS}" if about else bearer


def step_up_challenge(call: Call, parameters: str) -> str:
    """Return the challenge that asks for a newer or stronger sign-in, with these parameters (RFC 9470 section 3)."""
    problem = f'error="insufficient_user_authentication", {parameters}'
    return f"{_scheme_of(call)} {REALM}, {problem}{_about_resource(call)}"


def _about_resource(call: Call) -> str:
    """Return the parameter with the URL of the resource's metadata. Empty where no access tokens are taken."""
    about = metadata_url(call.settings.issuer, call.path)
    return f', resource_metadata="{about}"' if about else ""


def _scheme_of(call: Call) -> str:
    """Return the scheme with which the request sent its access token."""
    scheme = call.headers.get("authorization", "").partition(" ")[0]
    return "DPoP" if scheme.lower() == "dpop" else "Bearer"


REALM = 'realm="signet"'
ALGORITHMS = f'algs="{" ".join(DPOP_SIGNATURES)}"'
"""The parameter of a DPoP challenge that names the algorithms of proofs (RFC 9449 section 7.1)."""

protocol_endpoint = machine_endpoint(render=as_json)
"""An endpoint for programs whose rejected requests are explained."""
quick_endpoint = machine_endpoint(render=as_json, is_quick=True)
"""An endpoint whose rejected requests are explained, and that programs call all day."""
strict_endpoint = machine_endpoint(render=partial(as_json, has_id=False))
"""An endpoint whose errors have no other members than those of its specification, and are explained."""


def read_form(call: Call, checks: Checks) -> None:
    """Check that the request is a POST of one urlencoded form, each parameter once, nothing in the query (RFC 6749
    section 3.2).
    """
    content_type = call.headers.get("content-type", "")
    require_one_authorization(call, checks, section="RFC 6749 section 2.3")
    checks.require(
        call.has_form,
        "Content-Type is application/x-www-form-urlencoded",
        section="RFC 6749 section 3.2",
        error=InvalidRequestError,
        description="Content-Type must be application/x-www-form-urlencoded",
        expected="application/x-www-form-urlencoded",
        got=content_type or "no Content-Type",
        fix="Send the parameters as name=value pairs in the body, not as JSON, with Content-Type "
        "application/x-www-form-urlencoded.",
    )
    require_sent_once(checks, call.form.repeated, section="RFC 6749 section 3.2")
    checks.require(
        not call.scope["query_string"] or not (set(call.query) & set(SENSITIVE)),
        "The URL has no parameters that belong in the body",
        section="RFC 6749 section 2.3.1",
        error=InvalidRequestError,
        description="Send parameters in the body, not in the URL",
        expected="parameters in the body",
        got="parameters in the URL",
        fix="Send the parameters in the form body. If a secret was sent in a URL, replace it: `signet "
        "client rotate-secret CLIENT_ID`.",
    )


def require_one_authorization(call: Call, checks: Checks, *, section: str = "RFC 6750 section 2") -> str | None:
    """Return the Authorization header, or None. Raises InvalidRequestError, which cites `section`, if there are
    several.
    """
    headers = call.headers.getlist("authorization")
    checks.require(
        len(headers) <= 1,
        "The request has at most one Authorization header",
        section=section,
        error=InvalidRequestError,
        description="More than one Authorization header was sent",
        expected="one Authorization header",
        got=f"{len(headers)} headers",
        fix="Send one Authorization header.",
    )
    return headers[0] if headers else None


SENSITIVE = (
    "client_id",
    "client_secret",
    "grant_type",
    "code",
    "code_verifier",
    "device_code",
    "refresh_token",
    "token",
    "access_token",
    "redirect_uri",
    "scope",
    "assertion",
    "client_assertion",
    "password",
    "username",
    "otp",
    "resource",
    "audience",
    "subject_token",
    "actor_token",
    "recovery_code",
    "credential",
    "email_code",
    "passkey",
    "auth_session",
)
