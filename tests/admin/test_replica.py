"""A replica with real streaming replication: lists and searches read from it, and no decision does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from provider.accounts import suspension
from provider.config.environment import SettingsError, load_settings
from provider.config.settings import Settings
from provider.database import replica as replicas
from provider.database.replica import Replica
from provider.doctor.system_checks import find_system_problems
from provider.oauth.setting_up import create_keys_and_salt
from provider.replica_reads import from_replica
from provider.work import Installation, unit_of_work
from tests.admin.conftest import Console, Program
from tests.support.browser import Browser
from tests.support.factories import make_client, make_user
from tests.support.installation import Work, settings_for
from tests.support.own_postgres import OwnServer, Standby
from tests.support.people import ADDRESS, sign_in
from tests.support.relying_party import INTROSPECT, RelyingParty, sign_in_person
from tests.support.statements import recorded
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


@pytest.fixture
def standby(own_server: OwnServer) -> Iterator[Standby]:
    standby = Standby(own_server)
    try:
        wait_until(standby.answers, of=standby.process)
        yield standby
    finally:
        standby.stop()


@pytest.fixture
def settings(own_server: OwnServer, standby: Standby) -> Settings:
    read_url = f"postgresql+psycopg://signet@/postgres?host={standby.folder}"
    return settings_for(own_server.url, database_read_url=read_url)


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "PAUSE", 0.1)


@pytest.fixture
def replica(installation: Installation) -> Replica:
    assert installation.replica is not None
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
    return installation.replica


@pytest.fixture
def note(installation: Installation, replica: Replica) -> Callable[[], None]:
    """Note how far the primary is, as each process does every two seconds."""

    def note_primary() -> None:
        with unit_of_work(installation) as work:
            replica.note_primary(work.read)

    return note_primary


@contextmanager
def paused(standby: Standby) -> Iterator[None]:
    """Within this, the replica gets changes and does not show them."""
    standby.execute("SELECT pg_wal_replay_pause()")
    wait_until(lambda: standby.execute("SELECT pg_get_wal_replay_pause_state()") == "paused")
    try:
        yield
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")


@contextmanager
def at_replica(replica: Replica) -> Iterator[list[str]]:
    """The statements that the replica gets meanwhile, without the question how far it is."""
    with recorded(replica._database.engine) as texts:
        found: list[str] = []
        yield found
        found += [each for each in texts if "pg_last_wal_replay_lsn" not in each]


def test_lists_and_the_audit_log_are_read_from_it(
    console: Console, operator: Program, replica: Replica, note: Callable[[], None], work: Work
) -> None:
    with work() as w:
        make_user(w, ADDRESS, name="Ada Lovelace")

    def is_current() -> bool:
        note()
        with at_replica(replica) as statements:
            console.open("/users")
        return bool(statements)

    wait_until(is_current)
    for path, table in (("/users?q=Lovelace", "users"), ("/clients", "clients"), ("/audit", "audit_events")):
        note()
        with at_replica(replica) as statements:
            page = console.open(path)
        assert page.status == 200
        assert any(table in statement for statement in statements), path
        assert not any(word in statement for statement in statements for word in ("INSERT", "UPDATE", "FOR SHARE"))
    note()
    with at_replica(replica) as statements:
        assert operator.get("/audit")["events"]
    assert any("audit_events" in statement for statement in statements)


def test_no_decision_is_read_from_it(
    console: Console,
    client: TestClient,
    new_browser: Callable[[], Browser],
    installation: Installation,
    replica: Replica,
    note: Callable[[], None],
    standby: Standby,
    work: Work,
) -> None:
    """The replica still has the account as active, and it is refused everywhere."""
    with work() as w:
        user_id = make_user(w, ADDRESS)
        registered, secret = make_client(w, first_party=True)
    rp = RelyingParty(client, registered, secret)
    sign_in_person(client, installation, user_id)
    tokens = rp.sign_in(client, scope="openid offline_access")
    latest = f"SELECT count(*) FROM users WHERE id = '{user_id}' AND status = 'ACTIVE'"
    wait_until(lambda: standby.execute(latest) == 1)
    with at_replica(replica) as statements, paused(standby):
        note()
        with work() as w:
            suspension.suspend(w, user_id=user_id, reason=None)
        assert standby.execute(latest) == 1
        assert rp.userinfo(tokens).status_code == 401
        assert rp.post(INTROSPECT, token=tokens.access_token).json() == {"active": False}
        assert rp.refresh(tokens).error == "invalid_grant"
        assert client.get("/account").headers["location"].startswith("/login")
        assert sign_in(new_browser()).path == "/login"
        page = console.open(f"/users/{user_id}")  # what can be done with an account is decided on its page
        assert "suspended" in page.text.lower()
    assert statements == []


def test_a_replica_that_is_behind_is_not_used_until_it_has_caught_up(
    console: Console,
    replica: Replica,
    note: Callable[[], None],
    standby: Standby,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lists(name: str) -> bool:
        note()
        return name in console.open(f"/users?q={name}").text

    def is_used() -> bool:
        with at_replica(replica) as statements:
            assert lists("operator@example.test")
        return bool(statements)

    wait_until(is_used)
    monkeypatch.setattr(replicas, "MOST_LAG", 0.5)
    with paused(standby):
        with work() as w:
            make_user(w, "new@example.test")
        wait_until(lambda: lists("new@example.test"), what="the list stays as old as the replica")
        assert not is_used()
    monkeypatch.undo()
    wait_until(is_used, what="the replica is not used again")


def test_a_replica_that_dies_costs_no_answer(
    console: Console, replica: Replica, note: Callable[[], None], standby: Standby
) -> None:
    def is_used() -> bool:
        note()
        with at_replica(replica) as statements:
            assert console.open("/users").status == 200
        return bool(statements)

    wait_until(is_used)
    standby.stop()
    assert not is_used()
    standby.start()
    wait_until(standby.answers, of=standby.process)
    wait_until(is_used, what="the replica is not used again")


def test_a_search_that_the_replica_cancels_is_answered_by_the_primary(
    replica: Replica, note: Callable[[], None], work: Work
) -> None:
    """A standby cancels a search that conflicts with what it must replay (SQLSTATE 40001)."""
    cancel = "IF pg_is_in_recovery() THEN RAISE 'conflict with recovery' USING ERRCODE = '40001'; END IF"
    asked: list[bool] = []

    def find() -> bool:
        asked.append(bool(w.read.scalar(text("SELECT pg_is_in_recovery()"))))
        w.read.execute(text(f"DO $$ BEGIN {cancel}; END $$"))
        return asked[-1]

    def was_at_replica() -> bool:
        note()
        asked.clear()
        assert from_replica(w, find) is False
        return asked == [True, False]

    with work() as w:
        wait_until(was_at_replica)


def test_writing_where_the_replica_is_read_is_a_bug(replica: Replica, note: Callable[[], None], work: Work) -> None:
    def is_noticed() -> bool:
        note()
        with suppress(AssertionError), work() as w:
            from_replica(w, lambda: w.db)
            return False
        return True

    wait_until(is_noticed)


def test_a_server_that_is_no_replica_is_not_read_from(own_server: OwnServer, standby: Standby) -> None:
    wrong = settings_for(own_server.url, database_read_url=own_server.url)
    found = [(one.about, one.problem) for one in find_system_problems(wrong, deploy=False)]
    assert ("SIGNET_DATABASE_READ_URL", f"{own_server.data} is not a replica, so it is not used") in found
    standby.stop()
    away = settings_for(
        own_server.url, database_read_url=f"postgresql+psycopg://signet@/postgres?host={standby.folder}"
    )
    found = [(one.about, one.problem) for one in find_system_problems(away, deploy=False)]
    assert ("SIGNET_DATABASE_READ_URL", f"cannot reach the replica {standby.folder}") in found


@pytest.mark.parametrize(
    ("url", "read_url", "problem"),
    [
        ("sqlite:///signet.db", "postgresql://db/signet", "needs a PostgreSQL"),
        ("postgresql://db/signet", "sqlite:///signet.db", "must be a PostgreSQL"),
        ("postgresql://db/signet", "postgresql://replica/signet?target_session_attrs=any", "must not have"),
    ],
)
def test_a_read_url_that_cannot_be_used_is_an_error(url: str, read_url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load_settings({"SIGNET_DATABASE_URL": url, "SIGNET_DATABASE_READ_URL": read_url})


def test_of_several_replicas_any_standby_may_answer() -> None:
    found = load_settings(
        {"SIGNET_DATABASE_URL": "postgresql://db/signet", "SIGNET_DATABASE_READ_URL": "postgresql://one,two/signet"}
    )
    assert (found.database_read_url or "").endswith("&target_session_attrs=standby")
