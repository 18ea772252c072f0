"""The claims parameter and acr_values: what an app asks for by name, and how sure it wants us to be."""

import json

import pytest

from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from tests.oauth.conftest import Person
from tests.oauth.watched_http import WatchedClient
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, RelyingParty


@pytest.fixture
def bob(work: Work) -> str:
    with work() as w:
        return make_user(w, "bob@example.test", name="Bob")


@pytest.fixture
def with_totp(work: Work, ada: str) -> None:
    """Ada has a second factor."""
    with work() as w:
        totp.add(w.db, TotpCredential(ada, "sealed", w.now, 0))


# claims and acr_values


def test_the_claims_parameter_puts_a_claim_where_it_was_asked_for(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 5.5; oidcc-claims-essential: name in userinfo, not in the ID token."""
    tokens = rp.sign_in(browser, claims=json.dumps({"userinfo": {"name": {"essential": True}}}))
    assert rp.userinfo(tokens).json()["name"] == "Ada Lovelace"
    assert "name" not in rp.verify(tokens)
    tokens = rp.sign_in(browser, claims=json.dumps({"id_token": {"email": None}}))
    assert rp.verify(tokens)["email"] == "ada@example.test"
    assert "email" not in rp.userinfo(tokens).json()


def test_a_claim_asked_for_by_name_survives_the_refresh(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 12.2."""
    tokens = rp.sign_in(browser, claims=json.dumps({"userinfo": {"name": None}, "id_token": {"email": None}}))
    again = rp.refresh(tokens)
    assert "name" in rp.userinfo(again).json()
    assert "email" in rp.verify(again, refreshed=True)


def test_another_sub_in_the_claims_parameter_is_not_served(rp: RelyingParty, browser: WatchedClient, bob: str) -> None:
    """OIDC Core section 5.5.1: a response for another person must not be given."""
    claims = json.dumps({"id_token": {"sub": {"value": bob}}})
    assert rp.ask(browser, claims=claims, prompt="none").error == "login_required"


@pytest.mark.parametrize("amr", ["pwd", TWO_FACTORS])
def test_the_tokens_say_how_the_person_signed_in(rp: RelyingParty, person: Person, ada: str, amr: str) -> None:
    """OIDC Core section 2, acr and amr; oidcc-ensure-request-with-acr-values-succeeds."""
    claims = rp.verify(rp.sign_in(person(ada, amr=amr), acr_values="aal2 aal1"))
    assert claims["acr"] == ("aal1" if amr == "pwd" else "aal2")
    assert claims["amr"] == amr.split()


@pytest.mark.usefixtures("with_totp")
def test_a_level_not_reached_asks_for_the_second_factor(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9470 section 4."""
    assert rp.ask(browser, acr_values="aal2").page == "/login/second-factor"
    assert rp.ask(browser, acr_values="aal2", prompt="none").error == "interaction_required"


@pytest.mark.usefixtures("with_totp")
def test_a_level_reached_is_attested(rp: RelyingParty, person: Person, ada: str) -> None:
    """RFC 9470 section 5."""
    tokens = rp.sign_in(person(ada, amr=TWO_FACTORS), acr_values="aal2")
    assert rp.introspect(tokens.access_token)["acr"] == "aal2"


def test_a_level_that_cannot_be_reached_is_voluntary_or_refused(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 5.5.1.1."""
    assert rp.verify(rp.sign_in(browser, acr_values="aal2"))["acr"] == "aal1"
    essential = json.dumps({"id_token": {"acr": {"essential": True, "values": ["aal2"]}}})
    assert rp.ask(browser, claims=essential).error == "unmet_authentication_requirements"


@pytest.mark.usefixtures("with_totp")
def test_unknown_acr_values_do_not_loop(rp: RelyingParty, browser: WatchedClient, person: Person, ada: str) -> None:
    """oidcc-ensure-request-with-acr-values-succeeds, as sent when none are published."""
    assert rp.ask(browser, acr_values="1 2").code
    assert rp.ask(person(ada, amr=TWO_FACTORS), acr_values="1 2").code
