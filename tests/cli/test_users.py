"""signet user: the contract that scripts rely on, and one line for what went wrong."""

import pytest

from provider.accounts import known_devices, linked_identities
from provider.accounts.factors import remembered_devices
from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.passwords.passwords import is_password_of
from provider.accounts.users import find_user
from provider.crypto.passwords import hash_password
from provider.database.security_stamp import FIRST
from provider.sessions import lifecycle, store
from provider.sessions.idle import idle_since
from tests.cli.conftest import Signet
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.names import FAMILY, PERSIAN

EMAIL = "ada@example.test"


def create(signet: Signet, *options: str, email: str = EMAIL) -> dict[str, object]:
    arguments = ("user", "create", "--email", email, "--password-stdin", *options, "--json")
    made: dict[str, object] = signet(*arguments, stdin="a long password\n").json
    return made


def test_creating_says_who_was_made(signet: Signet, work: Work) -> None:
    """Replaces: adapter operations."""
    made = create(signet, "--verified", "--role", "admin", "--role", "editor", "--name", f"\ufeff{PERSIAN} {FAMILY}")
    assert (made["email"], made["status"], made["email_verified"]) == (EMAIL, "ACTIVE", True)
    assert (made["roles"], made["claims"]) == (["admin", "editor"], {"name": f"{PERSIAN} {FAMILY}"})
    with work() as w:
        user = find_user(w, EMAIL)
    assert user is not None
    assert user.id == made["id"]
    assert f"{PERSIAN} {FAMILY}" in signet("user", "show", EMAIL).out


def test_an_unverified_one_is_inactive_until_an_operator_answers_for_the_address(signet: Signet) -> None:
    assert create(signet)["status"] == "INACTIVE"
    assert signet("user", "verify-email", EMAIL, "--json").json["status"] == "ACTIVE"


def test_the_address_is_changed_or_its_owner_asked(signet: Signet, inbox: Inbox) -> None:
    create(signet, "--verified")
    changed = signet("user", "change-email", EMAIL, "ada@new.example.test", "--json").json
    assert (changed["email"], changed["email_verified"]) == ("ada@new.example.test", True)
    assert "was changed" in inbox.latest(EMAIL).subject
    asked = signet("user", "change-email", "ada@new.example.test", EMAIL, "--confirm")
    assert asked.out == f"Sent a confirmation link to {EMAIL}.\n"
    assert "/account/email/confirm" in inbox.latest(EMAIL).link
    create(signet, "--verified", email="bob@example.test")
    refused = signet("user", "change-email", "bob@example.test", "ada@new.example.test")
    assert (refused.status, refused.err) == (1, "signet: This email address is already used by another account.\n")


def test_a_user_who_moves_here_keeps_id_and_password(signet: Signet, work: Work) -> None:
    user_id, hashed = "6f3b2c1d-8e4a-4c57-9d21-0a1b2c3d4e5f", hash_password("a long password", cost=4)
    given = ("user", "create", "--email", EMAIL, "--id", user_id, "--password-hash-stdin", "--verified")
    assert signet(*given, "--json", stdin=f"{hashed}\n").json["id"] == user_id
    with work() as w:
        assert is_password_of(w, user_id, "a long password")
    for options, said in (
        (("--id", user_id.upper()), "Enter a UUID in lower case"),
        (("--id", user_id), "This ID is already used by another account."),
        (("--password-stdin",), "use --password-stdin or --password-hash-stdin"),
    ):
        refused = signet(
            "user", "create", "--email", "bob@example.test", "--password-hash-stdin", *options, stdin=hashed
        )
        assert refused.status != 0
        assert said in refused.err
    refused = signet("user", "create", "--email", "bob@example.test", "--password-hash-stdin", stdin="$argon2id$v=19$x")
    assert "This password hash is malformed" in refused.err


def test_no_password_is_ever_printed(signet: Signet) -> None:
    ran = signet("user", "create", "--email", EMAIL, "--password-stdin", stdin="a long password\n")
    assert ran.out.startswith(f"Created {EMAIL} with ID ")
    assert "a long password" not in ran.out + ran.err + signet("user", "show", EMAIL).out


