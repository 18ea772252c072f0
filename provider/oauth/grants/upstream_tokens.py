"""Token exchange for an access token of an upstream provider, with which a client calls the provider's API for a user
(RFC 8693).

The `audience` is the key of the upstream (RFC 8693 section 2.1: a logical name), and the client needs it in its
`upstream_tokens`. The user sees the client in their account, and can stop it.
"""

from datetime import datetime, timedelta
from typing import Any

from provider.accounts.upstream_tokens.fetching import FetchedToken, NotConnected, TokensUnavailable, note_use
from provider.oauth.clients.resources import name_one_of
from provider.oauth.errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    UpstreamUnavailableError,
)
from provider.oauth.grants.delegation import record_delegation, require_not_stopped
from provider.oauth.grants.request import TokenRequest
from provider.oauth.tokens.access_tokens import ActiveToken
from provider.oauth.tokens.store import delegations
from provider.oauth.tokens.store.delegations import Delegation
from provider.saved_settings.upstreams import KEY

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a type
SECTION = "RFC 8693 section 2.2.2"
WITHOUT_EXPIRY = timedelta(hours=1)
"""How long the app is shown as acting for the user, after a token whose end the upstream does not say."""


def named_upstream(request: TokenRequest) -> str | None:
    """Return the key of the upstream that a request names, or None if it is about an API here. A key is no URI."""
    audience = request.form.get("audience", "")
    is_key = bool(request.client.metadata.upstream_tokens) and KEY.fullmatch(audience) is not None
    return audience if is_key else None


def issue_upstream_token(request: TokenRequest, subject: ActiveToken, key: str, *, user_id: str) -> dict[str, Any]:
    """Return the token response (RFC 8693 section 2.2.1) for the user of a subject token that was checked.

    Raises InvalidRequestError; InvalidTargetError; InvalidGrantError if the user must connect the account again, or
    stopped the client; InvalidScopeError; UpstreamUnavailableError (503).
    """
    work, client = request.work, request.client
    allowed = client.metadata.upstream_tokens
    request.checks.require(
        key in allowed and "resource" not in request.form,
        "audience is in upstream_tokens of the client",
        section=SECTION,
        error=InvalidTargetError,
        description="resource cannot be sent with an upstream as audience"
        if key in allowed
        else "audience is not in upstream_tokens of this client",
        expected=" or ".join(allowed),
        got=key,
        fix="Send the key of an upstream in upstream_tokens as audience, without resource, or add this one: `signet "
        "client update CLIENT_ID --metadata FILE`.",
    )
    _require_own(request, subject)
    require_not_stopped(request, user_id=user_id)
    token = _fetch(request, key, user_id=user_id)
    _require_scope(request, token)
    _note(request, token, key, user_id=user_id)
    response: dict[str, Any] = {
        "access_token": token.access_token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": token.token_type,
    }
    if token.expires_at is not None:
        response["expires_in"] = int((token.expires_at - work.installation.clock()).total_seconds())
    return response | ({"scope": token.scope} if token.scope else {})


def _require_own(request: TokenRequest, subject: ActiveToken) -> None:
    """Check that the subject token was issued to this client, or for its API. A token for Signet itself, which another
    app has, is not enough here: what comes of it ends elsewhere, and not with that app's access.
    """
    client = request.client
    issued_to = str(subject.claims["client_id"])
    request.checks.require(
        issued_to == client.client_id or name_one_of(subject.audience, client.metadata.resource_identifiers),
        "subject_token was issued to this client or for its API",
        section="RFC 8693 section 2.1",
        error=InvalidRequestError,
        description="subject_token must be issued to this client, or with its API as audience",
        expected=" or ".join((client.client_id, *client.metadata.resource_identifiers)),
        got=f"client {issued_to}, audience {' '.join(sorted(subject.audience))}",
        fix="Send an access token that this client got for the user, or one with this client's API as its audience "
        "(resource).",
    )


def _fetch(request: TokenRequest, key: str, *, user_id: str) -> FetchedToken:
    checks, token, problem = request.checks, None, ""
    try:
        token = request.server.fetch_upstream_token(request.work, key, user_id=user_id)
    except NotConnected as missing:
        problem = str(missing)
    except TokensUnavailable as unavailable:
        checks.refuse(
            "The upstream answers",
            section="RFC 6749 section 4.1.2.1",
            error=UpstreamUnavailableError,
            description="The upstream provider does not answer right now. Try again in a moment",
            expected="an answer of the upstream",
            got=str(unavailable),
            fix="Repeat the request in a moment. If it stays so, look for the log event upstream.unavailable.",
        )
    return checks.found(
        token,
        "The user has connected an account at the upstream",
        section=SECTION,
        error=InvalidGrantError,
        description="The user must connect their account at the upstream provider again",
        expected="stored tokens of the upstream that are still valid",
        got=problem,
        fix="Ask the user to sign in with the provider, or to connect it on the page Linked accounts of their account "
        "(/account/linked). The operator turns storing on with store_tokens of the upstream.",
    )


def _require_scope(request: TokenRequest, token: FetchedToken) -> None:
    """Check that the user granted what the client asks for. The token may have more scope: the upstream decides."""
    asked, granted = request.form.get("scope", "").split(), token.scope.split()
    missing = [scope for scope in asked if scope not in granted]
    request.checks.require(
        not missing,
        "The user granted each requested scope at the upstream",
        section="RFC 8693 section 2.1",
        error=InvalidScopeError,
        description="The user has not granted each requested scope at the upstream provider",
        expected=" ".join(granted),
        got=" ".join(asked),
        fix="Leave out scope, or add it to token_scopes of the upstream and ask the user to connect the account again.",
    )


def _is_shown(known: Delegation | None, token: FetchedToken, *, until: datetime) -> bool:
    """Return whether the user already sees that the client acts for them, until this time or by another way.

    An assertion does not count: it is shown, and can be stopped, only as long as its issuer is trusted.
    """
    if known is None or known.method == delegations.ASSERTION:
        return False
    return known.method != delegations.UPSTREAM or (known.via == token.name and known.expires_at >= until)


def _note(request: TokenRequest, token: FetchedToken, key: str, *, user_id: str) -> None:
    """Store what the user sees about the client. Most requests write nothing."""
    work, client_id = request.work, request.client.client_id
    known = delegations.find(work.read, user_id, client_id)
    ends = token.expires_at or work.now + WITHOUT_EXPIRY
    if not _is_shown(known, token, until=ends):
        record_delegation(
            request,
            user_id=user_id,
            method=delegations.UPSTREAM,
            via=token.name,
            scope=(),
            resources=(),
            expires_at=int(ends.timestamp()) + 1,
        )
    request.checks.require(
        note_use(work, token, user_id=user_id, client_id=client_id, upstream=key),
        "The account at the upstream is still connected",
        section=SECTION,
        error=InvalidGrantError,
        description="The user must connect their account at the upstream provider again",
        expected="stored tokens of the upstream",
        got="tokens that were removed a moment ago",
        fix="Ask the user to connect the account again.",
    )
