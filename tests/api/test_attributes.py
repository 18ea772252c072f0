"""The user's own attributes: by the account API, on the profile page, at sign-up and in the download of their data."""

from typing import Any

import pytest

from provider.accounts.data_export import export
from tests.api.conftest import App, Caller
from tests.support.attributes import OPEN, declare, give, values_of
from tests.support.installation import Work
from tests.support.people import ADDRESS

SEEN = {"seen_by": ["user", "operator"], "edited_by": ["operator"], "shown_at": ["profile"]}
SIGN_UP = {**OPEN, "shown_at": ["sign-up"], "required_at": ["sign-up"]}


@pytest.fixture
def declared(work: Work, ada: str) -> None:
    declare(work, "team", "enum", **OPEN, rules={"values": {"red": "Red", "blue": {"en": "Blue"}}})
    declare(work, "level", "number", **SEEN)
    declare(work, "score", "number")
    give(work, ada, level=3, score=9)


def test_an_app_shows_and_changes_the_attributes_of_its_user(
    as_ada: Caller, work: Work, ada: str, declared: None
) -> None:
    found = {one["name"]: one for one in as_ada.get("/attributes")["attributes"]}
    assert found.keys() == {"team", "level"}
    assert (found["level"]["value"], found["level"]["editable"], found["team"]["editable"]) == (3, False, True)
    assert found["team"]["rules"] == {"values": {"red": {"en": "Red"}, "blue": {"en": "Blue"}}}
    changed = as_ada("PATCH", "/attributes", values={"team": "red"})
    assert changed.status_code == 200, changed.text
    for values in ({"team": "green"}, {"level": 4}, {"score": 1}, {"none": 1}):
        refused = as_ada("PATCH", "/attributes", values=values)
        assert [one["member"] for one in refused.json()["errors"]] == [f"values.{name}" for name in values]
    assert values_of(work, ada) == {"team": "red", "level": 3, "score": 9}


def test_the_download_has_what_the_user_may_see(work: Work, ada: str, declared: None) -> None:
    with work() as w:
        text = export(w, user_id=ada, applications=[]).decode()
    assert '"level": 3' in text
    assert "score" not in text


def test_an_app_signs_a_user_up_with_attributes(app_of_ours: App, work: Work) -> None:
    """N-249."""
    declare(work, "team", **SIGN_UP)
    declare(work, "level", "number", **SEEN)
    person: dict[str, Any] = {"email": "new@example.test", "password": "correct horse battery"}
    refused = app_of_ours.call("/register", **person, attributes={"level": 9})
    assert {one["member"]: one["problem"] for one in refused.json()["errors"]} == {
        "attributes.level": "This attribute can't be changed here.",
        "attributes.team": "This field is required.",
    }
    assert app_of_ours.call("/register", **person, attributes={"team": "Blue"}).status_code == 202
    # An address that has an account gets the same answers.
    person["email"] = ADDRESS
    assert app_of_ours.call("/register", **person).status_code == 400
    assert app_of_ours.call("/register", **person, attributes={"team": "Blue"}).status_code == 202
