"""docs/explanation/ending-access.md, cell by cell: an account with all that can end, and each cause as it happens."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from provider.accounts import (
    compromise_report,
    deletion,
)
from provider.accounts.access import ENDS, Access, Cause, end_access
from provider.accounts.email import email_change
from provider.accounts.links import find_link
from provider.accounts.store import users
from provider.accounts.store.links import Purpose
from provider.audit import store as audit
from tests.accounts.account_with_everything import World, build, ended
from tests.cli.conftest import environ, signet
from tests.support.factories import PASSWORD, make_client
from tests.support.people import ADDRESS, is_signed_in
from tests.support.relying_party import RelyingParty

__all__ = ["build", "environ", "signet"]

NEW = "a brand new and long password"
DOCUMENT = Path(__file__).parents[2] / "docs/explanation/ending-access.md"
KEEPS_THIS_SESSION = "all others"


def documented() -> dict[Cause, list[str]]:
    """The cells of each row, one for each kind of access and the reason last. The rows are in the order of `Cause`.

    The document has the kinds in two tables, and the reason at the end of the first one.
    """
    tables = re.split(r"^\| What happens \|.*\n\|-.*\n", DOCUMENT.read_text(), flags=re.MULTILINE)[1:3]
    first, second = ([row.split("|")[2:-1] for row in table.partition("\n\n")[0].splitlines()] for table in tables)
    rows = [[*kinds, *others, reason] for (*kinds, reason), others in zip(first, second, strict=True)]
    return {cause: [cell.strip() for cell in row] for cause, row in zip(Cause, rows, strict=True)}


TABLE = documented()


def expected(cause: Cause) -> set[Access]:
    """What the document says that ends."""
    nothing = {"–", "of those sessions"}  # noqa: RUF001
    return {kind for kind, cell in zip(Access, TABLE[cause][:-1], strict=True) if cell not in nothing}


@pytest.mark.parametrize("cause", Cause)
def test_the_document_and_the_code_have_the_same_table(cause: Cause) -> None:
    assert expected(cause) == ENDS[cause]
    *_, reason = TABLE[cause]
    assert reason == (f"`{cause.reason}`" if Access.SESSIONS in ENDS[cause] else "")
    assert len(cause.reason) <= 32  # `end_reason` of a session


Act = Callable[[World], object]


def by_program(method: str, path: str, **body: str) -> Act:
    def act(world: World) -> None:
        answer = world.program()(method, f"/users/{world.user_id}{path}", **body)
        assert answer.status_code == 204, answer.text

    return act


def at_page(path: str, button: str | None = None, **typed: str) -> Act:
    def act(world: World) -> None:
        world.here.open(path)
        assert world.here.submit(typed, button=button).status == 200

    return act


def at_console(path: str) -> Act:
    return lambda world: world.console().act(f"/users/{world.user_id}/{path}", why="they asked")


def by_command(*arguments: str) -> Act:
    def act(world: World) -> None:
        ran = world.signet(*arguments)
        assert ran.status == 0, ran.err

    return act


def reset_password(purpose: Purpose) -> Act:
    def act(world: World) -> None:
        elsewhere = world.new_browser()
        elsewhere.open(f"/reset-password?token={world.link(purpose)}")
        assert elsewhere.submit({"password": NEW}).title.startswith("Your new password is set")

    return act


def report_without_reset(world: World) -> None:
    settings = world.installation.settings
    fewer = settings.model_copy(update={"features": settings.features - {"reset-passwords"}})
    object.__setattr__(world.installation, "settings", fewer)
    with world.work() as w:
        compromise_report.report(w, user_id=world.user_id)


def undo_change(world: World) -> None:
    with world.work() as w:
        email_change.undo(w, token=world.links[Purpose.UNDO])


def change_address(world: World) -> None:
    with world.work() as w:
        email_change.confirm_by_link(w, world.session(w, "here"), token=world.links[Purpose.CHANGE])


def confirm_setup(world: World) -> None:
    world.here.open("/account/two-factor/set-up")
    assert "recovery codes" in world.here.submit({"code": pyotp.TOTP(world.setup).at(world.clock.now)}).title


def turn_off(world: World) -> None:
    world.here.open("/account/two-factor")
    assert "Two-factor authentication is off" in world.here.submit({"code": world.code()}, button="Turn off").text


def restore(world: World) -> None:
    """After a suspension of which this access knows nothing, as if it had begun meanwhile."""
    with world.work() as w:
        users.suspend(w.db, world.user_id, reason=None, now=w.now)
    by_program("POST", "/restore")(world)


def keep(world: World) -> None:
    with world.work() as w:
        users.leave(w.db, world.user_id, delete_after=w.now + timedelta(days=1), now=w.now)
        deletion.keep(w, ticket=deletion.seal_ticket(w, world.user_id))


def purge(world: World) -> None:
    with world.work() as w:
        users.leave(w.db, world.user_id, delete_after=w.now, now=w.now)
        assert deletion.purge(w, before=w.now + timedelta(days=1), limit=1) == 1


def revoke_globally(world: World) -> None:
    with world.work() as w:
        grant, scope = ("client_credentials",), "global_token_revocation"
        tool = RelyingParty(world.rp.http, *make_client(w, grant_types=grant, scope=scope, redirect_uris=()))
    token = tool.client_credentials(scope=scope).access_token
    body = {"sub_id": {"format": "email", "email": ADDRESS}}
    headers = {"authorization": f"Bearer {token}"}
    assert world.rp.http.post("/oauth2/global-token-revocation", json=body, headers=headers).status_code == 204


def close_the_only_upstream(world: World) -> None:
    """`tests/federation/signals` has the signals that do this."""
    with world.work() as w:
        end_access(w, user_id=world.user_id, cause=Cause.UPSTREAM_SIGNAL)


ACTS: dict[Cause, dict[str, Act]] = {
    Cause.SIGNED_OUT_OTHERS: {"page": at_page("/account/sessions", "Sign out all other devices")},
    Cause.SIGNED_OUT_EVERYWHERE: {"page": at_page("/account/sessions", "Sign out everywhere")},
    Cause.SIGNED_OUT_BY_OPERATOR: {
        "console": at_console("end-sessions"),
        "api": by_program("DELETE", "/sessions"),
        "command": by_command("session", "end", "--user", ADDRESS),
    },
    Cause.GLOBAL_REVOCATION: {"endpoint": revoke_globally},
    Cause.UPSTREAM_SIGNAL: {"rule": close_the_only_upstream},
    Cause.PASSWORD_CHANGED: {
        "page": at_page("/account/password", **{"Current password": PASSWORD, "New password": NEW})
    },
    Cause.PASSWORD_RESET: {"page": reset_password(Purpose.RESET)},
    Cause.FIRST_PASSWORD: {"page": reset_password(Purpose.INVITE)},
    Cause.COMPROMISE_REPORTED: {
        "page": at_page("/account/activity/not-me", "Secure my account"),
        "undo": undo_change,
    },
    Cause.COMPROMISE_REPORTED_NO_RESET: {"rule": report_without_reset},
    Cause.EMAIL_CHANGED: {"rule": change_address},
    Cause.TWO_FACTOR_ENABLED: {"page": confirm_setup},
    Cause.TWO_FACTOR_DISABLED: {"page": turn_off},
    Cause.TWO_FACTOR_RESET: {
        "api": by_program("DELETE", "/two-factor"),
        "command": by_command("user", "reset-totp", ADDRESS),
    },
    Cause.SUSPENDED: {"console": at_console("suspend"), "api": by_program("POST", "/suspend", reason="an inquiry")},
    Cause.DELETION_REQUESTED: {"page": at_page("/account/delete", sure="on")},
    Cause.REOPENED: {"api": restore, "keep": keep},
    Cause.DELETED: {"api": by_program("DELETE", ""), "purge": purge},
}
CASES = [pytest.param(cause, act, id=f"{cause}-{how}") for cause in Cause for how, act in ACTS[cause].items()]


@pytest.mark.parametrize(("cause", "act"), CASES)
def test_a_cause_ends_what_the_document_says_and_nothing_else(
    build: Callable[[Cause], World], cause: Cause, act: Act
) -> None:
    world, ends = build(cause), expected(cause)
    assert ended(world, cause) == set()
    act(world)
    assert ended(world, cause) == ends
    # The same as browsers and applications see it.
    is_active = cause not in {Cause.SUSPENDED, Cause.DELETION_REQUESTED, Cause.DELETED}
    is_kept = Access.SESSIONS not in ends or TABLE[cause][0] == KEEPS_THIS_SESSION
    assert is_signed_in(world.here) == is_kept
    assert is_signed_in(world.there) == (Access.SESSIONS not in ends)
    works = {name: world.rp.refresh(tokens).status == 200 for name, tokens in world.tokens.items()}
    assert works == {
        "here": is_kept and Access.TOKENS not in ends,
        "there": Access.SESSIONS not in ends,
        "offline": is_active and Access.TOKENS not in ends,
    }
    with world.work() as w:
        undo = find_link(w, world.links[Purpose.UNDO], Purpose.UNDO)
        assert (undo is not None and undo.is_open(w.now)) == (cause is not Cause.DELETED and act is not undo_change)
        told = [e.details for e in audit.find(w.read, user_id=world.user_id) if e.name == "session.all_ended"]
    assert [one["reason"] for one in told] == ([cause.reason] if Access.SESSIONS in ends else [])