def test_suspending_ends_sessions_and_restoring_revives_nothing(signet: Signet, work: Work) -> None:
    """Replaces: inactive until verified, refused when suspended."""
    user_id = str(create(signet, "--verified")["id"])
    with work() as w:
        lifecycle.open_session(w, user_id=user_id, security_stamp=FIRST, factor="pwd")
    assert len(signet("session", "list", "--user", EMAIL, "--json").json) == 1
    assert signet("user", "suspend", EMAIL, "--reason", "a complaint").status == 0
    assert signet("user", "show", EMAIL, "--json").json["status_reason"] == "a complaint"
    assert signet("user", "restore", user_id, "--json").json["status"] == "ACTIVE"
    assert signet("session", "list", "--user", EMAIL, "--json").json == []


def test_what_is_linked_is_shown(signet: Signet, work: Work) -> None:
    user_id = str(create(signet, "--verified")["id"])
    assert signet("user", "show", EMAIL, "--json").json["linked_identities"] == []
    with work() as w:
        linked_identities.link(
            w, user_id=user_id, issuer="https://op.example.test", subject="ada", email=None, name="Example"
        )
    [identity] = signet("user", "show", EMAIL, "--json").json["linked_identities"]
    assert (identity["issuer"], identity["subject"], identity["email"]) == ("https://op.example.test", "ada", None)
    assert "https://op.example.test" in signet("user", "show", EMAIL).out


def test_roles_are_set_exactly(signet: Signet) -> None:
    """Replaces: roles and permissions."""
    create(signet, "--role", "admin")
    assert signet("user", "set-role", EMAIL, "editor", "--json").json["roles"] == ["editor"]
    assert signet("user", "set-role", EMAIL, "--json").json["roles"] == []


def test_a_list_goes_on_where_the_last_one_ended(signet: Signet) -> None:
    first, second = (create(signet, email=f"{name}@example.test") for name in ("ada", "bob"))
    listed = signet("user", "list", "--limit", "1", "--json").json
    assert [user["id"] for user in listed] == [first["id"]]
    assert [user["id"] for user in signet("user", "list", "--after", str(first["id"]), "--json").json] == [second["id"]]
    assert "bob@example.test" in signet("user", "list").out


def test_deleting_takes_everything_along(signet: Signet, work: Work) -> None:
    """Replaces: adapter operations."""
    user_id = str(create(signet, "--verified")["id"])
    with work() as w:
        lifecycle.open_session(w, user_id=user_id, security_stamp=FIRST, factor="pwd")
    assert signet("user", "delete", EMAIL, "--json").json == {"id": user_id, "deleted": True}
    assert signet("user", "list", "--json").json == []
    with work() as w:
        assert store.find_live(w.read, user_id, now=w.now, idle_since=idle_since(w)) == []
    events = signet("audit", "--json").json
    assert events[0]["name"] == "account.deleted"


def test_a_session_can_be_ended_by_its_id(signet: Signet, work: Work) -> None:
    user_id = str(create(signet, "--verified")["id"])
    with work() as w:
        for _ in range(2):
            lifecycle.open_session(w, user_id=user_id, security_stamp=FIRST, factor="pwd")
    session, other = signet("session", "list", "--user", EMAIL, "--json").json
    assert session["acr"] == "aal1"
    assert signet("session", "end", session["id"], "--json").json == {"ended": 1}
    again = signet("session", "end", session["id"])
    assert again.status == 1
    assert again.err.startswith(f"signet: No active session {session['id']} was found. ")
    assert [left["id"] for left in signet("session", "list", "--user", EMAIL, "--json").json] == [other["id"]]
    assert signet("session", "end", "--user", EMAIL, "--json").json == {"ended": 1}


