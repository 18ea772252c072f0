"""What happens to an account leaves events with stable names."""

from provider.audit.store import find
from tests.api.conftest import App, turn_on_two_factor
from tests.support.clock import Clock
from tests.support.factories import PASSWORD
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, find_user

NEW = "another quiet afternoon"


def test_a_life_in_events(app_of_ours: App, inbox: Inbox, clock: Clock, work: Work, unlimited: None) -> None:
    """In the order of what happened, by the names that scripts may rely on. Replaces: events."""
    ticket = app_of_ours.call("/register", email=ADDRESS, password=PASSWORD).json()["ticket"]
    app_of_ours.call("/verify-email/confirm", ticket=ticket, code=inbox.latest(ADDRESS).code)
    app_of_ours.challenge(password="wrong")
    caller = app_of_ours.sign_in()
    clock.advance(minutes=1)
    key, _ = turn_on_two_factor(caller, clock)
    clock.advance(minutes=1)
    caller("POST", "/two-factor/disable", code=code_of(key, clock.now))
    clock.advance(minutes=1)
    caller("PUT", "/profile", name="Ada")
    caller("PUT", "/password", current_password=PASSWORD, new_password=NEW)
    clock.advance(minutes=1)
    app_of_ours.call("/forgot-password", email=ADDRESS)
    token = inbox.latest(ADDRESS).link.partition("token=")[2]
    app_of_ours.call("/reset-password", token=token, password=PASSWORD)
    user_id = find_user(work).id
    with work() as w:
        names = [event.name for event in reversed(find(w.read, user_id=user_id, limit=100))]
    wanted = [
        "account.registered",
        "account.email.verified",
        "session.sign_in.failed",
        "session.signed_in",
        "account.two_factor.enabled",
        "account.two_factor.disabled",
        "account.profile.changed",
        "account.password.changed",
        "account.password.reset_requested",
        "account.password.reset",
    ]
    assert [name for name in names if name in wanted] == wanted
