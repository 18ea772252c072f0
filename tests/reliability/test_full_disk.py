"""F-4: while SQLite cannot write to its disk, reads are served, writes get 503 and nothing is half-written.

A disk that is full is played by a limit on the size of files (setrlimit(2), RLIMIT_FSIZE): it is put on a real service
that runs, and also stops its log. A file system becomes read-only after an error, which ext4 can be asked to play.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from benchmarks.scratch import Scratch, scratch
from provider.tables import metadata
from provider.work import unit_of_work
from tests.support.browser import Browser
from tests.support.factories import make_client, make_user
from tests.support.people import sign_in
from tests.support.relying_party import Answer, RelyingParty, Tokens
from tests.support.services import unavailable
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.race

EMAIL = "ada@example.test"
SCOPE = "openid offline_access"
WRONG = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "wrong"}


def test_with_a_full_disk_reads_are_served_and_writes_get_503_until_there_is_space() -> None:
    with scratch("sqlite", workers=1, settings={"SIGNET_BCRYPT_COST": "4", "SIGNET_LOG_LEVEL": "info"}) as there:
        there.start()
        rp, browser = _app_and_user(there)
        code = rp.ask(browser.client, scope=SCOPE)
        tokens = rp.redeem(rp.ask(browser.client, scope=SCOPE))
        assert tokens.response.status_code == 200
        before = _rows(there)
        with _full_disk(there):
            _writes_are_refused(rp, code, tokens)
        wait_until(lambda: rp.http.get("/health/ready").status_code == 200)
        assert _rows(there) == before
        assert rp.redeem(code).response.status_code == 200
        assert rp.refresh(tokens).response.status_code == 200
        assert rp.http.post("/oauth2/token", data=WRONG).status_code == 401
        assert "lines_lost" in there.log.read_text()


@pytest.mark.load
@pytest.mark.slow
def test_on_a_file_system_that_became_read_only_reads_are_served_and_writes_get_503(tmp_path: Path) -> None:
    with _file_system(tmp_path) as files, ExitStack() as mounted:
        mounted.enter_context(files.mounted())
        with scratch("sqlite", workers=1, settings={"SIGNET_BCRYPT_COST": "4"}, within=files.root) as there:
            there.start()
            rp, browser = _app_and_user(there)
            code = rp.ask(browser.client, scope=SCOPE)
            tokens = rp.redeem(rp.ask(browser.client, scope=SCOPE))
            before = _rows(there)
            files.fail()
            _writes_are_refused(rp, code, tokens)
            there.stop()
            there.installation.database.close()
            mounted.close()
            files.repair()
            mounted.enter_context(files.mounted())
            there.start()
            assert _rows(there) == before
            assert rp.redeem(code).response.status_code == 200
            assert rp.refresh(tokens).response.status_code == 200


def _writes_are_refused(rp: RelyingParty, code: Answer, tokens: Tokens) -> None:
    for _ in range(3):
        refused = rp.refresh(tokens).response
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        assert int(refused.headers["retry-after"]) > 0
    assert rp.redeem(code).response.status_code == 503
    assert rp.revoke(tokens.refresh_token).status_code == 503
    assert rp.client_credentials().response.status_code == 200
    assert rp.http.post("/oauth2/token", data=WRONG).status_code == 401
    assert rp.userinfo(tokens).status_code == 200
    assert rp.http.get("/oauth2/jwks").status_code == 200
    assert rp.http.get("/health/live").status_code == 200
    ready = rp.http.get("/health/ready")
    assert (ready.status_code, ready.json()["reasons"]) == (503, {"database": "unavailable"})


def _app_and_user(there: Scratch) -> tuple[RelyingParty, Browser]:
    """An app, and the browser of a user who has signed in."""
    with unit_of_work(there.installation) as work:
        grant_types = ("authorization_code", "refresh_token", "client_credentials")
        app = make_client(work, first_party=True, scope=SCOPE, grant_types=grant_types)
        make_user(work, EMAIL)
    browser = there.browser()
    assert sign_in(browser, EMAIL).path == "/account"
    http = there.connections.enter_context(httpx2.Client(base_url=there.origin, timeout=PATIENCE, trust_env=False))
    return RelyingParty(http, *app, issuer=there.origin), browser


def _rows(there: Scratch) -> dict[str, int]:
    with there.installation.database.connect() as db:
        tables = (metadata.tables[name] for name in ("authorization_codes", "refresh_tokens", "grants", "audit_events"))
        return {table.name: db.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


@contextmanager
def _full_disk(there: Scratch) -> Iterator[None]:
    """No file of the service can be written meanwhile."""
    assert there.server is not None
    pids = there.server.workers()
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class FileSystem:
    """An ext4 file system in a file. It becomes read-only when it finds an error."""

    def __init__(self, folder: Path) -> None:
        self.image, self.root = folder / "image", folder / "mounted"
        self.root.mkdir()
        self.image.write_bytes(b"")
        os.truncate(self.image, 64 << 20)
        _run("mkfs.ext4", "-q", str(self.image))

    @contextmanager
    def mounted(self) -> Iterator[None]:
        _run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.root))
        try:
            yield
        finally:
            _run("umount", str(self.root))

    def fail(self) -> None:
        """Let it find an error (Documentation/ABI/testing/sysfs-fs-ext4 of Linux). It keeps what reached the disk."""
        os.sync()
        device = Path(_run("findmnt", "-no", "SOURCE", str(self.root)).strip())
        Path(f"/sys/fs/ext4/{device.name}/trigger_fs_error").write_text("a test")

    def repair(self) -> None:
        _run("e2fsck", "-fy", str(self.image), expect=(0, 1))


@contextmanager
def _file_system(folder: Path) -> Iterator[FileSystem]:
    """Skip the test where nothing may be mounted."""
    if os.getuid() != 0 or not shutil.which("mkfs.ext4") or not Path("/sys/fs/ext4").is_dir():
        unavailable("a file system of its own", "mounting one needs root and ext4")
    yield FileSystem(folder)


def _run(*command: str, expect: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in expect, done.stderr
    return done.stdout
