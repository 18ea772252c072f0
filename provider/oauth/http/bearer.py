"""Access tokens at userinfo, the account API and the admin API: bearer tokens (RFC 6750), and tokens that are bound to
a key (RFC 9449).
"""

from collections.abc import Collection, Iterable
from functools import partial

from provider.oauth.checks import Checks
from provider.oauth.errors import InsufficientScopeError, InvalidRequestError, InvalidTokenError, MissingTokenError
from provider.oauth.http.cross_origin import allow
from provider.oauth.http.proofs import require_holder
from provider.oauth.http.refused import require_one_authorization
from provider.oauth.http.server import server_of
from provider.oauth.tokens.access_tokens import ActiveToken, InactiveToken, read_access_token
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.store.people import Person
from provider.observability.metrics import FAILED_ATTEMPTS
from provider.web.call import Call

BEARER, DPOP = "bearer", "dpop"
SCHEMES = (BEARER, DPOP)
"""The schemes of the Authorization header with which our own APIs take access tokens."""


def require_person(call: Call, checks: Checks, scope: str) -> tuple[ActiveToken, Grant, Person]:
    """Return an active access token with this scope that acts for a user, with its grant and the user.

    Raises InvalidTokenError (401), InsufficientScopeError (403), or InvalidRequestError for ambiguous credentials.
    """
    token = _require_active(call, checks)
    acts_for = None if token.grant is None or token.person is None else (token.grant, token.person)
    grant, person = checks.found(
        acts_for if scope in token.scope else None,
        f"The access token has the scope {scope} and acts for a user",
        section="RFC 6750 section 3.1",
        error=InsufficientScopeError,
        description=f"The access token must have the scope {scope} and act for a user",
        expected=scope,
        got=" ".join(token.scope) or "no scope",
        fix=f"Request the scope {scope} when a user signs in, and send the access token issued then.",
        scope=scope,
    )
    return token, grant, person


def require_token(call: Call, checks: Checks, scopes: Iterable[str]) -> ActiveToken:
    """Return an active access token with one of these scopes, of a user or of a client acting for itself."""
    token, wanted = _require_active(call, checks), sorted(scopes)
    checks.require(
        not set(wanted).isdisjoint(token.scope),
        f"The access token has the scope {' or '.join(wanted)}",
        section="RFC 6750 section 3.1",
        error=InsufficientScopeError,
        description=f"The access token must have the scope {wanted[0]}",
        expected=" or ".join(wanted),
        got=" ".join(token.scope) or "no scope",
        fix=f"Request the scope {wanted[0]}, and send the access token issued then.",
        scope=wanted[0],
    )
    return token


def _require_active(call: Call, checks: Checks) -> ActiveToken:
    scheme, text = _read_token(call, checks, SCHEMES)
    token: ActiveToken | None = None
    problem = ""
    try:
        token = read_access_token(call.work, server_of(call), text, with_person=True)
        checks.client_id = str(token.claims["client_id"])
        if call.settings.issuer not in token.audience:
            problem, token = f"an access token for {' '.join(sorted(token.audience))}", None
    except InactiveToken as inactive:
        problem, checks.client_id = str(inactive), inactive.client_id
        if inactive.client_id is None:
            call.work.after_commit.append(partial(FAILED_ATTEMPTS.count, "access_token"))
    if checks.client_id is not None:
        allow(call, checks.client_id)
    token = checks.found(
        token,
        "The access token is active",
        section="RFC 6750 section 3.1",
        error=InvalidTokenError,
        description="The access token is invalid, expired or revoked",
        expected="an active access token for this server",
        got=problem,
        fix="Refresh, and send the new access token. Check that it is an access token (not an ID token) "
        "that this server issued for this API.",
    )
    if scheme == DPOP or "cnf" in token.claims:
        require_holder(call, checks, text, bound=token.confirmation, has_scheme=scheme == DPOP)
    return token


def bearer_token(call: Call, checks: Checks) -> str:
    """Return the bearer token of a request: an initial or a registration access token."""
    return _read_token(call, checks, (BEARER,))[1]


def _read_token(call: Call, checks: Checks, schemes: Collection[str]) -> tuple[str, str]:
    """Return the scheme and the token, from the header or the form body, exactly one of them.

    The query is never read (OAuth 2.1 section 5.1).
    """
    scheme, _, value = (require_one_authorization(call, checks) or "").partition(" ")
    shown = [(scheme.lower(), value.strip())] if scheme.lower() in schemes else []
    in_body = call.form.get("access_token") if call.method == "POST" else None
    if in_body is not None:
        shown.append((BEARER, in_body))
    checks.require(
        len(shown) <= 1 and not call.form.repeated,
        "The request has only one access token",
        section="RFC 6750 section 2",
        error=InvalidRequestError,
        description="More than one access token was sent. Send it once, in the Authorization header",
        expected="one access token",
        got="an access token in the header and in the form, or a parameter twice",
        fix="Send the access token once, in the Authorization header.",
    )
    checks.require(
        shown,
        "The request has an access token",
        section="RFC 6750 section 2",
        error=MissingTokenError,
        description="The access token is missing. Send it in the Authorization header",
        expected="Authorization: Bearer TOKEN, or access_token in the form body",
        got="no access token",
        fix="Send the access token in the header: Authorization: Bearer TOKEN.",
    )
    return shown[0]
