"""Operators find users and applications by any part of an address, a name, a client_id or a host."""

import random
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import delete, event, select

from provider.accounts import profile, registration, search
from provider.accounts.store import search_keys
from provider.accounts.users import delete_user
from provider.database import substrings
from provider.database.types import search_key
from provider.oauth.clients import client_search
from provider.oauth.clients.clients import delete_client, update_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.clients.store import search_texts
from provider.work import Installation
from provider.worker.jobs import index_for_search
from tests.support import statements
from tests.support.effort import effort
from tests.support.factories import make_client, make_user
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases


def users_with(work: Work, text: str, *, limit: int = 50) -> list[str]:
    """The users that all pages have, in their order."""
    found, after = [], None
    with work() as w:
        while True:
            page, after = search.find_page(w, text, after=after, limit=limit)
            found += page
            if after is None:
                return found


def clients_with(work: Work, text: str, *, limit: int = 50) -> list[str]:
    found, after = [], None
    with work() as w:
        while True:
            page, after = client_search.find_page(w, text, after=after, limit=limit)
            found += [client.client_id for client in page]
            if after is None:
                return found


def test_users_are_found_by_any_part_of_an_address_or_a_name(work: Work) -> None:
    with work() as w:
        ada = make_user(w, "ada.lovelace@mail.example.test", name="Augusta Ada King", nickname="Countess")
        bob = make_user(w, "bob@bücher.example", name="Björn O'Brien-Muñoz")
        eve = make_user(w, "eve@example.test", name='100%_sure AND "NOT" near* ^x {y}: -z 王小明太')
    for part in ("velac", "E@MAIL", "mail.exam", "ugusta ada", "ountes", "a.l"):
        assert users_with(work, part) == [ada], part
    for part in ("jörn", "'brien-mu", "uñoz", "ücher.ex", "xn--bcher", "@büch", "n-m"):
        assert users_with(work, part) == [bob], part
    for part in ("0%_", '"not" near*', "^x {y}: -", 'AND "', "王小明", "小明太", "%_s"):
        assert users_with(work, part) == [eve], part
    for part in ("%ada%", "ada*", "a_a", "jorn", "ada OR bob", "lace\x00 king", "小明小", "mple.testeve", "@mail"):
        assert users_with(work, part) == ([ada] if part == "@mail" else []), part
    assert users_with(work, "da") == users_with(work, "da ") == []  # of two characters, only the beginning counts
    assert users_with(work, "bj") == [bob]


def test_those_of_whom_a_word_begins_with_the_text_come_first(work: Work) -> None:
    with work() as w:
        inside = [make_user(w, f"{letter}marvin@example.test") for letter in "cab"]
        begins = make_user(w, "zoe@example.test", name="Zoe Marvin")
    assert users_with(work, "marvin") == [begins, inside[1], inside[2], inside[0]]
    pages = users_with(work, "marvin", limit=1)
    assert pages[0] == begins
    assert sorted(pages[1:]) == sorted(inside)


def test_a_whole_domain_has_only_its_own_users(work: Work) -> None:
    with work() as w:
        own = [make_user(w, f"{name}@corp.example") for name in ("ada", "bob")]
        longer = make_user(w, "eve@corp.example.test")
    assert users_with(work, "@corp.example", limit=1) == own
    assert users_with(work, "@corp.exam") == [*own, longer]


def parts_of(texts: Iterable[str], chance: random.Random) -> list[str]:
    found = []
    for text in texts:
        start = chance.randrange(len(text))
        found.append(text[start : start + chance.randint(1, 9)])
    return found


