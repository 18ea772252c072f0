"""Operators see and remove a user's authenticator apps: admin API and console."""

import pytest

from provider.accounts.factors import authenticator_apps
from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from tests.admin.conftest import Console, Program, events
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS


@pytest.fixture
def phone(work: Work, ada: str) -> str:
    """The first of her two apps."""
    with work() as w:
        for name in ("Blue phone", "Tablet"):
            totp.add(w.db, TotpCredential(ada, f"sealed {name}", w.now, 0, name=name))
        return authenticator_apps.find_of_user(w, ada)[0].id


def test_the_admin_api_lists_and_removes_them(
    operator: Program, ada: str, phone: str, inbox: Inbox, work: Work
) -> None:
    shown, tablet = operator("GET", f"/users/{ada}/authenticator-apps").json()["authenticator_apps"]
    assert (shown["id"], shown["name"], tablet["name"]) == (phone, "Blue phone", "Tablet")
    assert operator("DELETE", f"/users/{ada}/authenticator-apps/{phone}").status_code == 204
    assert operator("DELETE", f"/users/{ada}/authenticator-apps/{phone}").status_code == 404
    refused = operator("DELETE", f"/users/{ada}/authenticator-apps/{tablet['id']}")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:signet:problem:only-authenticator-app")
    assert operator("DELETE", f"/users/{ada}/two-factor").status_code == 204
    assert operator("GET", f"/users/{ada}/authenticator-apps").json() == {"authenticator_apps": []}
    assert "Blue phone" in inbox.letters()[0].text
    assert inbox.latest(ADDRESS).subject.startswith("Two-factor authentication is off")
    (event,) = events(work, "account.authenticator_app.removed")
    assert event["name"] == "Blue phone"


def test_the_console_shows_them_and_removes_one(console: Console, ada: str, phone: str) -> None:
    page = console.open(f"/users/{ada}/security")
    assert "Blue phone" in page.text
    page = console.act(f"/users/{ada}/remove-authenticator?authenticator={phone}", "lost phone")
    assert "Authenticator app removed." in page.text
    page = console.open(f"/users/{ada}/security")
    assert "Blue phone" not in page.links
    assert "Remove Tablet" not in page.text  # it is the last one: two-factor authentication is reset instead
