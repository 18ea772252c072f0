"""The lists of the console: filters, sorting, columns, pages and bookmarks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provider.accounts.store import users as store
from provider.accounts.store.users import NEVER, Status, User
from provider.admin.lists import users
from provider.admin.lists.listing import Listing
from provider.work import UnitOfWork
from tests.admin.conftest import Console
from tests.support.browser import Page
from tests.support.factories import make_user
from tests.support.installation import Work

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = [START + timedelta(days=number) for number in range(4)]


def all_keys(work: UnitOfWork, listing: Listing, values: dict[str, str], *, sort: str, limit: int) -> list[Any]:
    """The keys of all pages, one after the other."""
    conditions, problems = listing.conditions(work, values)
    assert problems == {}
    found: list[Any] = []
    after = None
    while True:
        keys, after = listing.find_page(work, conditions, order=listing.order(sort), after=after, limit=limit)
        found += keys
        if after is None:
            return found


@dataclass(frozen=True)
class Someone:
    """A user of a generated world."""

    status: str
    roles: tuple[str, ...]
    created: int
    signed_in: int | None
    two_factor: bool = False


PEOPLE = st.lists(
    st.builds(
        Someone,
        status=st.sampled_from(list(Status)),
        roles=st.sampled_from([(), ("admin",), ("admin-reader", "staff"), ('a"b',)]),
        created=st.integers(0, 3),
        signed_in=st.none() | st.integers(0, 3),
    ),
    max_size=12,
)
USER_FILTERS: dict[str, tuple[list[str], Callable[[Someone, str], bool]]] = {
    "state": (list(Status), lambda one, value: one.status == value),
    "role": (["admin", "staff", 'a"b', "%"], lambda one, value: value in one.roles),
    "signed_in": (["yes", "no"], lambda one, value: (one.signed_in is not None) == (value == "yes")),
    "signed_in_from": (
        [f"{day:%Y-%m-%d}" for day in DAYS],
        lambda one, value: one.signed_in is not None and f"{DAYS[one.signed_in]:%Y-%m-%d}" >= value,
    ),
    "created_to": (
        [f"{day:%Y-%m-%d}" for day in DAYS],
        lambda one, value: f"{DAYS[one.created]:%Y-%m-%d}" <= value,
    ),
}


@given(
    people=PEOPLE,
    values=st.fixed_dictionaries({}, optional={name: st.sampled_from(of[0]) for name, of in USER_FILTERS.items()}),
    sort=st.sampled_from(["created", "-created", "last_sign_in", "-last_sign_in"]),
    limit=st.integers(1, 5),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_filters_and_orders_of_users_find_what_plain_python_finds(
    work: Work, people: list[Someone], values: dict[str, str], sort: str, limit: int
) -> None:
    with work() as w:
        store.remove_all(w.db, [user.id for user in store.find_page(w.db)])
        made: dict[str, Someone] = {}
        for number, one in enumerate(people):
            user_id = f"00000000-0000-7000-8000-{number:012}"
            last = NEVER if one.signed_in is None else DAYS[one.signed_in]
            created = DAYS[one.created]
            user = User(user_id, one.status, created, created, None, {}, list(one.roles), None, None, last)
            store.add(w.db, user)
            made[user_id] = one
        found = all_keys(w, users.USERS, values, sort=sort, limit=limit)
    expected = [key for key, one in made.items() if all(USER_FILTERS[name][1](one, v) for name, v in values.items())]
    moments = {
        key: DAYS[one.created] if "created" in sort else NEVER if one.signed_in is None else DAYS[one.signed_in]
        for key, one in made.items()
    }
    assert found == sorted(expected, key=lambda key: (moments[key], key), reverse=sort.startswith("-"))


def emails_on(page: Page) -> list[str]:
    return [text for text in page.links if "@" in text]


def test_a_text_and_filters_narrow_a_search_together(console: Console, work: Work) -> None:
    with work() as w:
        for number in range(9):
            make_user(w, f"person{number}@example.com", roles=("staff",) if number % 3 == 0 else ())
        make_user(w, "other@example.com", roles=("staff",))
    page = console.open("/users?q=person&role=staff&size=25")
    assert emails_on(page) == ["person0@example.com", "person3@example.com", "person6@example.com"]
    assert "3 users" in page.text
    assert 'href="/admin/users?q=person&amp;size=25"' in page.html  # clears the filter and keeps the rest


def test_a_list_is_sorted_by_its_headings_and_paged_with_a_way_back(console: Console, work: Work) -> None:
    with work() as w:
        for number in range(30):
            make_user(w, f"p{number:02}@example.com")
    first = console.open("/users?size=25&sort=created")
    assert 'aria-sort="ascending"' in first.html
    assert "First page" not in first.text
    following = first.links["Next page"]
    second = console.browser.open(following)
    assert set(emails_on(first)) & set(emails_on(second)) == set()
    assert len({*emails_on(first), *emails_on(second)}) == 31
    assert "Next page" not in second.text
    assert emails_on(console.browser.open(second.links["First page"])) == emails_on(first)
    other_order = following.replace("sort=created", "sort=-created")
    assert "p29@example.com" in emails_on(console.browser.open(other_order))  # a place of another order is no place


def test_columns_are_chosen_and_kept_in_the_address(console: Console) -> None:
    chosen = console.open("/users?q=operator&choose=yes&show-id=on&show-created=on&size=100")
    assert chosen.url.endswith("/admin/users?q=operator&size=100&columns=created%2Cid")
    assert console.user_id in chosen.text
    assert "Two-factor" not in table_headings(chosen)
    assert table_headings(console.open("/users?choose=yes")) == ["User"]
    assert "Status" in table_headings(console.open("/users?columns=no-such-column"))


def table_headings(page: Page) -> list[str]:
    head = re.search(r"<thead>(.*?)</thead>", page.html, re.DOTALL)
    assert head is not None
    texts = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<th.*?</th>", head[1], re.DOTALL)]
    return [text for text in texts if text]


@pytest.mark.parametrize("path", ["/users"])
def test_bad_parameters_of_lists_are_named_or_ignored(console: Console, path: str) -> None:
    """Also of bookmarks from another version."""
    for query in ("after=x", "sort=nothing", "sort=-", "size=9999999", "size=x", "columns=,,", "unknown=1", "q=%00"):
        page = console.browser.open(f"/admin{path}?{query}")
        assert page.status == 200, query
    for query in ("state=none", "created_from=yesterday", "created_to=2026-02-30", "signed_in_to=9999-12-31"):
        page = console.browser.open(f"/admin{path}?{query}")
        assert page.status in {200, 400}, query
        assert page.status == 200 or "There is a problem" in page.text
