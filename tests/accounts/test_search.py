"""Operators find people by the beginning of an address or of any word of a name, whatever was changed since."""

import pytest

from provider.accounts import overview, profile, registration, search
from provider.accounts.users import delete_user
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.names import PERSIAN

pytestmark = pytest.mark.both_databases


def found(work: Work, text: str) -> list[str | None]:
    with work() as w:
        ids, _ = search.find_page(w, text, after=None, limit=10)
        return [one.email for one in overview.describe(w, ids)]


def test_people_are_found_by_address_name_and_id(work: Work) -> None:
    with work() as w:
        ada = make_user(w, "Ada@example.test", name="Augusta Ada King Lovelace")
        make_user(w, "grace@example.test", name="Grace Hopper")
        make_user(w, "strasse@example.test", name="Émile ßuß")
    assert found(work, "ADA@") == found(work, ada) == found(work, " ada  king") == ["Ada@example.test"]
    assert found(work, "love") == ["Ada@example.test"]
    assert found(work, "émile") == found(work, "SSUSS") == ["strasse@example.test"]
    assert found(work, "%") == found(work, "_da") == found(work, "hop%er") == []
    assert found(work, "") == ["strasse@example.test", "grace@example.test", "Ada@example.test"]


def test_the_latest_come_first_whatever_id_they_brought_along(work: Work, clock: Clock) -> None:
    for number, user_id in enumerate(("ffffffff-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000000")):
        with work() as w:
            email = f"ada{number}@example.test"
            registration.create_user(w, email=email, password=None, verified=True, user_id=user_id)
        clock.advance(seconds=1)
    with work() as w:
        make_user(w, "ada2@example.test")
        first, place = search.find_page(w, "", after=None, limit=1)
        rest, _ = search.find_page(w, "", after=place, limit=5)
        listed = [one.email for one in overview.describe(w, [*first, *rest])]
    assert listed == ["ada2@example.test", "ada1@example.test", "ada0@example.test"]


def test_a_name_is_found_however_its_joiners_are_typed(work: Work) -> None:
    with work() as w:
        make_user(w, "ali@example.test", name=PERSIAN)
    for typed in (PERSIAN, PERSIAN.replace("\u200c", ""), f"\ufeff{PERSIAN[:4]}", f"\u2068{PERSIAN}\u2069"):
        assert found(work, typed) == ["ali@example.test"], ascii(typed)


def test_what_was_changed_is_found_as_it_is_now(work: Work) -> None:
    with work() as w:
        ada = make_user(w, "ada@example.test", name="Ada King")
        profile.change_profile(w, user_id=ada, claims={"name": "Countess Lovelace"})
    assert found(work, "king") == []
    assert found(work, "countess") == ["ada@example.test"]
    with work() as w:
        delete_user(w, user_id=ada)
    assert found(work, "countess") == []


def test_a_page_goes_on_where_the_one_before_ended(work: Work) -> None:
    with work() as w:
        for number in range(5):
            make_user(w, f"ada{number}@example.test", name="Ada")
    for text in ("ada", ""):
        listed: list[str | None] = []
        after = None
        while True:
            with work() as w:
                page, after = search.find_page(w, text, after=after, limit=2)
                listed += [one.email for one in overview.describe(w, page)]
            if after is None:
                break
        assert sorted(set(map(str, listed))) == [f"ada{number}@example.test" for number in range(5)], text
