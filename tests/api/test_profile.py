"""The profile by API."""

import pytest

from provider.accounts.profile import FIELDS
from provider.api.endpoints.profile import Editable
from tests.api.conftest import App, Caller, problem
from tests.support.cases import in_one_world
from tests.support.people import ADDRESS

FULL = {
    "name": "Ada King",
    "given_name": "Ada",
    "family_name": "King",
    "nickname": "Ada",
    "website": "https://ada.example.test/",
    "birthdate": "0000-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phone_number": "+442079460018",
    "address": {"street_address": "12 St James's Square", "locality": "London", "country": "UK"},
}


def test_a_profile_is_put_whole_and_read_back(as_ada: Caller, app_of_ours: App, ada: str) -> None:
    """Replaces: profile, password, confirm-password."""
    assert as_ada.get("/profile") == {
        "sub": ada,
        "name": "Ada Lovelace",
        "email": ADDRESS,
        "email_verified": True,
    }
    answer = as_ada("PUT", "/profile", **FULL)
    assert answer.status_code == 200, answer.text
    assert answer.json() == as_ada.get("/profile")
    assert {name: answer.json()[name] for name in FULL} == FULL
    assert answer.json()["phone_number_verified"] is False
    userinfo = app_of_ours.rp.userinfo(app_of_ours.redeem(app_of_ours.challenge())["access_token"]).json()
    assert userinfo["name"] == "Ada King"
    shorter = as_ada("PUT", "/profile", name="Ada", nickname="", website=None)
    assert shorter.json().keys() == {"sub", "name", "email", "email_verified"}


@in_one_world(
    ("body", "member"),
    [
        ({"zoneinfo": "Mars/Phobos"}, "zoneinfo"),
        ({"birthdate": "tomorrow"}, "birthdate"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"phone_number": "12"}, "phone_number"),
        ({"name": "a\x00b"}, "name"),
        ({"address": {"country": "x" * 500}}, "address.country"),
        ({"email": "other@example.test"}, "email"),
        ({"email_verified": True}, "email_verified"),
        ({"phone_number_verified": True}, "phone_number_verified"),
        ({"roles": ["admin"]}, "roles"),
        ({"sub": "somebody else"}, "sub"),
        ({"name": 5}, "name"),
        ({"address": "London"}, "address"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_changes(
    as_ada: Caller, body: dict[str, object], member: str
) -> None:
    """A-95; and what we know is not the person's to say (A-59)."""
    before = as_ada.get("/profile")
    refused = as_ada("PUT", "/profile", **body)
    assert problem(refused) == "invalid-body"
    assert [error["member"] for error in refused.json()["errors"]] == [member]
    assert as_ada.get("/profile") == before


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{7*7}}", "${7*7}", "'; DROP TABLE users; --"])
def test_whatever_it_says_is_text(as_ada: Caller, text: str) -> None:
    """A-95, A-130."""
    assert as_ada("PUT", "/profile", name=text).json()["name"] == text


def test_the_body_has_every_field_of_the_page() -> None:
    of_address = {field.name for field in FIELDS if field.of_address}
    assert {field.name for field in FIELDS} - of_address == Editable.model_fields.keys() - {"address"}
