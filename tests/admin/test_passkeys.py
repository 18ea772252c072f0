"""Operators see and remove a user's passkeys: admin API, console, and what requires them."""

from datetime import timedelta

import pytest

from provider.accounts import users
from provider.accounts.factors.store import passkeys, two_factor_choices
from provider.accounts.factors.store.passkeys import Passkey
from provider.accounts.roles import roles
from provider.database.base import new_id
from tests.admin.conftest import Console, Program, events
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS


@pytest.fixture
def passkey(work: Work, ada: str) -> str:
    with work() as w:
        held = Passkey(
            id=new_id(),
            user_id=ada,
            credential_id="c",
            public_key=b"",
            sign_count=0,
            aaguid="ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4",
            transports="internal",
            is_synced=True,
            is_backed_up=True,
            name="Blue phone",
            created_at=w.now - timedelta(days=1),
            last_used_at=None,
        )
        assert passkeys.add(w.db, held)
        return held.id


def test_the_admin_api_lists_and_removes_passkeys(
    operator: Program, ada: str, passkey: str, inbox: Inbox, work: Work
) -> None:
    (shown,) = operator("GET", f"/users/{ada}/passkeys").json()["passkeys"]
    assert (shown["id"], shown["name"], shown["synced"]) == (passkey, "Blue phone", True)
    assert shown["authenticator"] == "Google Password Manager"
    assert "last_used_at" not in shown
    assert operator("DELETE", f"/users/{ada}/passkeys/{passkey}").status_code == 204
    assert operator("GET", f"/users/{ada}/passkeys").json() == {"passkeys": []}
    assert operator("DELETE", f"/users/{ada}/passkeys/{passkey}").status_code == 404
    assert "Blue phone" in inbox.latest(ADDRESS).text
    (event,) = events(work, "account.passkey.removed")
    assert event["name"] == "Blue phone"


@pytest.mark.parametrize("by", ["user", "operator"])
def test_the_only_second_factor_is_reset_not_removed(
    operator: Program, ada: str, passkey: str, work: Work, by: str
) -> None:
    """Whether the user turned two-factor authentication on or a role requires it."""
    with work() as w:
        if by == "user":
            two_factor_choices.add(w.db, ada, now=w.now)
        else:
            users.set_roles(w, user_id=ada, roles=["staff"])
            roles.require_factor(w, name="staff", required_factor="passkey")
    refused = operator("DELETE", f"/users/{ada}/passkeys/{passkey}")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:signet:problem:only-second-factor")
    assert operator("DELETE", f"/users/{ada}/two-factor").status_code == 204
    with work() as w:
        assert passkeys.find_of_user(w.read, ada) == []


def test_the_console_shows_passkeys_and_removes_one(console: Console, ada: str, passkey: str) -> None:
    page = console.open(f"/users/{ada}/security")
    assert "Blue phone" in page.text
    assert "Google Password Manager" in page.text
    page = console.act(f"/users/{ada}/remove-passkey?passkey={passkey}", "lost phone")
    assert "Passkey removed." in page.text
    assert "The user has no passkeys." in console.open(f"/users/{ada}/security").text


def test_what_a_role_requires_is_set_by_api_and_console(operator: Program, console: Console, work: Work) -> None:
    """A built-in role takes it too, and nothing else."""
    assert operator("PUT", "/roles/admin", required_factor="two-factor").json()["required_factor"] == "two-factor"
    assert operator("PUT", "/roles/admin", description="x").status_code == 409
    put = operator("PUT", "/roles/staff", description="Staff", required_factor="passkey")
    assert put.json()["required_factor"] == "passkey"
    assert operator("PUT", "/roles/staff", description="Staff").json()["required_factor"] == "passkey"
    assert operator("PUT", "/roles/staff", required_factor="retina").status_code == 400
    assert "must sign in with a passkey" in console.open("/roles/role?name=staff").text
    console.act("/roles/role/require?name=staff", required_factor="none")
    assert "passkey" not in console.open("/roles/role?name=staff").text.lower().replace("or a passkey", "")
    assert events(work, "role.updated")[0]["after"] == {"required_factor": "none"}
