"""What an upstream says about its user, wherever it says it (OIDC Core sections 5.1, 5.3 and 5.4)."""

from typing import Any

import pytest
from pydantic import SecretStr

from provider.accounts.store import users
from provider.federation.identity_claims import combine, is_email_proven, names_of
from provider.federation.upstream_settings import UpstreamSettings
from tests.federation.conftest import sign_out
from tests.federation.fake_provider import USERINFO, FakeProvider, Traveller
from tests.support.installation import Work
from tests.support.names import FAMILY, PERSIAN
from tests.support.people import ADDRESS, find_user

BARE = {"sub": "ada-at-example", "email": None, "email_verified": None}
EVERYTHING = {"sub": "ada-at-example", "email": ADDRESS, "email_verified": True, "name": "Ada Lovelace"}


@pytest.fixture
def bare(provider: FakeProvider) -> FakeProvider:
    """A provider whose ID token has nothing but the subject."""
    provider.claims = dict(BARE)
    provider.metadata["userinfo_endpoint"] = USERINFO
    provider.userinfo = dict(EVERYTHING)
    return provider


def settings(**members: Any) -> UpstreamSettings:
    secret = SecretStr("x")
    return UpstreamSettings(key="x", name="X", issuer="https://x.test", client_id="x", client_secret=secret, **members)


def test_claims_that_the_id_token_lacks_come_from_userinfo(
    bare: FakeProvider, traveller: Traveller, work: Work
) -> None:
    assert traveller.sign_in("/signup").path == "/account"
    user = find_user(work)
    assert (user.status, user.claims) == (users.Status.ACTIVE, {"name": "Ada Lovelace"})


def test_a_complete_id_token_needs_no_userinfo(bare: FakeProvider, traveller: Traveller) -> None:
    bare.claims = dict(EVERYTHING)
    assert traveller.sign_in("/signup").path == "/account"
    assert USERINFO not in bare.asked


def test_a_linked_identity_needs_no_userinfo(bare: FakeProvider, traveller: Traveller) -> None:
    """The account has what it needs, so an outage of userinfo keeps no user with an account out."""
    traveller.sign_in("/signup")
    sign_out(traveller.browser)
    bare.replies[USERINFO] = (500, b"{}")
    bare.asked.clear()
    assert traveller.sign_in().path == "/account"
    assert USERINFO not in bare.asked


def test_userinfo_about_another_user_is_not_trusted(bare: FakeProvider, traveller: Traveller, work: Work) -> None:
    """OIDC Core section 5.3.2."""
    bare.userinfo["sub"] = "mallory-at-example"
    assert traveller.sign_in("/signup").status == 502


@pytest.mark.parametrize("reply", ["no connection", (500, b"{}"), (200, b"<html>"), (401, b'{"error": "x"}')])
def test_a_userinfo_endpoint_that_fails_is_an_outage(bare: FakeProvider, traveller: Traveller, reply: Any) -> None:
    """Otherwise a user whose address is verified would be treated as one without."""
    bare.replies[USERINFO] = reply
    assert traveller.sign_in("/signup").status == 503


def test_a_verified_address_is_not_another_address() -> None:
    """`email_verified` of one source says nothing about the address of the other."""
    mine, other = {"email": "a@example.test"}, {"email": "b@example.test", "email_verified": True}
    assert combine(mine, other) == mine
    assert combine({"email_verified": True}, {"email": "b@example.test"}) == {"email": "b@example.test"}
    assert combine(mine, {**mine, "email_verified": True}) == {**mine, "email_verified": True}
    assert combine({**mine, "email_verified": False}, {**mine, "email_verified": True})["email_verified"] is False


@pytest.mark.parametrize("said", [True, "true", "True"])
def test_a_boolean_is_read_as_it_was_meant(said: Any) -> None:
    assert is_email_proven({"email_verified": said}, settings(trust_email_verified=True))
    assert not is_email_proven({"email_verified": said}, settings())


@pytest.mark.parametrize("said", [False, "false", "1", 1, "yes", [True], {"x": 1}])
def test_anything_else_proves_no_address(said: Any) -> None:
    trusting = settings(trust_email_verified=True, verifies_email_addresses=True)
    assert not is_email_proven({"email_verified": said}, trusting)


def test_a_provider_can_be_declared_as_verifying_its_addresses() -> None:
    declared = settings(verifies_email_addresses=True)
    assert is_email_proven({}, declared)
    assert not is_email_proven({"email_verified": False}, declared)
    assert not is_email_proven({}, settings(trust_email_verified=True))


def test_a_missing_name_is_put_together_from_its_parts() -> None:
    assert names_of({"given_name": "Ada", "family_name": "Lovelace"})["name"] == "Ada Lovelace"
    assert names_of({"name": ["Ada"], "nickname": " Countess "}) == {"nickname": "Countess"}


def test_a_name_is_shortened_rather_than_dropped(provider: FakeProvider, traveller: Traveller, work: Work) -> None:
    provider.claims |= {
        "name": "Ada \u202e" + "L" * 300,
        "given_name": "A\x00da",
        "family_name": f"\ue000{PERSIAN}\ufeff \u2066{FAMILY}",
        "nickname": FAMILY * 15,
    }
    traveller.sign_in("/signup")
    claims = find_user(work).claims
    assert claims["name"].startswith("Ada L")
    assert claims["given_name"] == "Ada"
    assert claims["family_name"] == f"{PERSIAN} {FAMILY}"
    assert claims["nickname"] == FAMILY * 14  # 98 code points: a part of a family is another name


def test_a_numeric_subject_is_read_as_its_digits(provider: FakeProvider, traveller: Traveller, work: Work) -> None:
    """OIDC Core section 2 wants a string; some providers send their database key."""
    provider.claims["sub"] = 4711
    assert traveller.sign_in("/signup").path == "/account"


def test_metadata_with_texts_for_lists_and_booleans_is_understood(
    provider: FakeProvider, traveller: Traveller, work: Work
) -> None:
    provider.metadata |= {"id_token_signing_alg_values_supported": "RS256", "claims_parameter_supported": "true"}
    assert "claims=" in traveller.leave("/signup")
