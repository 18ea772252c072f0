"""After a restore nothing issued before counts: on either database, with the tools docs/operate/backup.md names."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc.errors import InvalidKeyIdError
from sqlalchemy import select
from starlette.testclient import TestClient

from provider.accounts.factors import remembered_devices
from provider.accounts.store.known_devices import known_devices
from provider.audit.store import audit_events
from provider.database.security_stamp import FIRST
from provider.oauth.clients.registration import issue_initial_token
from provider.oauth.clients.store.initial_access_tokens import initial_access_tokens
from provider.operators import invalidation
from provider.sessions import lifecycle
from provider.sessions.store import sessions
from provider.work import Installation
from tests.oauth import approvals, devices
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, sign_in, sign_up
from tests.support.relying_party import RelyingParty
from tests.support.services import postgres_program

pytestmark = pytest.mark.also_on_postgresql

OFFLINE = "openid offline_access"
GRANTS = ("authorization_code", "refresh_token", devices.DEVICE_CODE, approvals.CIBA)


@pytest.fixture
def rp(work: Work, client: TestClient) -> RelyingParty:
    with work() as w:
        registered, secret = make_client(w, first_party=True, grant_types=GRANTS)
    return RelyingParty(client, registered, secret)


def backed_up(installation: Installation, folder: Path) -> Callable[[], None]:
    """What brings the database back to where it is now."""
    engine, url = installation.database.engine, installation.settings.database_url
    copy = str(folder / "backup")
    if engine.dialect.name == "sqlite":
        file = url.removeprefix("sqlite:///")
        with sqlite3.connect(file) as connection:
            connection.execute("VACUUM INTO ?", (copy,))
        connection.close()

        def restore() -> None:
            installation.database.disconnect()
            for ending in ("-wal", "-shm"):
                Path(file + ending).unlink(missing_ok=True)
            shutil.copy(copy, file)
    else:
        where = url.replace("+psycopg", "")
        subprocess.run([postgres_program("pg_dump"), "-Fc", "-f", copy, where], check=True)

        def restore() -> None:
            anew = ("-c", "DROP SCHEMA public CASCADE", "-c", "CREATE SCHEMA public")
            subprocess.run([postgres_program("psql"), "-q", where, *anew], check=True)
            subprocess.run([postgres_program("pg_restore"), "-d", where, copy], check=True)

    return restore


def remember_device(work: Work, browser: Browser) -> None:
    """As if the user of this browser had shown a second factor and chosen not to be asked for it again."""
    device = browser.cookies["__Host-signet-device"]
    with work() as w:
        [known] = w.read.execute(select(known_devices.c.user_id)).all()
        assert remembered_devices.remember(w, user_id=known.user_id, device=device, before=None)


def test_nothing_issued_before_a_restore_counts_and_signing_in_anew_works(
    installation: Installation,
    work: Work,
    clock: Clock,
    rp: RelyingParty,
    new_browser: Callable[[], Browser],
    inbox: Inbox,
    tmp_path: Path,
) -> None:
    """What had been rotated, ended and spent since the backup is back, until `invalidate`."""
    with work() as w:
        make_user(w, ADDRESS)
        issue_initial_token(w, uses=5, lifetime=timedelta(days=1))
    ada, grace = new_browser(), new_browser()
    sign_in(ada)
    remember_device(work, ada)
    sign_up(grace, "grace@example.test")
    grace.open(inbox.latest("grace@example.test").link)
    tokens, unspent = rp.sign_in(ada.client, scope=OFFLINE), rp.ask(ada.client, scope=OFFLINE)
    waiting = rp.ask(ada.client, prompt="select_account")
    assert waiting.page == "/select-account"
    device, approval = devices.start(rp), approvals.ask(rp, login_hint=ADDRESS)
    restore = backed_up(installation, tmp_path)

    rp.refresh(rp.refresh(tokens))
    ada.open("/account")
    ada.submit(button="Sign out")
    restore()
    assert ada.open("/account").path == "/login"  # the browser has no cookie any more; a thief of it would
    revived = rp.refresh(tokens)
    assert revived.status == 200, "what was rotated since counts again: the reason for all this"

    clock.advance(seconds=1)
    moment = clock.now
    ended = invalidation.invalidate(installation, moment)
    assert all(ended.values()), ended
    for dead in (tokens, revived):
        assert rp.refresh(dead).error == "invalid_grant"
        assert rp.userinfo(dead).status_code == 401
        assert not rp.is_active(dead.access_token)
    with pytest.raises(InvalidKeyIdError):
        rp.verify(tokens)
    assert rp.redeem(unspent).error == "invalid_grant"
    assert rp.resume(ada.client, waiting).response.status_code == 400
    assert (device.poll().error, approval.poll().error) == ("expired_token", "expired_token")
    assert "no longer" in grace.submit(button="Confirm").text
    assert not [letter for letter in inbox.letters() if "verify-email" in letter.text]
    with work() as w:
        assert w.read.scalars(select(sessions.c.id).where(sessions.c.ended_at.is_(None))).all() == []
        assert w.read.scalars(select(initial_access_tokens.c.expires_at)).all() == [moment]

    sign_in(ada)
    anew = rp.sign_in(ada.client, scope=OFFLINE)
    clock.advance(seconds=1)
    assert set(invalidation.invalidate(installation, moment).values()) == {0}
    assert rp.refresh(anew).status == 200


def test_tokens_issued_later_in_a_session_from_before_are_revoked_too(
    installation: Installation, work: Work, clock: Clock, rp: RelyingParty, browser: Browser
) -> None:
    """Decision 58: the session may have been signed out before the restore, so what an app got in it does not count."""
    with work() as w:
        make_user(w, ADDRESS)
    sign_in(browser)
    moment = clock.advance(seconds=1)
    clock.advance(seconds=1)
    tokens = rp.sign_in(browser.client, scope=OFFLINE)
    ended = invalidation.invalidate(installation, moment, keys=False)
    assert ended["token families"] == 1
    assert rp.refresh(tokens).error == "invalid_grant"


def test_a_run_that_was_broken_off_is_finished_by_the_next(
    installation: Installation, work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In small transactions; everybody hears of their sessions once."""
    monkeypatch.setattr(invalidation, "BATCH", 2)
    with work() as w:
        for name in ("ada", "bob", "eve"):
            person = make_user(w, f"{name}@example.test")
            for _ in range(2 if name == "ada" else 1):
                lifecycle.open_session(w, user_id=person, security_stamp=FIRST, factor="pwd")
    clock.advance(seconds=1)

    def killed(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        invalidation.invalidate(installation, clock.now, keys=False, advance=killed)
    with work() as w:
        assert len(w.read.scalars(select(sessions.c.id).where(sessions.c.ended_at.is_(None))).all()) == 2
    assert invalidation.invalidate(installation, clock.now, keys=False)["sessions"] == 2
    with work() as w:
        told = w.read.execute(select(audit_events).where(audit_events.c.name == "session.all_ended")).all()
    assert sum(event.details["count"] for event in told) == 4
