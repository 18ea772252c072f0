"""The parameters of a backchannel authentication request (CIBA section 7.1), checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from provider.accounts.store.users import User
from provider.languages.free_text import InvalidText, clean_line
from provider.oauth.authorize.parameters import read_scope
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.checks import Checks
from provider.oauth.ciba.hints import find_hinted_user
from provider.oauth.clients.clients import Client
from provider.oauth.clients.resources import read_resources
from provider.oauth.errors import InvalidBindingMessageError, InvalidRequestError, InvalidScopeError
from provider.oauth.response_types import CODE_FLOW
from provider.oauth.scopes import OPENID, parse_scope
from provider.oauth.tokens.server import AuthorizationServer
from provider.sessions.assurance import ACR_VALUES
from provider.work import UnitOfWork

SECTION = "CIBA section 7.1"
LONGEST_MESSAGE = 100
"""The longest binding_message, in characters. People compare it on two screens."""


@dataclass(frozen=True)
class Asked:
    """The request of a client to a user."""

    request: AuthorizationRequest
    user: User
    binding_message: str | None
    lifetime: timedelta
    notification_token: str | None
    """The bearer token for the ping, if the client gets one."""


def read_parameters(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, given: Mapping[str, str]
) -> Asked:
    """Return the checked parameters. Raises the errors of CIBA section 13."""
    scope = _read_scope(work, checks, client, given)
    notification_token = _read_notification_token(checks, client, given)
    binding_message = _read_binding_message(checks, client, given)
    resources = read_resources(work, checks, given.get("resource"))
    acr_values = parse_scope(given.get("acr_values")) or client.metadata.default_acr_values
    request = AuthorizationRequest(
        client=client,
        redirect_uri="",
        redirect_uri_given=False,
        scope=scope,
        acr_values=tuple(acr for acr in ACR_VALUES if acr in acr_values),
        resources=resources,
    )
    longest = work.settings.backchannel_request_lifetime
    wanted = timedelta(seconds=int(given.get("requested_expiry", int(longest.total_seconds()))))
    user = find_hinted_user(work, server, checks, client, given)
    return Asked(request, user, binding_message, min(wanted, longest), notification_token)


def _read_scope(work: UnitOfWork, checks: Checks, client: Client, given: Mapping[str, str]) -> tuple[str, ...]:
    asked = checks.found(
        given.get("scope"),
        "The request has a scope",
        section=SECTION,
        error=InvalidRequestError,
        description="scope is missing",
        expected="a scope with openid",
        got="no scope",
        fix="Send the scopes that the app needs, openid among them.",
    )
    checks.require(
        OPENID in parse_scope(asked),
        "scope includes openid",
        section=SECTION,
        error=InvalidScopeError,
        description="scope must include openid",
        expected="a scope with openid",
        got=asked,
        fix="Add openid to scope.",
    )
    return read_scope(checks, work.settings, client, CODE_FLOW, given)


def _read_notification_token(checks: Checks, client: Client, given: Mapping[str, str]) -> str | None:
    if not client.metadata.gets_pings:
        return None
    return checks.found(
        given.get("client_notification_token"),
        "The request has a client_notification_token",
        section=SECTION,
        error=InvalidRequestError,
        description="client_notification_token is missing. This client is registered for the mode ping",
        expected="a client_notification_token",
        got="no client_notification_token",
        fix="Send a new random client_notification_token with each request, or register the mode poll.",
    )


def _read_binding_message(checks: Checks, client: Client, given: Mapping[str, str]) -> str | None:
    text = given.get("binding_message")
    checks.require(
        text is not None or not client.metadata.is_fapi2,
        "The request has a binding_message",
        section="FAPI-CIBA section 5.2.2",
        error=InvalidRequestError,
        description="binding_message is missing. The profile of this client requires it",
        expected="a binding_message",
        got="no binding_message",
        fix="Send a short binding_message, and show it to the user in the app.",
    )
    if text is None:
        return None
    line, problem = "", ""
    try:
        line = clean_line(text, most=LONGEST_MESSAGE)
    except InvalidText:
        problem = f"{len(text)} characters, or one that cannot be shown"
    checks.require(
        line,
        "binding_message can be shown to the user",
        section="CIBA section 13",
        error=InvalidBindingMessageError,
        description=f"binding_message must be 1 to {LONGEST_MESSAGE} characters that can be shown on one line",
        expected=f"1 to {LONGEST_MESSAGE} characters on one line",
        got=problem or "blanks",
        fix="Send a short text, such as a transaction number, without line breaks and control characters.",
    )
    return line
