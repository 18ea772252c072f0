"""Headers on everything that comes back, and no answer for another host."""

import re

import pytest
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.web.hosts import KnownHosts
from tests.support.browser import Browser
from tests.support.installation import settings_for


def test_a_page_may_run_only_its_own_script_and_be_framed_by_nobody(browser: Browser) -> None:
    """RFC 9700 section 4.16. Replaces: limits, sessions, headers, validation, log."""
    headers = browser.open("/nowhere").response.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert re.search(r"script-src 'nonce-\w+'", policy)
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_the_nonce_and_the_request_id_are_new_each_time(client: TestClient) -> None:
    first, second = (client.get("/nowhere", headers={"accept": "text/html"}).headers for _ in range(2))
    assert first["content-security-policy"] != second["content-security-policy"]
    assert first["x-request-id"] != second["x-request-id"]


def test_https_is_remembered(client: TestClient) -> None:
    assert client.get("/health/live").headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    "host", ["id.example.test:443", "ID.Example.Test", "id.example.test:", "id.example.test.", "Id.example.test.:443"]
)
def test_the_issuers_host_is_known_in_every_notation(client: TestClient, host: str) -> None:
    """RFC 9110 section 4.2.3: a proxy may add the default port (`proxy_set_header Host $host:$server_port`)."""
    assert client.get("/login", headers={"host": host}).status_code == 200


def test_a_further_host_is_known_with_its_port_or_with_any(settings: Settings) -> None:
    """SIGNET_ALLOWED_HOSTS: an internal name is asked at whatever port the service has there."""
    hosts = KnownHosts(settings_for(settings.database_url, allowed_hosts="Signet.internal, https://ready.test:8443/"))
    known = [b"signet.internal", b"signet.internal:8000", b"SIGNET.internal.:9", b"ready.test:8443", b"id.example.test"]
    assert all(host in hosts for host in known)
    assert not any(host in hosts for host in [b"ready.test", b"ready.test:80", b"evil.signet.internal", b"", b"\xff"])


@pytest.mark.parametrize(
    "host", ["evil.example", "id.example.test:8443", "id.example.test:80", "id.example.test.evil.example", "a:b:c"]
)
def test_another_host_is_refused_and_never_echoed(client: TestClient, host: str) -> None:
    """CVE-2023-49097: the base URL comes from configuration."""
    answer = client.get("/login", headers={"host": host})
    assert answer.status_code == 421
    assert "evil" not in answer.text
    assert client.get("/health/live", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/health/live", 405)])
def test_unknown_addresses_and_methods_are_answered_in_kind(
    client: TestClient, method: str, path: str, status: int
) -> None:
    page = client.request(method, path, headers={"accept": "text/html"})
    json = client.request(method, path)
    assert (page.status_code, json.status_code) == (status, status)
    assert "<h1" in page.text
    assert json.json()["error"] == "invalid_request"
