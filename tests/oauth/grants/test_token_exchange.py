"""Token exchange: an API acts for the person towards another API, visibly, and with no more power (RFC 8693)."""

import json
from typing import Any

import httpx2
import pytest
from joserfc import jws

from provider.audit.events import Event
from provider.audit.store import audit_events
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.grants.token_exchange import ACCESS_TOKEN, GRANT_TYPE, MOST_ACTORS
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import RelyingParty, Tokens

BOOKS, FILMS, MAPS = "https://books.example.test", "https://films.example.test", "https://maps.example.test"


def register_api(register: Register, identifier: str, *targets: str) -> RelyingParty:
    """An API, which may exchange what it is shown for tokens for these others."""
    grant_types = ("client_credentials", GRANT_TYPE) if targets else ("client_credentials",)
    return register(
        resource_identifiers=(identifier,),
        exchange_targets=targets,
        grant_types=grant_types,
        redirect_uris=(),
        post_logout_redirect_uris=(),
        scope="openid profile read write",
    )


@pytest.fixture
def books(register: Register) -> RelyingParty:
    return register_api(register, BOOKS, FILMS)


@pytest.fixture
def films(register: Register) -> RelyingParty:
    return register_api(register, FILMS, MAPS)


@pytest.fixture
def maps(register: Register) -> RelyingParty:
    return register_api(register, MAPS)


@pytest.fixture
def shown(register: Register, books: RelyingParty, browser: httpx2.Client) -> Tokens:
    """What an app shows to the books API for Ada."""
    app = register(scope="openid profile offline_access read")
    return app.redeem(app.ask(browser, scope="openid profile offline_access read", resource=BOOKS), resource=BOOKS)


def exchange(api: RelyingParty, subject_token: str, **changes: str | None) -> Tokens:
    given: dict[str, str | None] = {
        "grant_type": GRANT_TYPE,
        "subject_token": subject_token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": FILMS,
        **changes,
    }
    return Tokens(api.post("/oauth2/token", **given))


def claims_of(tokens: Tokens) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(jws.extract_compact(tokens.access_token.encode()).payload)
    return claims


def test_an_api_gets_a_token_for_another_and_it_says_who_acts(
    books: RelyingParty, films: RelyingParty, shown: Tokens, ada: str, work: Work
) -> None:
    """RFC 8693 sections 2.2.1 and 4.1: `act`, no refresh token, the person's own sub; and the audit knows."""
    tokens = exchange(books, shown.access_token)
    assert tokens.status == 200, tokens.body
    assert tokens.response.headers["cache-control"] == "no-store"
    assert tokens.body["issued_token_type"] == ACCESS_TOKEN
    assert tokens.body["token_type"] == "Bearer"
    assert tokens.body["scope"] == "profile read"
    assert not {"refresh_token", "id_token"} & tokens.body.keys()
    claims = claims_of(tokens)
    assert (claims["aud"], claims["sub"], claims["client_id"]) == (FILMS, ada, books.client_id)
    assert claims["act"] == {"sub": books.client_id}
    seen = films.introspect(tokens.access_token)
    assert seen["active"]
    assert seen["act"] == {"sub": books.client_id}
    assert books.userinfo(tokens).status_code == 401
    with work() as w:
        events = w.read.execute(audit_events.select().where(audit_events.c.name == Event.TOKEN_EXCHANGED)).all()
    assert len(events) == 1


def test_an_exchanged_token_can_be_exchanged_again_and_names_every_actor(
    books: RelyingParty, films: RelyingParty, maps: RelyingParty, shown: Tokens
) -> None:
    """RFC 8693 section 4.1: the chain of delegation."""
    further = exchange(films, exchange(books, shown.access_token).access_token, resource=None, audience=MAPS)
    assert claims_of(further)["act"] == {"sub": films.client_id, "act": {"sub": books.client_id}}
    assert maps.introspect(further.access_token)["active"]


