"""docs/ending-access.md, cell by cell: an account with everything that can end, and each cause as it really happens."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts import (
    compromise_report,
    deletion,
    email_change,
    known_devices,
    linked_identities,
    second_factor,
    throttle,
)
from provider.accounts.access import ENDS, Access, Cause
from provider.accounts.links import find_link, issue_link
from provider.accounts.registration import create_user
from provider.accounts.store import email_addresses, email_changes, failures, totp, users
from provider.accounts.store import linked_identities as identities
from provider.accounts.store.email_changes import EmailChange
from provider.accounts.store.links import Purpose
from provider.accounts.store.totp import TotpCredential
from provider.audit import store as audit
from provider.crypto.digests import digest
from provider.sessions import store as sessions
from provider.sessions.store import Session, find_standing
from provider.web import cookies
from provider.work import Installation, UnitOfWork
from tests.admin.conftest import Console, Program, program
from tests.browser import Browser
from tests.cli.conftest import Signet, environ, signet
from tests.clock import Clock
from tests.conftest import Work
from tests.factories import PASSWORD, make_client, make_user
from tests.people import ADDRESS, is_signed_in
from tests.relying_party import TWO_FACTORS, RelyingParty, Tokens, sign_in_person

__all__ = ["environ", "signet"]

NEW = "a brand new and long password"
DOCUMENT = Path(__file__).parents[2] / "docs/ending-access.md"
KEEPS_THIS_SESSION = "all others"


def documented() -> dict[Cause, list[str]]:
    """The cells of each row, one for each kind of access and the reason last. The rows are in the order of `Cause`."""
    rows = re.findall(r"^\| ([^|]+ \|.*) \|$", DOCUMENT.read_text(), re.MULTILINE)[1:]
    return {cause: [cell.strip() for cell in row.split("|")[1:]] for cause, row in zip(Cause, rows, strict=True)}


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


@dataclass
class World:
    """Ada's account with everything that can end. She is signed in here, where she acts, and there."""

    user_id: str
    here: Browser
    there: Browser
    new_browser: Callable[[], Browser]
    work: Work
    clock: Clock
    installation: Installation
    rp: RelyingParty
    program: Callable[[], Program]
    console: Callable[[], Console]
    signet: Signet
    key: str
    """The secret of her authenticator app."""
    device: str
    """The cookie by which her account knows the browser here."""
    sid: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, Tokens] = field(default_factory=dict)
    links: dict[Purpose, str] = field(default_factory=dict)
    setup: str = ""
    """The secret of the authenticator app that she is setting up here."""

    def code(self) -> str:
        return pyotp.TOTP(self.key).at(self.clock.now)

    def session(self, w: UnitOfWork, place: str) -> Session:
        found = sessions.find(w.read, self.sid[place])
        assert found is not None
        return found

    def link(self, purpose: Purpose) -> str:
        """A link whose use is the cause; the one to look at afterwards is another."""
        with self.work() as w:
            address = email_addresses.find_of_user(w.read, self.user_id)
            assert address is not None
            return issue_link(w, purpose=purpose, address=address).token


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
    assert "Two-factor sign-in is off" in world.here.submit({"code": world.code()}, button="Turn off").text


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