def test_what_goes_wrong_is_one_line_and_a_status(signet: Signet) -> None:
    create(signet, "--verified")
    for arguments, stdin, status, because in [
        (("user", "show", "nobody@example.test"), "", 1, "no user nobody@example.test"),
        (("user", "create", "--email", EMAIL, "--password-stdin"), "a long password", 1, "another account"),
        (("user", "create", "--email", "nonsense", "--password-stdin"), "a long password", 1, "Enter an email address"),
        (("user", "create", "--email", "b@example.test", "--password-stdin"), "", 2, "password is empty"),
        (("user", "create", "--email", "b@example.test"), "", 2, "--password-stdin"),
        (("user", "reset-totp", EMAIL), "", 1, "not turned on"),
        (("user", "invite", "b@example.test", "--name", "A\u202eB"), "", 2, "U+202E RIGHT-TO-LEFT OVERRIDE"),
        (("user", "suspend", EMAIL, "--reason", "A\u2066B"), "", 2, "U+2066 LEFT-TO-RIGHT ISOLATE"),
        (("session", "end", "x"), "", 2, "'x' is not an ID"),
        (("session", "end"), "", 2, "--user"),
        (("nonsense",), "", 2, "nonsense"),
    ]:
        ran = signet(*arguments, stdin=stdin)
        assert (ran.status, ran.out) == (status, "")
        assert ran.err.startswith("signet: ")
        assert ran.err.count("\n") == 1
        assert because in ran.err


@pytest.mark.both_databases
def test_people_are_invited_and_searched(signet: Signet, inbox: Inbox) -> None:
    made = signet("user", "invite", EMAIL, "--name", "Ada Lovelace", "--role", "staff", "--json").json
    assert (made["status"], made["roles"]) == ("ACTIVE", ["staff"])
    assert inbox.latest(EMAIL).subject == "You've been invited to Signet"
    assert [user["id"] for user in signet("user", "list", "--search", "LOVE", "--json").json] == [made["id"]]
    assert signet("user", "list", "--search", "nobody", "--json").json == []
    assert signet("session", "list", "--json").json == []


def test_a_user_s_passkey_is_removed_on_the_command_line(work: Work, signet: Signet) -> None:
    with work() as w:
        user_id = make_user(w)
    assert signet("user", "passkeys", "ada@example.test", "--json").json == []
    refused = signet("user", "remove-passkey", user_id, "019a0f6e-1f2b-7c3d-8e4f-5a6b7c8d9e0f")
    assert (refused.status, refused.err) == (1, "signet: There is no passkey with this ID.\n")


def test_an_authenticator_app_is_listed_and_removed_on_the_command_line(work: Work, signet: Signet) -> None:
    with work() as w:
        user_id = make_user(w)
        for name in ("", "Tablet"):
            totp.add(w.db, TotpCredential(user_id, f"sealed {name}", w.now, 0, name=name))
    first, tablet = signet("user", "authenticator-apps", "ada@example.test", "--json").json
    assert (first["name"], tablet["name"], tablet["last_used_at"]) == ("Authenticator app", "Tablet", None)
    assert signet("user", "remove-authenticator-app", user_id, first["id"]).status == 0
    refused = signet("user", "remove-authenticator-app", user_id, first["id"])
    assert (refused.status, refused.err) == (1, "signet: There is no authenticator app with this ID.\n")
    refused = signet("user", "remove-authenticator-app", user_id, tablet["id"])
    assert refused.status == 1
    assert "Add another app first" in refused.err


def test_a_remembered_device_is_listed_and_removed_on_the_command_line(work: Work, signet: Signet) -> None:
    with work() as w:
        user_id = make_user(w)
        value = known_devices.remember(w, user_id=user_id, value=None)
        assert remembered_devices.remember(w, user_id=user_id, device=value, before=None)
    (device,) = signet("user", "remembered-devices", "ada@example.test", "--json").json
    assert signet("user", "remove-remembered-device", user_id, device["id"]).status == 0
    assert signet("user", "remembered-devices", user_id, "--json").json == []
    refused = signet("user", "remove-remembered-device", user_id, device["id"])
    assert (refused.status, refused.err) == (1, "signet: There is no remembered device with this ID.\n")