def test_search_finds_what_a_plain_comparison_of_texts_finds(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, the index answers too: the first rows that are read are few here."""
    monkeypatch.setattr(substrings, "READ_FIRST", 5)
    monkeypatch.setattr(substrings, "RAREST", 2)
    chance = random.Random(14)  # repeatable
    letters = "aab.-'%_\"*éßİ王小 "
    keys: dict[str, set[str]] = {}
    with work() as w:
        for number in range(60):
            name = "".join(chance.choice(letters) for _ in range(12))
            user_id = make_user(w, f"a{number % 7}b{number}@ab{number % 3}.example.test", name=name)
        for key, user_id in w.db.execute(select(search_keys.search_keys)):
            keys.setdefault(user_id, set()).add(key)
    every = [key for of_user in keys.values() for key in of_user]
    for part in {*parts_of(every * effort(1, 2), chance), "aab", "ab1.ex", "@ab", "%%%", "___", '"""', "nothing"}:
        sought = search_key(part)
        if not sought or (sought.startswith("@") and any(key.endswith(sought) for key in every)):
            continue  # of all users, and of a whole domain
        long = len(sought) >= substrings.LENGTH
        expected = {
            user_id
            for user_id, of_user in keys.items()
            if any(sought in key if long else key.startswith(sought) for key in of_user)
        }
        found = users_with(work, part, limit=chance.choice([3, 7, 100]))
        assert set(found) == expected, part


def test_what_was_changed_or_deleted_is_found_as_it_is_now(work: Work) -> None:
    with work() as w:
        ada = make_user(w, "ada@example.test", name="Ada Byron")
        client, _ = make_client(w, client_name="Old Quill", redirect_uris=("https://old.app.test/cb",))
        profile.change_profile(w, user_id=ada, claims={"name": "Countess Lovelace"})
        update_client(w, client.client_id, ClientMetadata(client_name="Pen", redirect_uris=("https://new.app.test/",)))
    assert users_with(work, "yron") == clients_with(work, "uill") == clients_with(work, "d.app") == []
    assert users_with(work, "ovelac") == [ada]
    assert clients_with(work, "w.app.te") == [client.client_id]
    with work() as w:
        delete_user(w, user_id=ada)
        delete_client(w, client.client_id)
    assert users_with(work, "ovelac") == clients_with(work, "w.app.te") == []


def test_applications_are_found_by_name_client_id_and_host(work: Work) -> None:
    with work() as w:
        hosts = ("https://shop.example.test/a", "https://xn--bcher-kva.example/", "com.example.app:/cb")
        shop, _ = make_client(w, client_name="The Great Shop", redirect_uris=hosts)
        named, _ = make_client(w, client_name="Great", redirect_uris=("https://x.test/",))
        make_client(w, client_name="Other", redirect_uris=("https://y.test/",))
    for part in ("reat sh", "op.exam", "bücher", "xn--bch", shop.client_id[3:9]):
        assert clients_with(work, part) == [shop.client_id], part
    assert clients_with(work, "great") == clients_with(work, "great", limit=1) == [named.client_id, shop.client_id]
    assert clients_with(work, "gr") == [named.client_id]


def test_what_an_earlier_release_wrote_is_indexed_by_the_worker(
    work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.worker.jobs.BATCH", 2)
    with work() as w:
        people = [make_user(w, f"ada{number}@example.test", name="Ada King") for number in range(5)]
        apps = [make_client(w, client_name=f"The App {number}")[0].client_id for number in range(3)]
        w.db.execute(delete(search_keys.search_texts).where(search_keys.search_texts.c.owner != people[2]))
        w.db.execute(delete(search_texts.search_texts))
    assert users_with(work, "a king") == [people[2]]
    assert users_with(work, "ada k") == people or sorted(users_with(work, "ada")) == sorted(people)  # beginnings work
    index_for_search(installation, stopped=lambda: True)
    assert clients_with(work, "e app") == []
    index_for_search(installation)
    assert sorted(users_with(work, "da kin")) == sorted(people)
    assert sorted(clients_with(work, "e app")) == sorted(apps)


def test_a_start_where_nothing_is_missing_waits_for_no_writer_and_looks_at_a_batch_at_a_time(
    work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With millions of users, one look at all of them held SQLite's write lock for longer than a request may wait."""
    monkeypatch.setattr("provider.worker.jobs.BATCH", 2)
    with work() as w:
        for number in range(5):
            make_user(w, f"ada{number}@example.test")
        make_client(w)
    with work() as w, statements.recorded(installation.database.engine) as asked:
        w.db.execute(delete(search_texts.search_texts))  # it is writing from here on
        index_for_search(installation)
        looked = [text for text in asked if "user_search_texts" in text]
        assert len(looked) == 3
        assert all("LIMIT" in text for text in looked)


@pytest.mark.parametrize("text", ["xample", "@example.test", "@nowhere.test"])
def test_no_search_reads_a_whole_table(work: Work, installation: Installation, text: str) -> None:
    with work() as w:
        registration.create_user(w, email="ada@example.test", password=None, verified=True)
    seen: list[tuple[str, Any]] = []
    engine = installation.database.engine
    event.listen(
        engine, "before_cursor_execute", lambda _c, _cursor, statement, given, *_: seen.append((statement, given))
    )
    users_with(work, text)
    with engine.connect() as db:
        is_sqlite = db.dialect.name == "sqlite"
        if not is_sqlite:
            db.exec_driver_sql("SET enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
        plans = [
            "\n".join(str(row[3 if is_sqlite else 0]) for row in db.exec_driver_sql(explain + statement, given))
            for statement, given in list(seen)
            if statement.startswith(("SELECT", "WITH"))
        ]
    assert plans
    for plan in plans:
        assert "Seq Scan" not in plan, plan
        whole = [line for line in plan.splitlines() if line.startswith("SCAN") and "INDEX" not in line]
        whole = [line for line in whole if line not in ("SCAN effective", "SCAN given")]  # of one user
        assert whole in ([], ["SCAN user_search_texts"]), plan  # the first few hundred, for a sample
    index = "ix_email_addresses_domain" if text.startswith("@") else "user_search_texts_"
    assert any(index in plan for plan in plans)
