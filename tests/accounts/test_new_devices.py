"""A sign-in on a device the account does not know is told to its owner."""

from collections.abc import Callable

from provider.accounts.new_devices import notify_of_new_device
from provider.audit import store
from provider.audit.events import Event
from provider.audit.log import record
from provider.work import Installation, Origin
from provider.worker.jobs import purge
from tests.support import people
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in(work: Work, user_id: str) -> None:
    with work(Origin(network="192.0.2.7", user_agent=FIREFOX)) as w:
        record(w, Event.SIGNED_IN, user_id=user_id)
        notify_of_new_device(w, user_id=user_id)


def test_the_first_sign_in_is_no_news_and_the_next_new_device_is(work: Work, inbox: Inbox, clock: Clock) -> None:
    """OWASP ASVS v5.0.0-6.3.5."""
    with work() as w:
        ada, eve = make_user(w), make_user(w, "eve@example.test")
    sign_in(work, eve)
    clock.advance(minutes=1)
    sign_in(work, ada)
    assert inbox.letters() == []
    clock.advance(minutes=1)
    sign_in(work, ada)
    letter = inbox.latest(ADDRESS)
    assert letter.subject == "New sign-in from Firefox on Linux"
    for what in ("Firefox on Linux", "192.0.2.7", f"{clock.now:%H:%M} UTC", "/forgot-password"):
        assert what in letter.text
        assert what in letter.html
    with work() as w:
        assert Event.NEW_DEVICE in {event.name for event in store.find(w.read, user_id=ada)}


def test_a_new_device_is_told_also_when_the_audit_log_no_longer_has_the_earlier_sign_ins(
    installation: Installation, work: Work, inbox: Inbox, clock: Clock
) -> None:
    """The setting SIGNET_AUDIT_RETENTION must not switch the notice off for users who sign in rarely."""
    with work() as w:
        ada = make_user(w)
    sign_in(work, ada)
    clock.advance(days=366)
    assert purge(installation)["audit events"] > 0
    sign_in(work, ada)
    assert inbox.latest(ADDRESS).subject.startswith("New sign-in")


def test_a_sign_in_elsewhere_is_told_and_one_at_the_same_browser_is_not(
    browser: Browser, new_browser: Callable[[], Browser], work: Work, inbox: Inbox, clock: Clock
) -> None:
    with work() as w:
        make_user(w)
    people.sign_in(browser)
    clock.advance(minutes=1)
    people.sign_in(browser)
    assert inbox.letters() == []
    people.sign_in(new_browser())
    assert [letter.subject for letter in inbox.letters()] == ["New sign-in to your Signet account"]
