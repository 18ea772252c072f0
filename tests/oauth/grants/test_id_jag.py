"""Issuing ID-JAGs by token exchange (draft-ietf-oauth-identity-assertion-authz-grant-03 section 4.3, RFC 8693)."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc import jws

from provider.accounts import suspension
from provider.oauth.authorize import connected_apps
from provider.oauth.clients import clients
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.grants.id_jag import ID_JAG, ID_TOKEN
from provider.oauth.tokens.server import AuthorizationServer
from provider.sessions.lifecycle import end_all_sessions
from tests.oauth.conftest import Register
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import RelyingParty, Tokens

CHAT, OTHER, API = "https://auth.chat.example", "https://auth.other.example", "https://mcp.chat.example/"


@pytest.fixture
def signed_in(wiki: RelyingParty, browser: httpx2.Client) -> Tokens:
    return wiki.redeem(wiki.ask(browser, scope="openid profile"))


@pytest.fixture
def wiki(register: Register) -> RelyingParty:
    return register(
        grant_types=("authorization_code", TOKEN_EXCHANGE),
        scope="openid profile",
        id_jag_audiences={CHAT: "wiki-at-chat"},
    )


def exchange(wiki: RelyingParty, id_token: str, **changes: str | None) -> httpx2.Response:
    given: dict[str, str | None] = {
        "grant_type": TOKEN_EXCHANGE,
        "requested_token_type": ID_JAG,
        "subject_token": id_token,
        "subject_token_type": ID_TOKEN,
        "audience": CHAT,
        **changes,
    }
    return wiki.post("/oauth2/token", **given)


def assert_refused(response: httpx2.Response, error: str = "invalid_request") -> None:
    assert (response.status_code, response.json()["error"]) == (400, error), response.text


def test_an_id_token_is_exchanged_for_an_id_jag(wiki: RelyingParty, signed_in: Tokens, ada: str) -> None:
    """Sections 4.3.3, 3.1: `typ`, the client_id at the other server, five minutes, and no access token."""
    answer = exchange(wiki, signed_in.id_token, scope="chat.read openid", resource=API)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["issued_token_type"], body["token_type"], body["expires_in"]) == (ID_JAG, "N_A", 300)
    assert not {"refresh_token", "id_token"} & body.keys()
    read = jws.extract_compact(body["access_token"].encode())
    claims: dict[str, Any] = json.loads(read.payload)
    assert read.headers()["typ"] == "oauth-id-jag+jwt"
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ISSUER, ada, CHAT)
    assert (claims["client_id"], claims["scope"], claims["resource"]) == ("wiki-at-chat", "chat.read", API)
    assert claims["exp"] - claims["iat"] == 300
    assert {"jti", "auth_time", "acr", "amr"} <= claims.keys()


def test_the_client_and_the_audience_were_allowed_by_an_operator(
    wiki: RelyingParty, signed_in: Tokens, register: Register
) -> None:
    """N-210: another server, none, ourselves, and a client that may only exchange access tokens."""
    for audience in (OTHER, None, ISSUER, CHAT + "/"):
        assert_refused(exchange(wiki, signed_in.id_token, audience=audience), "invalid_target")
    api = register(grant_types=(TOKEN_EXCHANGE,), exchange_targets=(API,), redirect_uris=())
    assert_refused(exchange(api, signed_in.id_token), "invalid_target")
    for audiences in ({"http://x.example": "a"}, {CHAT: ""}, {CHAT: 7}, {"": "a"}):
        with pytest.raises(InvalidMetadata):
            register(grant_types=(TOKEN_EXCHANGE,), id_jag_audiences=audiences, redirect_uris=())


def test_only_current_id_tokens_of_the_client_are_exchanged(
    wiki: RelyingParty, signed_in: Tokens, register: Register, browser: httpx2.Client, clock: Clock
) -> None:
    """N-211: access tokens, those of other clients, changed and expired ones (section 4.3.1)."""
    other = register(grant_types=("authorization_code",), scope="openid")
    theirs = other.redeem(other.ask(browser, scope="openid")).id_token
    assert_refused(exchange(wiki, theirs))
    assert_refused(exchange(wiki, signed_in.access_token))
    assert_refused(
        exchange(wiki, signed_in.id_token, subject_token_type="urn:ietf:params:oauth:token-type:access_token")
    )
    assert_refused(exchange(wiki, signed_in.id_token[:-4] + "AAAA"))
    assert_refused(exchange(wiki, signed_in.id_token, actor_token=signed_in.access_token))
    clock.advance(seconds=100_000)
    assert_refused(exchange(wiki, signed_in.id_token))


@pytest.mark.parametrize("how", ["suspended", "signed out", "revoked"])
def test_a_user_who_is_gone_gets_no_id_jag(
    wiki: RelyingParty, signed_in: Tokens, ada: str, work: Work, server: AuthorizationServer, how: str
) -> None:
    """N-212: a disabled person, an ended session, a revoked grant."""
    acts: dict[str, Callable[..., object]] = {
        "suspended": lambda w: suspension.suspend(w, user_id=ada, reason=None),
        "signed out": lambda w: end_all_sessions(w, user_id=ada, reason="x"),
        "revoked": lambda w: connected_apps.disconnect(w, server, user_id=ada, client_id=wiki.client_id),
    }
    assert exchange(wiki, signed_in.id_token).status_code == 200
    with work() as w:
        acts[how](w)
    assert_refused(exchange(wiki, signed_in.id_token))


def test_a_disabled_client_gets_no_id_jag(wiki: RelyingParty, signed_in: Tokens, work: Work) -> None:
    """N-213."""
    with work() as w:
        clients.disable(w, wiki.client_id)
    assert exchange(wiki, signed_in.id_token).status_code == 401


def test_an_id_jag_of_ours_is_no_token_here(wiki: RelyingParty, signed_in: Tokens) -> None:
    """N-214: not at userinfo, introspection, as a client assertion or as an ID token (RFC 8725 section 3.11)."""
    made = exchange(wiki, signed_in.id_token).json()["access_token"]
    assert wiki.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {made}"}).status_code == 401
    assert wiki.introspect(made) == {"active": False}
    assert_refused(exchange(wiki, made))
