"""The lists of the console: filters, sorting, columns, pages and bookmarks."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from provider.accounts.store import new_accounts
from provider.accounts.store import users as store
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.new_accounts import NewAccount
from provider.accounts.store.users import NEVER, Status, User
from provider.database.base import new_id
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.clients.store import clients as client_store
from provider.operators.lists.clients import CLIENTS
from provider.operators.lists.jobs import JOBS
from provider.operators.lists.listing import COUNTED_ON_PAGE, Count, Listing
from provider.operators.lists.sessions import SESSIONS
from provider.operators.lists.users import USERS
from provider.operators.presets import PRESETS, preset_of
from provider.outbox import store as outbox
from provider.outbox.store import DeliveryState
from provider.sessions import store as session_store
from provider.work import UnitOfWork
from tests.admin.conftest import Console, events
from tests.support.browser import Page
from tests.support.cases import in_one_world
from tests.support.factories import make_client, make_user
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
        keys, after = listing.find_page(work, "", conditions, order=listing.order(sort), after=after, limit=limit)
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


def address_of(user_id: str) -> str:
    """Two users each claim the same address; the order is not that of the ids."""
    return f"p{9 - int(user_id[-2:]) // 2 * 7 % 10}"


@pytest.mark.also_on_postgresql
@given(
    people=PEOPLE,
    values=st.fixed_dictionaries({}, optional={name: st.sampled_from(of[0]) for name, of in USER_FILTERS.items()}),
    sort=st.sampled_from(["created", "-created", "last_sign_in", "-last_sign_in", "email", "-email"]),
    limit=st.integers(1, 5),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
            email = f"{address_of(user_id)}@example.com"
            address = EmailAddress(user_id, user_id, email, email, created, None)
            new_accounts.add(w.db, [NewAccount(user, address, None)], now=created)
            made[user_id] = one
        found = all_keys(w, USERS, values, sort=sort, limit=limit)
    expected = [key for key, one in made.items() if all(USER_FILTERS[name][1](one, v) for name, v in values.items())]
    by: Callable[[str], object] = address_of
    if "email" not in sort:
        moments = {
            key: DAYS[one.created] if "created" in sort else NEVER if one.signed_in is None else DAYS[one.signed_in]
            for key, one in made.items()
        }
        by = moments.__getitem__
    assert found == sorted(expected, key=lambda key: (by(key), key), reverse=sort.startswith("-"))


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


@pytest.mark.both_databases
@pytest.mark.parametrize("matching", [0, 2, 9, COUNTED_ON_PAGE + 1])
def test_the_pages_of_a_search_have_every_match_once_and_the_first_one_counts_them(work: Work, matching: int) -> None:
    with work() as w:
        for number in range(matching):
            # Every third name begins with the text, the others have it inside.
            make_user(w, f"{number}@example.test", name=f"{'' if number % 3 else 'x'}needle{number}")
    with work() as w:
        everyone, order, pages = USERS.count(w, "needle", ()), USERS.order(""), list[list[str]]()
        keys, after, first_count = USERS.find_counted(w, "needle", (), order=order, after=None, limit=4)
        pages.append(keys)
        while after is not None:
            keys, after, count = USERS.find_counted(w, "needle", (), order=order, after=after, limit=4)
            assert count == first_count
            pages.append(keys)
    found = [key for page in pages for key in page]
    assert len(found) == len(set(found)) == matching == everyone.number
    assert first_count == Count(min(matching, COUNTED_ON_PAGE), is_exact=matching <= COUNTED_ON_PAGE)
    assert all(len(page) == 4 for page in pages[:-1])


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
    assert table_headings(console.open("/users?choose=yes")) == ["Email address"]
    assert "Status" in table_headings(console.open("/users?columns=no-such-column"))


def test_applications_are_sorted_by_their_first_heading(console: Console, work: Work) -> None:
    with work() as w:
        make_client(w)
    page = console.open("/clients")
    assert page.links["Application"].endswith("/admin/clients?sort=-name")
    assert 'aria-sort="ascending"' in page.html
    assert table_headings(console.open("/clients?columns=name,type")) == ["Application", "Type"]


def table_headings(page: Page) -> list[str]:
    head = re.search(r"<thead>(.*?)</thead>", page.html, re.DOTALL)
    assert head is not None
    texts = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<th.*?</th>", head[1], re.DOTALL)]
    return [text for text in texts if text]


@in_one_world("path", ["/users", "/clients", "/sessions", "/outbox"])
def test_bad_parameters_of_lists_are_named_or_ignored(console: Console, path: str) -> None:
    """Also of bookmarks from another version."""
    for query in ("after=x", "sort=nothing", "sort=-", "size=9999999", "size=x", "columns=,,", "unknown=1", "q=%00"):
        page = console.browser.open(f"/admin{path}?{query}")
        assert page.status == 200, query
    for query in ("state=none", "created_from=yesterday", "created_to=2026-02-30", "signed_in_to=9999-12-31"):
        page = console.browser.open(f"/admin{path}?{query}")
        assert page.status in {200, 400}, query
        assert page.status == 200 or "There is a problem" in page.text


@pytest.mark.also_on_postgresql
@given(
    kinds=st.lists(st.tuples(st.sampled_from(list(PRESETS)), st.booleans(), st.integers(0, 3)), max_size=6),
    wanted=st.fixed_dictionaries(
        {}, optional={"type": st.sampled_from(list(PRESETS)), "disabled": st.sampled_from(["yes", "no"])}
    ),
    limit=st.integers(1, 3),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_filters_of_applications_find_what_plain_python_finds(
    work: Work, kinds: list[tuple[str, bool, int]], wanted: dict[str, str], limit: int
) -> None:
    with work() as w:
        w.db.execute(delete(client_store.clients))
        made = {}
        for number, (kind, disabled, name) in enumerate(kinds):
            metadata = ClientMetadata(**{**PRESETS[kind].metadata, "client_name": f"App {name}"})
            if kind == "api":
                metadata = replace(metadata, resource_identifiers=(f"https://api{number}.example.com",))
            values = metadata.as_json()
            row = client_store.ClientRow(f"c{number}", values, DAYS[0], DAYS[0], DAYS[0] if disabled else None)
            client_store.add(w.db, row)
            made[row.client_id] = (preset_of(metadata), disabled, f"app {name}")
        found = all_keys(w, CLIENTS, wanted, sort="name", limit=limit)
    expected = [
        key
        for key, (kind, disabled, _) in made.items()
        if wanted.get("type") in {None, kind} and wanted.get("disabled") in {None, "yes" if disabled else "no"}
    ]
    assert found == sorted(expected, key=lambda key: (made[key][2], key))


@pytest.mark.also_on_postgresql
@given(
    made=st.lists(st.tuples(st.sampled_from(["pwd", "fed", "pwd otp mfa"]), st.integers(0, 3)), max_size=8),
    wanted=st.fixed_dictionaries(
        {},
        optional={
            "method": st.sampled_from(["pwd", "fed", "mfa"]),
            "last_used_from": st.sampled_from(["2026-03-01", "9999-12-31"]),
        },
    ),
    sort=st.sampled_from(["-expires", "signed_in", "last_used"]),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_filters_of_sessions_find_what_plain_python_finds(
    work: Work, made: list[tuple[str, int]], wanted: dict[str, str], sort: str
) -> None:
    with work() as w:
        store.remove_all(w.db, [user.id for user in store.find_page(w.db)])
        user_id = make_user(w, "ada@example.com")
        moments = {}
        for number, (amr, ago) in enumerate(made):
            session_id, moment = f"00000000-0000-7000-8000-{number:012}", w.now - timedelta(minutes=10 * ago)
            moments[session_id] = (amr, moment)
            expires = w.now + timedelta(days=1, hours=ago)
            values = (amr, None, None, moment, expires, "", "", None, None)
            session_store.add(
                w.db, session_store.Session(session_id, bytes([number] * 32), user_id, moment, moment, *values)
            )
        found = all_keys(w, SESSIONS, wanted, sort=sort, limit=3)
        with_user = all_keys(w, SESSIONS, {"user": "ada@example.com"}, sort=sort, limit=3)
        assert all_keys(w, SESSIONS, {"user": "nobody@example.com"}, sort=sort, limit=3) == []
    expected = [
        key
        for key, (amr, moment) in moments.items()
        if wanted.get("method", amr.split()[0]) in amr.split()
        and f"{moment:%Y-%m-%d}" >= wanted.get("last_used_from", "")
    ]
    by_expiry = sorted(expected, key=lambda key: (-moments[key][1].timestamp(), key), reverse=True)
    by_use = sorted(expected, key=lambda key: (moments[key][1], key))
    assert found == (by_expiry if sort == "-expires" else by_use)
    assert len(with_user) == len(made)


@pytest.mark.also_on_postgresql
@given(
    made=st.lists(
        st.tuples(st.sampled_from(["mail", "webhook"]), st.sampled_from(list(DeliveryState)), st.sampled_from("ab%")),
        max_size=8,
    ),
    wanted=st.fixed_dictionaries(
        {},
        optional={"state": st.sampled_from(list(DeliveryState)), "about": st.sampled_from(["a", "b", "%", "to"])},
    ),
    sort=st.sampled_from(["-created", "created"]),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_filters_of_jobs_find_what_plain_python_finds(
    work: Work, made: list[tuple[str, DeliveryState, str]], wanted: dict[str, str], sort: str
) -> None:
    with work() as w:
        w.db.execute(delete(outbox.outbox))
        rows = {}
        for topic, state, recipient in made:
            message = outbox.Job(new_id(), topic, f"x to {recipient}", None, state, 0, w.now, w.now, None, None)
            outbox.add(w.db, message)
            rows[message.id] = message
        found = all_keys(w, JOBS, wanted, sort=sort, limit=2)
    expected = [
        key
        for key, message in rows.items()
        if wanted.get("state", message.state) == message.state and wanted.get("about", "") in message.about
    ]
    assert found == sorted(expected, reverse=sort == "-created")


def test_a_download_has_all_that_matches_without_formulas_and_is_recorded(console: Console, work: Work) -> None:
    """OWASP: CSV injection."""
    with work() as w:
        for number, name in enumerate(["=1+1", "+1", "-1", "@x", "\t=1", 'say "hi", all', "Ada"]):
            make_user(w, f"p{number}@example.com", name=name)
        make_user(w, "staff@example.com", roles=("staff",))
    answer = console.browser.open("/admin/users/export.csv?q=p&sort=created&size=25")
    rows = list(csv.DictReader(io.StringIO(answer.html)))
    assert {row["email"] for row in rows} == {f"p{number}@example.com" for number in range(7)}
    assert not [row for row in rows if row["name"].startswith(("=", "+", "-", "@", "\t"))]
    assert {"'=1+1", 'say "hi", all', "Ada"} <= {row["name"] for row in rows}
    [event] = events(work, "list.exported")
    assert (event["list"], event["filters"]) == ("users", {"q": "p"})
    assert console.browser.open("/admin/users/export.csv?state=none").status == 404
    for path in ("clients", "sessions", "outbox"):
        assert console.browser.open(f"/admin/{path}/export.csv").status == 200
