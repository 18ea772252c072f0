"""The database goes away: an outage is said as one, never as a verdict about a token or a client."""

import base64
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from provider.config.settings import Settings
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import settings_for
from tests.support.own_postgres import OwnServer
from tests.support.relying_party import INTROSPECT, REVOKE, TOKEN, RelyingParty, Tokens

pytestmark = pytest.mark.both_databases

OFFLINE = "openid offline_access"
PLAUSIBLE = base64.urlsafe_b64encode(b'{"typ":"at+jwt","alg":"RS256","kid":"k"}').decode().rstrip("=") + ".e30.AAAA"
"""Whether it is a token of ours takes the keys to say."""


def assert_outage(response: httpx2.Response) -> None:
    """503, when to come back, and no verdict; F-1."""
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    if response.headers["content-type"] == "application/json":
        assert response.json()["error"] == "temporarily_unavailable"
        assert "active" not in response.json()


def calls(rp: RelyingParty, tokens: Tokens, browser: WatchedClient) -> dict[str, Callable[[], httpx2.Response]]:
    headers, _ = rp.authentication()
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    return {
        "token": lambda: rp.http.post(TOKEN, data=refresh, headers=headers),
        "userinfo": lambda: rp.userinfo(tokens),
        "introspect": lambda: rp.http.post(INTROSPECT, data={"token": tokens.access_token}, headers=headers),
        "introspect a refresh token": lambda: rp.post(INTROSPECT, token=tokens.refresh_token),
        "revoke": lambda: rp.http.post(REVOKE, data={"token": tokens.refresh_token}, headers=headers),
        "authorize": lambda: rp.ask(browser).response,
        "logout": lambda: rp.log_out(browser, tokens),
        "register": lambda: rp.http.post("/oauth2/register", json={"redirect_uris": ["https://app.example.test/"]}),
        "delete a registration": lambda: rp.http.delete("/oauth2/register/x", headers={"authorization": "Bearer x"}),
    }


class TestPostgresqlStops:
    """A real server, killed, and started again."""

    @pytest.fixture
    def settings(self, own_server: OwnServer) -> Settings:
        return settings_for(own_server.url, database_timeout=1, registration="open")

    def test_an_outage_is_503_and_everything_works_afterwards(
        self, own_server: OwnServer, rp: RelyingParty, browser: WatchedClient
    ) -> None:
        """RFC 6749 section 4.1.2.1, temporarily_unavailable; A-119."""
        tokens = rp.sign_in(browser, scope=OFFLINE)
        own_server.stop()
        rp.http.outage = browser.outage = True  # type: ignore[attr-defined]
        for call in calls(rp, tokens, browser).values():
            assert_outage(call())
        assert rp.http.get("/oauth2/jwks").status_code == 200
        assert rp.http.get("/.well-known/openid-configuration").status_code == 200
        own_server.start()
        rp.http.outage = browser.outage = False  # type: ignore[attr-defined]
        again = rp.refresh(tokens)
        assert again.status == 200
        assert rp.userinfo(again).status_code == 200
        assert rp.ask(browser).code


def _unreachable(tmp_path: Path) -> dict[str, str]:
    return {
        "no such server": f"postgresql+psycopg://signet@/signet?host={tmp_path}",
        "nobody listens": "postgresql+psycopg://signet@127.0.0.1:1/signet",
        "no such folder": f"sqlite:///{tmp_path}/gone/signet.db",
    }


@pytest.mark.parametrize("which", ["no such server", "nobody listens", "no such folder"])
class TestNeverThere:
    """The database was away from the start of the process."""

    @pytest.fixture
    def settings(self, tmp_path: Path, which: str) -> Settings:
        return settings_for(_unreachable(tmp_path)[which], database_timeout=1)

    def test_every_endpoint_reports_an_outage(self, http: WatchedClient) -> None:
        """A-119; the key set cannot be made up."""
        http.outage = True
        header = {"authorization": "Basic eDp5"}
        assert_outage(http.post(TOKEN, data={"grant_type": "client_credentials"}, headers=header))
        assert_outage(http.post(INTROSPECT, data={"token": "x"}, headers=header))
        assert_outage(http.post(REVOKE, data={"token": "x"}, headers=header))
        assert_outage(http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {PLAUSIBLE}"}))
        assert_outage(http.get("/oauth2/authorize", params={"client_id": "x"}))
        assert_outage(http.get("/oauth2/jwks"))
        assert http.get("/.well-known/openid-configuration").status_code == 200


class TestSqliteLocked:
    """Somebody else holds the write lock for longer than we wait."""

    @pytest.fixture(params=["sqlite"])
    def database_url(self, request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> str:
        path = tmp_path / "signet.db"
        path.write_bytes(sqlite_template.read_bytes())
        return f"sqlite:///{path}"

    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, database_timeout=0.5)

    def test_a_read_only_database_serves_reads_and_rejects_writes_with_503(
        self, settings: Settings, register: Register, ada: str, person: Person
    ) -> None:
        """A-119: a token that could not be rotated is not said to be invalid, and works afterwards."""
        rp, browser = register(), person(ada)
        tokens = rp.sign_in(browser, scope=OFFLINE)
        with sqlite3.connect(settings.database_url.removeprefix("sqlite:///"), isolation_level=None) as lock:
            lock.execute("BEGIN IMMEDIATE")
            rp.http.outage = browser.outage = True  # type: ignore[attr-defined]
            assert rp.userinfo(tokens).status_code == 200
            assert rp.is_active(tokens.access_token)
            asked = calls(rp, tokens, browser)
            for name in ("token", "revoke", "authorize", "logout"):
                assert_outage(asked[name]())
            lock.execute("ROLLBACK")
        lock.close()
        assert rp.refresh(tokens).status == 200
