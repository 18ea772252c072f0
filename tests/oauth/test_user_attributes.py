"""Attributes of users released by their scope: userinfo, ID tokens, consent and discovery (OIDC Core section 5.4)."""

import html
import json
import re
from typing import Any

import pytest

from provider.accounts.attributes import declarations
from provider.oauth.authorize.consent import grant
from tests.oauth.conftest import Register
from tests.oauth.endpoints.test_consent import allow
from tests.oauth.watched_http import WatchedClient
from tests.support.attributes import declare, give
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty

SCOPE = "openid email shop"


@pytest.fixture
def number(work: Work, ada: str) -> None:
    declare(work, "customer_number", scope="shop")
    declare(work, "tags", "list", scope="shop", claim="https://shop.example.test/tags")
    declare(work, "private")
    give(work, ada, customer_number="4711", tags=["a", "b"], private="x")


def userinfo(rp: RelyingParty, access_token: str) -> dict[str, Any]:
    found: dict[str, Any] = rp.userinfo(access_token).json()
    return found


@pytest.mark.both_databases
@pytest.mark.usefixtures("number")
def test_the_scope_releases_the_attributes_in_userinfo(register: Register, browser: WatchedClient, ada: str) -> None:
    rp = register(scope="openid email shop")
    claims = userinfo(rp, rp.sign_in(browser, scope=SCOPE).access_token)
    assert claims == {
        "sub": ada,
        "email": "ada@example.test",
        "email_verified": True,
        "customer_number": "4711",
        "https://shop.example.test/tags": ["a", "b"],
    }
    assert "customer_number" not in userinfo(rp, rp.sign_in(browser, scope="openid email").access_token)


@pytest.mark.usefixtures("number")
def test_the_id_token_has_them_as_it_has_other_claims(register: Register, browser: WatchedClient) -> None:
    usual, full = register(scope=SCOPE), register(scope=f"{SCOPE} offline_access", claims_in_id_token=True)
    assert "customer_number" not in usual.verify(usual.sign_in(browser, scope=SCOPE))
    tokens = full.sign_in(browser, scope=f"{SCOPE} offline_access")
    assert full.verify(tokens)["customer_number"] == "4711"
    assert full.verify(full.refresh(tokens.refresh_token), refreshed=True)["customer_number"] == "4711"


def test_an_attribute_never_overrides_a_claim_of_ours(
    work: Work, register: Register, browser: WatchedClient, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-246. Not even one that a later release reserves after it was declared."""
    monkeypatch.setattr(declarations, "CLAIMS", frozenset())
    for name in ("sub", "email", "aud", "exp", "nonce", "cnf"):
        declare(work, name, scope="shop")
        give(work, ada, **{name: "evil"})
    rp = register(scope=SCOPE, claims_in_id_token=True)
    tokens = rp.sign_in(browser, scope=SCOPE)
    for claims in (userinfo(rp, tokens.access_token), rp.verify(tokens)):
        assert claims["sub"] == ada
        assert "evil" not in json.dumps(claims)


def test_old_grants_do_not_release_what_was_added_to_their_scope(
    work: Work, register: Register, browser: WatchedClient, ada: str, clock: Clock
) -> None:
    """N-247. The user was not asked for it then."""
    rp = register(scope=f"{SCOPE} offline_access")
    before = rp.sign_in(browser, scope=f"{SCOPE} offline_access")
    clock.advance(seconds=10)
    declare(work, "customer_number", scope="shop")
    give(work, ada, customer_number="4711")
    assert "customer_number" not in userinfo(rp, before.access_token)
    assert "customer_number" not in userinfo(rp, rp.refresh(before.refresh_token).access_token)
    assert userinfo(rp, rp.sign_in(browser, scope=SCOPE).access_token)["customer_number"] == "4711"
    clock.advance(seconds=10)
    declare(work, "customer_number", scope="shop", label="Another label", position=3)
    after = rp.sign_in(browser, scope=SCOPE)
    clock.advance(seconds=10)
    declare(work, "customer_number", scope="shop", label="A third label")
    assert userinfo(rp, after.access_token)["customer_number"] == "4711"


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>|[\u2066-\u2069]", "", page.partition("<main")[2])).split())


@pytest.mark.usefixtures("number")
def test_consent_shows_each_attribute_in_words(work: Work, register: Register, browser: WatchedClient) -> None:
    declare(work, "customer_number", label={"en": "Customer number", "de": "Kundennummer"}, scope="shop")
    rp = register(first_party=False, scope=SCOPE)
    answer = rp.ask(browser, scope=SCOPE)
    assert answer.page == "/consent"
    for language, text in (("en", "See this about you: Customer number"), ("de", "Kundennummer")):
        page = browser.get(
            "/consent", params={"request_uri": answer.request_uri}, headers={"accept-language": language}
        )
        assert text in words(page.text)
        assert "permission “shop”" not in words(page.text)


def test_users_are_asked_again_when_their_scope_releases_more(
    work: Work, register: Register, browser: WatchedClient, ada: str, clock: Clock
) -> None:
    """N-248. Also when they allowed something else meanwhile."""
    rp = register(first_party=False, scope=f"{SCOPE} orders")
    allow(rp, browser, scope=SCOPE)
    assert rp.ask(browser, scope=SCOPE, prompt="none").error is None
    clock.advance(seconds=10)
    declare(work, "customer_number", scope="shop")
    assert rp.ask(browser, scope=SCOPE, prompt="none").error == "consent_required"
    clock.advance(seconds=10)
    with work() as w:
        grant(w, user_id=ada, client=rp.client, scopes=("openid", "orders"), claims=frozenset())
    assert rp.ask(browser, scope=SCOPE, prompt="none").error == "consent_required"
    clock.advance(seconds=10)
    allow(rp, browser, scope=SCOPE)
    assert rp.ask(browser, scope=SCOPE, prompt="none").error is None


@pytest.mark.usefixtures("number")
def test_discovery_names_the_scopes_and_claims(http: WatchedClient) -> None:
    found = http.get("/.well-known/openid-configuration").json()
    assert found["scopes_supported"][-1] == "shop"
    assert found["claims_supported"][-2:] == ["customer_number", "https://shop.example.test/tags"]
    api = http.get("/.well-known/oauth-protected-resource/api/account").json()
    assert "claims_supported" not in api
