"""Discovery documents and keys: cached, refetched with care, and an upstream that is away stops nobody else."""

from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt

from provider.app import Application
from tests.federation.fake_provider import DISCOVERY, JWKS, TOKEN, FakeProvider, Traveller, ec_key, rsa_key
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.people import sign_in

SILENT = "there was no whole answer within 3 seconds"


def again(traveller: Traveller) -> int:
    return traveller.sign_in("/login?prompt=login").status


def test_documents_are_fetched_once_an_hour(traveller: Traveller, clock: Clock) -> None:
    assert [again(traveller) for _ in range(3)] == [200] * 3
    assert traveller.provider.asked == [DISCOVERY, TOKEN, JWKS, TOKEN, TOKEN]
    clock.advance(minutes=61)
    assert again(traveller) == 200
    assert traveller.provider.asked[5:] == [DISCOVERY, TOKEN, JWKS]


def test_documents_that_the_test_kit_forgets_are_fetched_again(traveller: Traveller, app: Application) -> None:
    assert again(traveller) == 200
    app.state.upstreams.forget()
    assert again(traveller) == 200
    assert traveller.provider.asked == [DISCOVERY, TOKEN, JWKS] * 2


def test_nobody_is_asked_before_somebody_wants_to_sign_in(browser: Browser, provider: FakeProvider) -> None:
    """An upstream that is away holds up neither the start nor a page."""
    assert browser.open("/login").status == 200
    assert provider.asked == []


def test_a_new_key_is_found_and_one_nobody_knows_is_looked_for_once_a_minute(
    traveller: Traveller, clock: Clock
) -> None:
    """OIDC Core section 10.1.1: keys are rotated; anybody can name a key that is none."""
    provider = traveller.provider
    assert again(traveller) == 200
    provider.key = rsa_key("second")
    provider.published = [provider.key]
    assert again(traveller) == 502  # it may have been a minute at most since the keys were read
    clock.advance(seconds=61)
    assert again(traveller) == 200
    provider.key = rsa_key("unpublished")
    assert [again(traveller) for _ in range(3)] == [502] * 3
    assert provider.asked.count(JWKS) == 2
    clock.advance(seconds=61)
    assert again(traveller) == 502
    assert provider.asked.count(JWKS) == 3


def test_a_withdrawn_key_counts_no_longer_than_an_hour(traveller: Traveller, clock: Clock) -> None:
    assert again(traveller) == 200
    traveller.provider.published = [rsa_key("second")]
    clock.advance(minutes=61)
    assert again(traveller) == 502


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_token_that_names_no_key_is_the_only_one_s(traveller: Traveller, alg: str) -> None:
    """OIDC Core section 10.1."""
    provider = traveller.provider
    key = rsa_key("first") if alg == "RS256" else ec_key("curve")
    provider.published = [rsa_key("first"), ec_key("curve")]  # one of each kind
    provider.sign = lambda claims: _unnamed(claims, key, alg)
    assert again(traveller) == 200


def test_a_token_that_names_no_key_of_several_is_refused(traveller: Traveller) -> None:
    """OIDC Core section 10.1."""
    provider = traveller.provider
    provider.published = [rsa_key("first"), rsa_key("second")]
    provider.sign = lambda claims: _unnamed(claims, rsa_key("first"), "RS256")
    assert again(traveller) == 502


def _unnamed(claims: dict[str, Any], key: Any, alg: str) -> str:
    return jwt.encode({"alg": alg}, claims, key, algorithms=[alg])


ODD_KEYS: dict[str, Callable[[], dict[str, Any]]] = {
    "not on its curve": lambda: {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "first"},
    "a modulus that is no text": lambda: {"kty": "RSA", "n": 5, "e": "AQAB", "kid": "first"},
    "of a type to come": lambda: {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "first"},
    "a shared secret": lambda: {"kty": "oct", "k": "AAAA", "kid": "first"},
    "a type that is no text": lambda: {"kty": ["RSA"], "kid": "first"},
    "no type": lambda: {"kid": "first"},
    "for encryption": lambda: {**rsa_key("first").as_dict(private=False), "use": "enc"},
    "for another algorithm": lambda: {**rsa_key("second").as_dict(private=False), "kid": "first", "alg": "PS256"},
}


@pytest.mark.parametrize("kind", ODD_KEYS)
def test_a_key_nobody_understands_takes_nothing_from_the_others(traveller: Traveller, kind: str) -> None:
    """RFC 7517 section 5."""
    traveller.provider.published = [ODD_KEYS[kind](), traveller.provider.key]
    assert again(traveller) == 200


