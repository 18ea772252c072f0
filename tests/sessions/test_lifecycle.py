"""Open, raise, end: the identifier changes with the level, and an ended session never counts again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from provider.crypto.digests import digest
from provider.database.security_stamp import FIRST
from provider.sessions import lifecycle, store
from provider.sessions.active import find_active
from provider.sessions.assurance import AAL2, ONE_TIME_CODE, PASSWORD, acr_of
from provider.sessions.idle import idle_since
from provider.sessions.store import Session
from provider.work import Installation, unit_of_work
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


def open_one(work: Work, user_id: str, *, pending: str | None = None) -> str:
    with work() as w:
        return lifecycle.open_session(w, user_id=user_id, security_stamp=FIRST, factor=PASSWORD, pending=pending)


def find(work: Work, cookie: str) -> Session | None:
    with work() as w:
        since = idle_since(w)
        return find_active(w.read, digest(cookie), now=w.now, idle_since=since)


def get(work: Work, cookie: str) -> Session:
    session = find(work, cookie)
    assert session is not None
    return session


def test_a_session_is_found_by_its_cookie_and_stored_as_a_digest(work: Work, ada: str) -> None:
    cookie = open_one(work, ada)
    assert len(cookie) == 43  # 256 bits, ASVS v5.0.0-7.2.3
    assert get(work, cookie).user_id == ada
    assert find(work, cookie[:-1]) is None
    with work() as w:
        assert cookie not in str(w.read.exec_driver_sql("SELECT * FROM sessions").all())


def test_a_second_factor_gives_it_a_new_identifier_and_keeps_its_sid(work: Work, ada: str, clock: Clock) -> None:
    old = open_one(work, ada, pending="totp")
    session = get(work, old)
    clock.advance(minutes=1)
    with work() as w:
        new = lifecycle.raise_level(w, session, factor=ONE_TIME_CODE)
    assert new is not None
    assert find(work, old) is None
    raised = get(work, new)
    assert raised.id == session.id
    assert raised.pending is None
    assert raised.auth_time == clock.now
    assert acr_of(raised.amr) == AAL2


def test_of_two_raises_at_once_one_wins(installation: Installation, work: Work, ada: str) -> None:
    session = get(work, open_one(work, ada, pending="totp"))

    def raise_it(_: int) -> bool:
        with unit_of_work(installation) as w:
            return lifecycle.raise_level(w, session, factor=ONE_TIME_CODE) is not None

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(raise_it, range(8))) == [False] * 7 + [True]


def test_an_ended_session_never_counts_again(work: Work, ada: str) -> None:
    cookie = open_one(work, ada)
    session = get(work, cookie)
    with work() as w:
        lifecycle.end_session(w, session, reason="signed_out")
    assert find(work, cookie) is None
    with work() as w:
        assert lifecycle.raise_level(w, session, factor=ONE_TIME_CODE) is None


def test_all_but_one_end(work: Work, ada: str) -> None:
    here, there, pending = open_one(work, ada), open_one(work, ada), open_one(work, ada, pending="totp")
    with work() as w:
        assert lifecycle.end_all_sessions(w, user_id=ada, reason="test", but={get(work, here).id}) == 2
    assert find(work, here) is not None
    assert find(work, there) is None
    assert find(work, pending) is None


@pytest.mark.parametrize(("idle", "stands"), [(timedelta(minutes=59), True), (timedelta(hours=1), False)])
def test_an_unused_session_is_over_after_an_hour(
    work: Work, ada: str, clock: Clock, idle: timedelta, stands: bool
) -> None:
    """ASVS v5.0.0-7.3.1."""
    cookie = open_one(work, ada)
    clock.advance(idle)
    assert (find(work, cookie) is not None) is stands


def test_ended_sessions_are_purged_after_their_time(work: Work, ada: str, clock: Clock) -> None:
    open_one(work, ada)
    with work() as w:
        assert store.purge(w.db, before=clock.now, limit=500) == 0
    clock.advance(days=2)
    with work() as w:
        assert store.purge(w.db, before=clock.now, limit=500) == 1