ACTS: dict[Cause, dict[str, Act]] = {
    Cause.SIGNED_OUT_OTHERS: {"page": at_page("/account/sessions", "Sign out all other devices")},
    Cause.SIGNED_OUT_EVERYWHERE: {"page": at_page("/account/sessions", "Sign out everywhere")},
    Cause.SIGNED_OUT_BY_OPERATOR: {
        "console": at_console("end-sessions"),
        "api": by_program("DELETE", "/sessions"),
        "command": by_command("session", "end", "--user", ADDRESS),
    },
    Cause.PASSWORD_CHANGED: {
        "page": at_page("/account/password", **{"Current password": PASSWORD, "New password": NEW})
    },
    Cause.PASSWORD_RESET: {"page": reset_password(Purpose.RESET)},
    Cause.FIRST_PASSWORD: {"page": reset_password(Purpose.INVITE)},
    Cause.COMPROMISE_REPORTED: {
        "page": at_page("/account/activity/not-me", "Sign out everything"),
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


@pytest.fixture
def build(
    app: Starlette,
    client: TestClient,
    work: Work,
    clock: Clock,
    installation: Installation,
    new_browser: Callable[[], Browser],
    signet: Signet,
) -> Callable[[Cause], World]:
    """Ada's account and everything that can end, made for one cause: the link it uses is not the one looked at."""

    def console() -> Console:
        with work() as w:
            user_id = make_user(w, "operator@example.test", roles=("admin",))
        browser = new_browser()
        sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
        return Console(browser, user_id)

    def make(cause: Cause) -> World:
        key = pyotp.random_base32()
        has_password = cause is not Cause.FIRST_PASSWORD
        with work() as w:
            user_id = create_user(w, email=ADDRESS, password=PASSWORD if has_password else None, verified=True)
            app_of_ours = make_client(w, first_party=True, scope="openid offline_access")
            seed = w.vault.encrypt(key.encode(), purpose=second_factor.SEED, context=user_id)
            totp.replace(w.db, TotpCredential(user_id, seed, w.now, last_step=0))
            device = known_devices.remember(w, user_id=user_id, value=None)
            linked_identities.attach(w, user_id=user_id, issuer="https://op.test", subject="ada", email=None)
        for policy in (throttle.PASSWORD, throttle.SECOND_FACTOR):
            with work() as w:
                throttle.reserve(w, policy, user_id)
        world = World(
            user_id=user_id,
            here=new_browser(),
            there=new_browser(),
            new_browser=new_browser,
            work=work,
            clock=clock,
            installation=installation,
            rp=RelyingParty(client, *app_of_ours),
            key=key,
            device=device,
            program=lambda: program(work, client, "admin:write"),
            console=console,
            signet=signet,
        )
        for place, browser in (("here", world.here), ("there", world.there)):
            cookie = sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
            with work() as w:
                session = find_standing(w.read, digest(cookie), now=w.now, idle_since=w.now - timedelta(hours=1))
            assert session is not None
            world.sid[place] = session.id
            world.tokens[place] = world.rp.sign_in(browser.client)
        world.tokens["offline"] = world.rp.sign_in(world.here.client, scope="openid offline_access")
        world.here.cookies.set(
            cookies.cookie_name(installation.settings, cookies.DEVICE), device, domain="id.example.test", path="/"
        )
        world.here.open("/account/two-factor")
        begun = world.here.submit(action="/account/two-factor/begin")
        world.setup = begun.html.split('id="key">')[1].split("<")[0].replace(" ", "")
        for purpose in (Purpose.CHANGE, Purpose.UNDO, Purpose.RESET):
            world.links[purpose] = world.link(purpose)
            with work() as w:
                link = find_link(w, world.links[purpose], purpose)
                assert link is not None
                email_changes.add(w.db, EmailChange(link.id, f"{purpose}@example.test", f"{purpose}@example.test"))
        clock.advance(minutes=1)
        return world

    return make


def ended(world: World, cause: Cause) -> set[Access]:
    """What no longer works, or is no longer there."""
    gone = set()
    with world.work() as w:
        user = users.find(w.read, world.user_id)
        there = sessions.find(w.read, world.sid["there"])
        if there is None or there.ended_at is not None:
            gone.add(Access.SESSIONS)
        # The status of a closed account ends tokens as well; the mark must be there too, for when it is open again.
        if user is None or user.not_before is not None:
            gone.add(Access.TOKENS)
        purpose = Purpose.RESET if cause is Cause.EMAIL_CHANGED else Purpose.CHANGE
        link = find_link(w, world.links[purpose], purpose)
        if link is None or not link.is_open(w.now):
            gone.add(Access.LINKS)
        if w.read.exec_driver_sql("SELECT count(*) FROM totp_enrolments").scalar() == 0:
            gone.add(Access.SETUPS)
        if known_devices.find_known(w, world.device, world.user_id) is None:
            gone.add(Access.KNOWN_DEVICES)
        if not identities.find_of_user(w.read, world.user_id):
            gone.add(Access.LINKED_IDENTITIES)
        if not failures.find_failures(w.read, throttle.PASSWORD.kind, world.user_id):
            gone.add(Access.PASSWORD_FAILURES)
        if not failures.find_failures(w.read, throttle.SECOND_FACTOR.kind, world.user_id):
            gone.add(Access.SECOND_FACTOR_FAILURES)
    return gone


@pytest.mark.parametrize(("cause", "act"), CASES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
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
