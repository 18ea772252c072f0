"""Profile fields that an upstream replaces at each sign-in, where the operator says so."""

from typing import Any

import pytest

from provider.accounts import profile
from provider.audit.events import Event
from tests.federation.conftest import EXAMPLE, events_of, sign_out
from tests.federation.fake_provider import USERINFO, Traveller
from tests.support.installation import Work
from tests.support.people import find_user


@pytest.fixture
def updates() -> bool:
    return True


@pytest.fixture
def configured(updates: bool) -> dict[str, dict[str, Any]]:
    mapped = {"nickname": "login", "locality": "city", "name": "name"}
    return {"example": {**EXAMPLE, "updates_profile": updates}, "example.claims": mapped}


@pytest.fixture
def ada(traveller: Traveller) -> Traveller:
    traveller.provider.claims |= {"login": "ada", "city": "London", "name": "Ada", "given_name": "Augusta"}
    traveller.sign_in()
    return traveller


def again(traveller: Traveller, **claims: Any) -> None:
    sign_out(traveller.browser)
    traveller.provider.claims |= claims
    assert traveller.sign_in().path == "/account"


def test_mapped_fields_are_replaced_at_each_sign_in(ada: Traveller, work: Work) -> None:
    user = find_user(work)
    with work() as w:
        address = {"street_address": "12 St James's Square", "locality": "London"}
        profile.change_profile(
            w, user_id=user.id, claims={**user.claims, "website": "https://a.test/", "address": address}
        )
    again(ada, login="ada2", city="Paris", name="Ada L.", given_name="A.", email="new@example.test")
    user = find_user(work)
    assert user.claims == {
        "nickname": "ada2",
        "name": "Ada L.",
        "given_name": "Augusta",
        "website": "https://a.test/",
        "address": {"street_address": "12 St James's Square", "locality": "Paris"},
    }
    changed = [event.details["changed"] for event in events_of(work, user.id) if event.name == Event.PROFILE_CHANGED]
    assert changed[-1] == ["address", "name", "nickname"]


def test_a_claim_that_is_missing_or_no_text_changes_nothing(ada: Traveller, work: Work) -> None:
    """N-399."""
    before = find_user(work).claims
    again(ada, login=None, city=["Paris"], name="x" * 1000)
    assert find_user(work).claims == before


def test_a_mapped_claim_is_asked_for_where_the_id_token_has_none(traveller: Traveller, work: Work) -> None:
    traveller.provider.metadata["userinfo_endpoint"] = USERINFO
    traveller.provider.claims |= {"name": "Ada"}
    traveller.provider.userinfo = {"sub": "ada-at-example", "login": "ada"}
    traveller.sign_in()
    traveller.provider.userinfo["login"] = "ada3"
    again(traveller)
    assert find_user(work).claims["nickname"] == "ada3"


class TestOff:
    @pytest.fixture
    def updates(self) -> bool:
        return False

    def test_without_the_setting_the_profile_stays(self, ada: Traveller, work: Work) -> None:
        before = find_user(work).claims
        again(ada, login="ada2", city="Paris", name="Ada L.")
        assert find_user(work).claims == before
