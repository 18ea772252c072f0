"""F-4: while SQLite cannot write to its disk, reads are served, writes get 503 and nothing is half-written.

A disk that is full is played by a limit on the size of files (setrlimit(2), RLIMIT_FSIZE): it is put on a real service
that runs, and also stops its log. A full file system, and one that is mounted read-only, were tried by hand.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from sqlalchemy import func, select

from benchmarks.scratch import Scratch, scratch
from provider.tables import metadata
from provider.work import unit_of_work
from tests.support.browser import Browser
from tests.support.factories import make_client, make_user
from tests.support.people import sign_in
from tests.support.relying_party import RelyingParty
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.race

EMAIL = "ada@example.test"
SCOPE = "openid offline_access"
WRONG = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "wrong"}


def test_with_a_full_disk_reads_are_served_and_writes_get_503_until_there_is_space() -> None:
    with scratch("sqlite", workers=1, SIGNET_BCRYPT_COST="4", SIGNET_LOG_LEVEL="info") as there:
        there.start()
        rp, browser = _app_and_user(there)
        code = rp.ask(browser.client, scope=SCOPE)
        tokens = rp.redeem(rp.ask(browser.client, scope=SCOPE))
        assert tokens.response.status_code == 200
        before = _rows(there)
        with _full_disk(there):
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
        wait_until(lambda: rp.http.get("/health/ready").status_code == 200)
        assert _rows(there) == before
        assert rp.redeem(code).response.status_code == 200
        assert rp.refresh(tokens).response.status_code == 200
        assert rp.http.post("/oauth2/token", data=WRONG).status_code == 401
        assert "lines_lost" in there.log.read_text()


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