def test_an_exchanged_token_ends_with_its_subject_token(
    books: RelyingParty, films: RelyingParty, shown: Tokens, register: Register, work: Work, clock: Clock, ada: str
) -> None:
    """The approval revoked, the client that exchanged disabled, the subject token's end."""
    clock.advance(minutes=8)
    tokens = exchange(books, shown.access_token)
    assert tokens.body["expires_in"] == 120
    assert claims_of(tokens)["exp"] == claims_of(shown)["exp"]
    with work() as w:
        clients.disable(w, books.client_id)
    assert films.introspect(tokens.access_token) == {"active": False}
    with work() as w:
        clients.enable(w, books.client_id)
    assert films.introspect(tokens.access_token)["active"]
    app = shown.answer
    assert app is not None
    with work() as w:
        clients.disable(w, app.asked["client_id"])
    assert films.introspect(tokens.access_token) == {"active": False}


@in_one_world(
    ("changes", "error"),
    [
        ({"resource": MAPS}, "invalid_target"),
        ({"resource": None}, "invalid_target"),
        ({"resource": ISSUER}, "invalid_target"),
        ({"resource": "https://nobody.example.test"}, "invalid_target"),
        ({"audience": MAPS}, "invalid_target"),
        ({"scope": "read write"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "admin:read"}, "invalid_scope"),
        ({"subject_token": "x.y.z"}, "invalid_request"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x.y.z"}, "invalid_request"),
        ({"actor_token": "x.y.z", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ],
)
def test_token_exchange_never_adds_scope_or_lifetime(
    books: RelyingParty,
    films: RelyingParty,
    maps: RelyingParty,
    shown: Tokens,
    changes: dict[str, str | None],
    error: str,
    unchanged: Unchanged,
    explain: Explain,
) -> None:
    """RFC 8693 section 2.2.2."""
    with unchanged():
        refused = exchange(books, **{"subject_token": shown.access_token, **changes})  # type: ignore[arg-type]
    assert (refused.status, refused.error) == (400, error)
    assert explain(refused.error_id).checks[-1]["passed"] is False


def test_only_user_tokens_for_this_client_can_be_exchanged(
    books: RelyingParty, films: RelyingParty, maps: RelyingParty, shown: Tokens
) -> None:
    """RFC 8693 sections 2.1 and 5: not another API's token, not one without a person, not an ID or refresh token."""
    assert exchange(films, shown.access_token, resource=MAPS).error == "invalid_request"
    own = books.client_credentials(scope="read")
    for wrong in (own.access_token, shown.id_token, shown.refresh_token):
        assert exchange(books, wrong).error == "invalid_request"
    good = {"actor_token": own.access_token, "actor_token_type": ACCESS_TOKEN}
    assert exchange(books, shown.access_token, **good).status == 200
    others = films.client_credentials(scope="read").access_token
    assert exchange(books, shown.access_token, **(good | {"actor_token": others})).error == "invalid_request"


def test_token_exchange_requires_registration(
    register: Register, books: RelyingParty, films: RelyingParty, maps: RelyingParty, shown: Tokens
) -> None:
    assert exchange(maps, shown.access_token).error == "unauthorized_client"
    for wrong in (
        {"grant_types": (GRANT_TYPE,), "redirect_uris": (), "post_logout_redirect_uris": ()},
        {"exchange_targets": (FILMS,)},
        {"grant_types": (GRANT_TYPE,), "exchange_targets": (FILMS,), "public": True},
        {"grant_types": (GRANT_TYPE,), "exchange_targets": ("films",)},
    ):
        with pytest.raises(InvalidMetadata):
            register(**wrong)


def test_a_chain_of_exchanges_is_limited(register: Register, browser: httpx2.Client) -> None:
    """RFC 8693 section 4.1 sets no limit; a token that grew for ever would."""
    ping_uri, pong_uri = "https://ping.example.test", "https://pong.example.test"
    ping, pong = register_api(register, ping_uri, pong_uri), register_api(register, pong_uri, ping_uri)
    app = register(scope="openid read")
    tokens, done = app.redeem(app.ask(browser, scope="read", resource=ping_uri)), 0
    while tokens.status == 200 and done < 20:
        api, target = (pong, ping_uri) if done % 2 else (ping, pong_uri)
        tokens, done = exchange(api, tokens.access_token, resource=target), done + 1
    assert (done, tokens.error) == (MOST_ACTORS + 1, "invalid_request")