def test_a_short_key_does_not_count(traveller: Traveller) -> None:
    """RFC 7518 section 3.3."""
    public = rsa_key("first").as_dict(private=False)
    traveller.provider.published = [{**public, "n": str(public["n"])[:171]}]
    assert again(traveller) == 502


@pytest.mark.parametrize("keys", [[5], [None], [[]]], ids=str)
def test_a_key_set_without_usable_keys_verifies_nothing(traveller: Traveller, keys: Any) -> None:
    traveller.provider.replies[JWKS] = {"keys": keys}
    assert again(traveller) == 502


@pytest.mark.parametrize("keys", [None, {}, [], "x"], ids=str)
def test_a_document_that_is_no_key_set_is_an_outage(traveller: Traveller, keys: Any) -> None:
    """F-5: it is not kept, so the right one counts as soon as it is there."""
    usual = traveller.provider.replies
    usual[JWKS] = {"keys": keys}
    assert again(traveller) == 503
    del usual[JWKS]
    assert again(traveller) == 200


def test_keys_that_cannot_be_fetched_again_are_an_outage_for_an_unknown_one_alone(
    traveller: Traveller, clock: Clock
) -> None:
    provider = traveller.provider
    assert again(traveller) == 200
    clock.advance(seconds=61)
    provider.replies[JWKS] = SILENT
    known, provider.key = provider.key, rsa_key("second")
    assert [again(traveller), again(traveller)] == [503, 503]
    provider.key = known
    assert again(traveller) == 200
    assert provider.asked.count(JWKS) == 2


@pytest.mark.parametrize("lifetime", [300, 300.5])
def test_a_date_in_an_id_token_may_have_a_fraction(traveller: Traveller, clock: Clock, lifetime: float) -> None:
    """RFC 7519 section 2, NumericDate."""
    traveller.provider.claims |= {"iat": clock.now.timestamp(), "exp": clock.now.timestamp() + lifetime}
    assert again(traveller) == 200


@pytest.mark.parametrize("url", [DISCOVERY, JWKS])
@pytest.mark.parametrize("reply", [SILENT, (500, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"\xff")], ids=str)
def test_documents_that_cannot_be_had_are_an_outage(traveller: Traveller, ada: str, url: str, reply: Any) -> None:
    """F-5: 503, never a verdict; and every other way in is open."""
    browser, provider = traveller.browser, traveller.provider
    provider.replies[url] = reply
    browser.open("/login?return_to=/account/sessions")
    page = browser.submit(button="Sign in with Example")
    if url == JWKS:
        page = traveller.come_back(page.links["Continue to Example"])
    assert page.status == 503
    assert "retry-after" in page.response.headers
    assert browser.page is not None
    assert browser.page.form(button="Try Example again")
    browser.follow("Sign in another way")
    assert browser.submit({"username": "ada@example.test", "password": "correct horse battery staple"}).path == (
        "/account/sessions"
    )
    del provider.replies[url]
    assert again(traveller) == 403  # it is back; the address has an account


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example.test"},
        {"issuer": "https://op.example.test/"},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://op.example.test/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"token_endpoint": "https://me:secret@op.example.test/token"},
        {"jwks_uri": ["https://op.example.test/jwks"]},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://op.example.test/\njwks"},
    ],
    ids=str,
)
def test_a_discovery_document_of_somebody_else_is_not_used(traveller: Traveller, changes: dict[str, Any]) -> None:
    """OIDC Discovery section 4.3."""
    traveller.provider.metadata |= changes
    traveller.browser.open("/login")
    assert traveller.browser.submit(button="Sign in with Example").status == 503
    assert traveller.provider.asked == [DISCOVERY]


@in_one_world("algorithms", [["none"], ["HS256"], [], "HS256", [5]])
def test_an_upstream_that_signs_with_nothing_we_take_signs_nobody_in(traveller: Traveller, algorithms: Any) -> None:
    traveller.provider.metadata["id_token_signing_alg_values_supported"] = algorithms
    assert again(traveller) == 502


def test_endpoints_may_be_elsewhere_and_have_a_query(traveller: Traveller) -> None:
    traveller.provider.metadata["authorization_endpoint"] = "https://login.example.test/authorize?tenant=1"
    assert traveller.leave().startswith("https://login.example.test/authorize?tenant=1&response_type=code&")


def test_a_password_still_opens_when_the_upstream_is_silent(traveller: Traveller, ada: str) -> None:
    traveller.provider.replies = dict.fromkeys((DISCOVERY, JWKS, TOKEN), SILENT)
    assert sign_in(traveller.browser).path == "/account"
    assert traveller.browser.open("/account/linked").status == 200
