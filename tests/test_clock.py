"""The clock of an installation: with PostgreSQL the database's, whatever the clock of the machine says."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from provider.clock import clock_of
from provider.config.settings import Settings
from provider.database.engine import Database, open_database
from provider.database.outages import DatabaseUnavailable
from provider.work import utc_now
from tests.oauth.watched_http import WatchedClient
from tests.support import people
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import ISSUER
from tests.support.relying_party import RelyingParty
from tests.support.two_nodes import Nodes, running_nodes

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
GENEROUS = timedelta(minutes=5)
"""How late a busy machine may look at a clock."""


class FakeDatabase:
    """A PostgreSQL database of which only the clock exists. It answers after `takes` seconds, or not at all."""

    is_sqlite = False
    on_connect: Callable[[Any], None]

    def __init__(self) -> None:
        self.says = NOON
        self.takes = 0.0
        self.is_away = False
        self.asked = 0
        self.monotonic = 1000.0

    def connect(self) -> "FakeDatabase":
        if self.is_away:
            raise DatabaseUnavailable("away")
        self.on_connect(self)
        return self

    def exec_driver_sql(self, _statement: str) -> "FakeDatabase":
        self.asked += 1
        self.monotonic += self.takes
        return self

    def scalar_one(self) -> datetime:
        return self.says

    def close(self) -> None:
        pass


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDatabase:
    fake = FakeDatabase()
    monkeypatch.setattr(time, "monotonic", lambda: fake.monotonic)
    return fake


def clock_behind(fake: FakeDatabase, **parts: float) -> Callable[[], datetime]:
    """A clock of a machine on which it is earlier than noon."""
    clock = clock_of(fake, local=lambda: NOON - timedelta(**parts))  # type: ignore[arg-type]
    with suppress(DatabaseUnavailable):
        fake.connect()
    return clock


@pytest.mark.parametrize("seconds", [-3600, -120, -2, 2, 120, 3600])
def test_a_wrong_clock_is_corrected(fake: FakeDatabase, seconds: int) -> None:
    assert clock_behind(fake, seconds=seconds)() == NOON


@pytest.mark.parametrize("seconds", [-0.9, 0.9])
def test_a_clock_that_ntp_keeps_is_left_alone(fake: FakeDatabase, seconds: float) -> None:
    assert clock_behind(fake, seconds=seconds)() == NOON - timedelta(seconds=seconds)


def test_it_is_compared_once_a_minute(fake: FakeDatabase) -> None:
    clock = clock_behind(fake, hours=1)
    assert clock() == NOON
    fake.says += timedelta(minutes=10)  # somebody set it
    fake.monotonic += 59
    fake.connect()
    assert (clock(), fake.asked) == (NOON, 1)
    fake.monotonic += 2
    fake.connect()
    assert (clock(), fake.asked) == (fake.says, 2)


def test_a_slow_answer_says_nothing_about_the_time(fake: FakeDatabase) -> None:
    fake.takes = 1.5
    clock = clock_behind(fake, hours=1)
    assert clock() == NOON - timedelta(hours=1)
    fake.takes = 0
    fake.monotonic += 61
    fake.connect()
    assert clock() == NOON


def test_the_clock_goes_on_while_the_database_is_away(fake: FakeDatabase) -> None:
    """F-1: what needs no database answers."""
    fake.is_away = True
    clock = clock_behind(fake, hours=1)
    assert clock() == NOON - timedelta(hours=1)
    fake.is_away = False
    fake.connect()
    assert clock() == NOON


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    yield database
    database.close()


@pytest.mark.also_on_postgresql
def test_only_the_clock_of_a_database_on_another_machine_counts(database: Database) -> None:
    clock = clock_of(database, local=lambda: utc_now() - timedelta(hours=1))
    database.connect().close()
    assert (abs(clock() - utc_now()) < GENEROUS) == (not database.is_sqlite)


@pytest.mark.only_on("postgresql")
def test_a_comparison_that_fails_is_an_outage_and_keeps_no_connection(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: Connection) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(database, "on_connect", fail)
    with pytest.raises(DatabaseUnavailable):
        database.connect()
    assert database.in_use == 0


@pytest.fixture(params=[pytest.param(120, marks=pytest.mark.slow), 3600], ids=["two minutes", "an hour"])
def nodes(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Nodes]:
    with running_nodes(settings, apart=request.param, follow_database=True) as nodes:
        yield nodes


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("turned", [False, True], ids=["fast then slow", "slow then fast"])
def test_every_step_can_be_at_another_node(nodes: Nodes, turned: bool) -> None:
    """What lasts a minute or less lasts as long at each node: codes, tokens, repeated refreshes, factors, forms."""
    first, then = (nodes.slow, nodes.fast) if turned else (nodes.fast, nodes.slow)
    with first.work() as w:
        make_user(w)
        client, secret = make_client(w, first_party=True, scope="openid offline_access")
    http = WatchedClient(nodes, ISSUER)  # type: ignore[arg-type]  # any ASGI application
    http.may_go_to = {"app.example.test"}
    rp, browser = RelyingParty(http, client, secret), Browser(nodes, ISSUER)  # type: ignore[arg-type]
    nodes.at = first
    people.sign_in(browser)
    answer = rp.ask(browser.client, scope="openid offline_access")
    nodes.at = then
    tokens = rp.redeem(answer)
    nodes.at = first
    assert rp.userinfo(tokens).status_code == 200
    again = rp.refresh(tokens)
    nodes.at = then
    assert rp.refresh(tokens).refresh_token == again.refresh_token  # repeated within the grace period
    nodes.at = first
    assert rp.is_active(again.access_token)
    key = people.begin_set_up(browser)  # a recent sign-in is needed
    nodes.at = then
    page = browser.submit({"code": people.code_of(key, utc_now())})
    recovery = people.recovery_codes_on(page)
    assert recovery, page
    nodes.at = first
    browser.open("/login?prompt=login")
    browser.submit({"username": people.ADDRESS, "password": PASSWORD})
    browser.follow("Lost your device?")
    nodes.at = then
    browser.submit({"code": recovery[0]})
    assert people.is_signed_in(browser)
