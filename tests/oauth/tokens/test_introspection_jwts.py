"""The answer about a token as a signed JWT."""

import warnings
from typing import Any

import httpx2
import pytest
from joserfc import jwe, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, KeySet

from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.relying_party import INTROSPECT, RelyingParty

MEDIA_TYPE = "application/token-introspection+jwt"
API = {"redirect_uris": (), "grant_types": ()}


def ask(api: RelyingParty, token: str, accept: str = MEDIA_TYPE) -> httpx2.Response:
    headers, form = api.authentication()
    return api.http.post(INTROSPECT, data={**form, "token": token}, headers={**headers, "accept": accept})


def verified(api: RelyingParty, signed: str, alg: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims."""
    with warnings.catch_warnings(category=SecurityWarning, action="ignore"):
        token = jwt.decode(signed, KeySet.import_key_set(api.jwks()), algorithms=[alg])  # type: ignore[arg-type]
    return token.header, token.claims


@pytest.mark.parametrize(("registered", "alg"), [(None, "RS256"), ("ES256", "ES256")])
def test_who_accepts_a_jwt_gets_the_same_answer_signed(
    register: Register, rp: RelyingParty, browser: WatchedClient, clock: Clock, registered: str | None, alg: str
) -> None:
    """RFC 9701 sections 4, 5, 6: typed, for this API alone, and with no `sub` or `exp` of its own."""
    api = register(**API, introspection_signed_response_alg=registered)
    token = rp.sign_in(browser).access_token
    response = ask(api, token, accept=f"text/html;q=0.5, {MEDIA_TYPE}")
    assert (response.headers["content-type"], response.headers["cache-control"]) == (MEDIA_TYPE, "no-store")
    header, claims = verified(api, response.text, alg)
    assert header["typ"] == "token-introspection+jwt"
    plain = api.introspect(token)
    assert plain["active"] is True
    assert claims == {
        "iss": api.issuer,
        "aud": api.client_id,
        "iat": int(clock.now.timestamp()),
        "token_introspection": plain,
    }


def test_a_signed_introspection_response_reveals_nothing_more(
    register: Register, rp: RelyingParty, browser: WatchedClient
) -> None:
    """RFC 9701 section 5; A-57: inactive and nothing else for whom the token does not concern; refusals stay JSON."""
    token = rp.sign_in(browser).access_token
    for asking, about in ((register(), token), (register(**API), "x"), (rp, "a.b.c")):
        assert verified(asking, ask(asking, about).text, "RS256")[1]["token_introspection"] == {"active": False}
    refused = ask(register(public=True), token)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_a_signed_introspection_response_is_not_accepted_as_a_token(
    register: Register, rp: RelyingParty, browser: WatchedClient
) -> None:
    """RFC 9701 section 8.1, RFC 8725 section 3.11: neither an access token nor a hint of who is signed in."""
    signed = ask(rp, rp.sign_in(browser).access_token).text
    assert rp.userinfo(signed).status_code == 401
    assert not rp.is_active(signed)
    assert rp.ask(browser, prompt="none", id_token_hint=signed).error == "invalid_request"


def test_it_may_be_encrypted_to_the_api(register: Register, rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9701 section 6: signed first."""
    key = ECKey.generate_key("P-256", {"kid": "api-1", "use": "enc"}, private=True)
    api = register(
        **API,
        jwks={"keys": [key.as_dict(private=False)]},
        introspection_encrypted_response_alg="ECDH-ES",
        introspection_encrypted_response_enc="A256GCM",
    )
    opened = jwe.decrypt_compact(
        ask(api, rp.sign_in(browser).access_token).text, key, algorithms=["ECDH-ES", "A256GCM"]
    )
    assert opened.plaintext is not None
    assert verified(api, opened.plaintext.decode(), "RS256")[1]["token_introspection"]["active"] is True
