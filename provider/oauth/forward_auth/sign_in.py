"""Sign-ins for a protected site: a code flow of its client, with this server on both sides.

The `state` is sealed. It names the site, the page to return to, the PKCE verifier and the browser that started the
sign-in, which is known by a cookie at the site. So nothing is stored, each tab can sign in, and an answer that was
obtained in another browser or for another site is rejected.
"""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from provider.crypto.digests import digest, new_opaque
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.clients.protected_sites.sites import CALLBACK
from provider.oauth.grants import authorization_code
from provider.oauth.grants.request import TokenRequest
from provider.oauth.response_types import CODE
from provider.oauth.scopes import GROUPS, OPENID, format_scope
from provider.oauth.tokens.access_tokens import read_access_token
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.grants import Grant
from provider.sessions.assurance import AAL1, ACR_VALUES, is_at_least
from provider.work import UnitOfWork

PURPOSE = "forward-auth-sign-in"
LIFETIME = timedelta(hours=1)
"""How long a user may take to sign in."""
LONGEST_URI = 1000
"""The longest path, in characters, to which a user returns. From a longer one, they return to the start page."""
SCOPES = (OPENID, "profile", "email", GROUPS)
"""What the headers tell the site, as far as the client is registered for it."""


@dataclass(frozen=True)
class SignIn:
    """A sign-in that was started at a protected site."""

    client_id: str
    origin: str
    uri: str
    browser: str
    """The digest of the cookie of the browser that started it, in hexadecimal digits."""
    verifier: str


def authorization_url(work: UnitOfWork, client: Client, *, origin: str, uri: str, browser: str, level: str) -> str:
    """Return the URL of the authorization endpoint that signs the user in for this site, with at least this level."""
    back = uri if len(uri) <= LONGEST_URI and uri.isascii() and uri.isprintable() else "/"
    started = SignIn(client.client_id, origin, back, digest(browser).hex(), new_opaque())
    parameters = {
        "response_type": CODE,
        "client_id": client.client_id,
        "redirect_uri": origin + CALLBACK,
        "scope": format_scope(client.metadata.still_of(SCOPES)),
        "state": work.vault.seal(asdict(started), purpose=PURPOSE, now=work.now, lifetime=LIFETIME),
        "code_challenge": str(create_s256_code_challenge(started.verifier)),
        "code_challenge_method": "S256",
    }
    if level != AAL1:  # essential, so that a user who cannot reach it is not sent back and forth
        values = [value for value in ACR_VALUES if is_at_least(value, level)]
        parameters["claims"] = json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})
    return f"{work.settings.issuer}/oauth2/authorize?{urlencode(parameters)}"


def find_sign_in(work: UnitOfWork, state: str | None, *, origin: str, browser: str | None) -> SignIn | None:
    """Return the sign-in of this `state`, or None if it was started elsewhere, in another browser or too long ago."""
    sealed = None if state is None else work.vault.unseal(state, purpose=PURPOSE, now=work.now)
    found = None if sealed is None else SignIn(**sealed)
    is_own = found is not None and browser is not None and found.browser == digest(browser).hex()
    return found if is_own and found is not None and found.origin == origin else None


def redeem(work: UnitOfWork, server: AuthorizationServer, started: SignIn, client: Client, code: str) -> Grant:
    """Redeem the code, as the token endpoint does, and return its grant. The tokens are dropped.

    Raises the OAuth2Error of the token endpoint.
    """
    form = {
        "grant_type": authorization_code.GRANT_TYPE,
        "code": code,
        "redirect_uri": started.origin + CALLBACK,
        "code_verifier": started.verifier,
    }
    checks = Checks("token", client_id=client.client_id)
    response = authorization_code.redeem(TokenRequest(work, server, client, form, checks))
    grant = read_access_token(work, server, response["access_token"]).grant
    assert grant is not None  # noqa: S101  # a code has a grant
    return grant
