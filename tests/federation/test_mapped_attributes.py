"""Declared attributes that an upstream fills in, at creation or at each sign-in."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from provider.audit.events import Event
from tests.federation.conftest import EXAMPLE, events_of, sign_out
from tests.federation.fake_provider import Traveller
from tests.support.attributes import EVERYONE, declare, values_of
from tests.support.installation import Work
from tests.support.people import find_user

AT_SIGN_UP: dict[str, Any] = {"seen_by": EVERYONE, "edited_by": EVERYONE, "shown_at": ["sign-up"]}


@pytest.fixture
def updates() -> bool:
    return True


@pytest.fixture
def configured(updates: bool) -> dict[str, dict[str, Any]]:
    mapped = {
        "nickname": "login",
        "attributes.department": "org.unit",
        "attributes.level": "level",
        "attributes.languages": "languages",
        "attributes.own": "own",
        "attributes.unknown": "login",
    }
    return {"example": {**EXAMPLE, "updates_profile": updates, "claims": mapped}}


@pytest.fixture(autouse=True)
def declared(work: Work) -> None:
    declare(work, "department", rules={"max_length": 20})
    declare(work, "level", "number")
    declare(work, "languages", "list")
    declare(work, "own", seen_by=EVERYONE, edited_by=["user"])


@pytest.fixture
def ada(traveller: Traveller) -> Traveller:
    traveller.provider.claims |= {
        "login": "ada",
        "org": {"unit": "Engines"},
        "level": 7,
        "languages": ["en", "fr"],
        "own": "mine",
    }
    with capture_logs() as logs:
        assert traveller.sign_in().path == "/account"
    left_out = {one["attribute"] for one in logs if one["event"] == "upstream.attribute_left_out"}
    assert left_out == {"own", "unknown"}, "what programs may not edit, and what is not declared"
    return traveller


def again(traveller: Traveller, **claims: Any) -> None:
    sign_out(traveller.browser)
    traveller.provider.claims |= claims
    assert traveller.sign_in().path == "/account"


def test_attributes_are_replaced_at_each_sign_in(ada: Traveller, work: Work) -> None:
    user = find_user(work)
    assert values_of(work, user.id) == {"department": "Engines", "level": 7, "languages": ["en", "fr"]}
    again(ada, org={"unit": "Poetry"}, level="8.5", languages="de")
    again(ada)
    assert values_of(work, user.id) == {"department": "Poetry", "level": 8.5, "languages": ["de"]}
    changed = [one.details["changed"] for one in events_of(work, user.id) if one.name == Event.ATTRIBUTES_CHANGED]
    assert changed == [["department", "languages", "level"]]


def test_a_value_that_does_not_fit_changes_nothing(ada: Traveller, work: Work) -> None:
    """N-511."""
    user = find_user(work)
    before = values_of(work, user.id)
    again(ada, org={"unit": ["Poetry"]}, level="many", languages=[1])
    again(ada, org={"unit": "x" * 2000}, level=True, languages=[str(one) for one in range(60)])
    again(ada, org=None, level="", languages=None)
    assert values_of(work, user.id) == before


def test_users_are_asked_for_what_the_provider_does_not_give(traveller: Traveller, work: Work) -> None:
    declare(work, "level", "number", required_at=["sign-up"], **AT_SIGN_UP)
    traveller.provider.claims |= {"level": 3}
    assert traveller.sign_in().path == "/account"
    assert values_of(work, find_user(work).id) == {"level": 3}


def test_what_is_typed_does_not_replace_what_the_provider_gives(traveller: Traveller, work: Work) -> None:
    """N-512."""
    declare(work, "level", "number", required_at=["sign-up"], **AT_SIGN_UP)
    declare(work, "department", **AT_SIGN_UP)
    traveller.provider.claims |= {"org": {"unit": "Engines"}}
    assert "A few more details are needed." in traveller.sign_in().text
    traveller.browser.submit({"attributes.level": "9", "attributes.department": "Board"})
    assert values_of(work, find_user(work).id) == {"level": 9, "department": "Engines"}


class TestOff:
    @pytest.fixture
    def updates(self) -> bool:
        return False

    def test_without_the_setting_they_are_those_of_the_new_account(self, ada: Traveller, work: Work) -> None:
        again(ada, level=8)
        assert values_of(work, find_user(work).id)["level"] == 7
