"""Accounts whose address nobody confirmed do not stay for ever, and nobody is told when they go."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from provider.accounts import suspension
from provider.accounts.store import email_addresses
from provider.accounts.store.links import one_time_links
from provider.accounts.store.users import Status, users
from provider.accounts.users import find_user
from provider.audit.events import Event
from provider.audit.store import audit_events
from provider.config.settings import Settings
from provider.tables import metadata
from provider.work import Installation
from provider.worker.jobs import ACCOUNTS, purge
from tests.oauth.store.test_indexes import executed, plan
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS, sign_in, sign_up

pytestmark = pytest.mark.also_on_postgresql

TASK = "unconfirmed accounts"


def is_there(work: Work, address: str = ADDRESS) -> bool:
    with work() as w:
        return find_user(w, address) is not None


def test_after_thirty_days_it_is_gone_with_everything_and_nobody_is_written_to(
    browser: Browser, work: Work, clock: Clock, inbox: Inbox, installation: Installation
) -> None:
    sign_up(browser)
    letters = len(inbox.letters())
    clock.advance(days=30)
    assert purge(installation)[TASK] == 0
    clock.advance(seconds=1)
    assert purge(installation)[TASK] == 1
    assert not is_there(work)
    assert len(inbox.letters()) == letters
    with work() as w:
        for table in metadata.tables.values():
            if "user_id" in table.c and table is not audit_events:
                assert w.read.execute(table.select()).all() == [], table.name
        names = {row.name: row.details for row in w.read.execute(audit_events.select())}
    assert names[Event.ACCOUNT_DELETED] == {"reason": "never_confirmed"}
    # The address is free: its owner may sign up like anybody.
    assert sign_up(browser).title.startswith("Check your email")
    assert is_there(work)


def test_it_stays_while_a_verification_link_is_alive(
    browser: Browser, work: Work, clock: Clock, installation: Installation, inbox: Inbox, unlimited: None
) -> None:
    """Somebody who comes back on the last day, and reads the letter of that day on the next."""
    sign_up(browser)
    clock.advance(days=29, hours=23)
    sign_in(browser)  # the right password: another letter is sent
    clock.advance(hours=20)
    assert purge(installation)[TASK] == 0
    browser.open(inbox.latest(ADDRESS).link)
    browser.submit(button="Confirm")
    clock.advance(days=365)
    assert purge(installation)[TASK] == 0
    assert sign_in(browser).path == "/account"


def test_once_that_link_is_dead_it_goes(
    browser: Browser, work: Work, clock: Clock, installation: Installation, unlimited: None
) -> None:
    sign_up(browser)
    clock.advance(days=29, hours=23)
    sign_in(browser)
    clock.advance(hours=25)
    assert purge(installation)[TASK] == 1


def test_whoever_is_or_was_confirmed_stays(work: Work, clock: Clock, installation: Installation) -> None:
    with work() as w:
        active, suspended, restored = (make_user(w, f"{name}@example.test") for name in ("a", "b", "c"))
        suspension.suspend(w, user_id=suspended, reason=None)
        suspension.suspend(w, user_id=restored, reason=None)
    with work() as w:
        suspension.restore(w, user_id=restored)
        # However it came to be: a verified address, and INACTIVE.
        w.db.execute(update(users).where(users.c.id == active).values(status=Status.INACTIVE))
    clock.advance(days=400)
    assert purge(installation)[TASK] == 0


def test_a_suspended_one_stays_and_has_its_time_again_when_it_is_restored(
    work: Work, clock: Clock, installation: Installation
) -> None:
    with work() as w:
        user_id = make_user(w, verified=False)
        suspension.suspend(w, user_id=user_id, reason="under inquiry")
    clock.advance(days=100)
    assert purge(installation)[TASK] == 0
    with work() as w:
        suspension.restore(w, user_id=user_id)
    clock.advance(days=29)
    assert purge(installation)[TASK] == 0
    clock.advance(days=2)
    assert purge(installation)[TASK] == 1


def test_many_go_in_batches_and_the_rest_stays(work: Work, clock: Clock, installation: Installation) -> None:
    with work() as w:
        for number in range(ACCOUNTS + 1):
            make_user(w, f"p{number}@example.test", verified=False)
    clock.advance(days=20)
    with work() as w:
        make_user(w, "young@example.test", verified=False)
    clock.advance(days=11)
    assert purge(installation)[TASK] == ACCOUNTS + 1
    assert is_there(work, "young@example.test")


@pytest.mark.only_on("postgresql")
def test_one_that_somebody_is_just_confirming_is_left_alone(
    work: Work, clock: Clock, installation: Installation, browser: Browser
) -> None:
    """The row is held: the purge neither waits for it nor deletes what is confirmed a moment later."""
    sign_up(browser)
    clock.advance(days=31)
    with work() as w:
        user_id = w.db.scalar(select(users.c.id).with_for_update())
        assert user_id is not None
        assert purge(installation)[TASK] == 0
    assert is_there(work)


def test_they_are_found_through_an_index(work: Work, installation: Installation, clock: Clock) -> None:
    """However many accounts there are, those that are confirmed are not looked at."""
    with work() as w:
        make_user(w, verified=False)
        with executed(installation.database.engine) as seen:
            email_addresses.find_unconfirmed(w.db, before=clock.now, now=clock.now, limit=ACCOUNTS)
    [(statement, parameters)] = [pair for pair in seen.items() if "SELECT users.id" in pair[0]]
    with work() as w:
        found = "\n".join(plan(w.read, statement, parameters))
    assert "ix_users_inactive_created_at" in found
    assert one_time_links.name in found
    assert "SCAN one_time_links" not in found


class TestWithAnotherLifetime:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"unconfirmed_lifetime": timedelta(days=2)})

    def test_the_setting_decides(self, work: Work, clock: Clock, installation: Installation) -> None:
        with work() as w:
            make_user(w, verified=False)
        clock.advance(days=1, hours=23)
        assert purge(installation)[TASK] == 0
        clock.advance(hours=2)
        assert purge(installation)[TASK] == 1


def test_less_than_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="unconfirmed_lifetime"):
        settings_for("sqlite:///unused.db", unconfirmed_lifetime=timedelta(hours=1))
