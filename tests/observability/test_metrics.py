"""Metrics: what is counted, under names of ours alone, and by several processes as by one."""

import gzip
import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.util import setup_testing_defaults

import pytest
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.jose.algorithms import KEY_PAIRS
from provider.metrics import InstallationCollector, _application
from provider.observability import metrics
from provider.observability.instruments import MOST_SERIES
from provider.outbox import messages, relay
from provider.outbox.metrics import OUTBOX
from provider.outbox.relay import PermanentFailure
from provider.outbox.store import DeliveryState
from provider.work import Installation
from tests.observability.conftest import Value, series
from tests.support import forking
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import SECRET_KEY, Work, settings_for
from tests.support.people import code_of, sign_in, turn_on_two_factor
from tests.support.server_process import environment, free_port, serving, signet
from tests.support.waiting import PATIENCE, wait_until


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, metrics_address="127.0.0.1:9464")


def test_requests_are_counted_by_route_and_nothing_a_request_brings_makes_a_series(
    client: TestClient, value: Value, counting: Path
) -> None:
    """Cardinality is bounded: paths, methods, grants, clients and hosts are whatever somebody sends."""

    def ask(word: str) -> None:
        client.get(f"/{word}")
        client.get(f"/static/{word}")
        client.request(word.upper(), "/login")
        client.post("/oauth2/token", data={"grant_type": word, "client_id": word})
        client.post("/oauth2/token", content=f"grant_type=%ff{word}", headers={"content-type": word})
        client.get("/oauth2/authorize", params={"client_id": word, "response_type": word})
        client.get("/health/live", headers={"host": word})
        client.get("/login", headers={"host": word})

    ask("first")
    before = {(name, *sorted(labels)) for name, labels, _ in series(counting)}
    for number in range(20):
        ask(f"other{number}")
    assert {(name, *sorted(labels)) for name, labels, _ in series(counting)} == before
    assert value("signet_requests_total", route="none", method="GET", status="4xx") == 42  # unknown paths and hosts
    assert value("signet_requests_total", route="token", method="POST", status="4xx") == 42
    assert value("signet_requests_total", route="health_live", status="2xx") == 21
    assert value("signet_request_seconds_count", route="token") == 42
    assert value("signet_token_requests_total", grant="other", outcome="invalid_client") == 21
    assert value("signet_refusals_total", endpoint="token", error="invalid_client") == 21
    assert "first" not in "".join(path.read_bytes().decode("latin-1") for path in counting.iterdir())


def test_a_metric_has_an_end(counting: Path) -> None:
    for number in range(MOST_SERIES + 10):
        metrics.EVENTS.count(str(number))
    assert len([name for name, _, _ in series(counting) if name == "signet_events_total"]) == MOST_SERIES + 1


def test_sign_ins_are_counted_by_what_came_of_them(
    browser: Browser, new_browser: Callable[[], Browser], work: Work, clock: Clock, value: Value
) -> None:
    with work() as w:
        make_user(w)
    key, _ = turn_on_two_factor(browser_of(new_browser), clock.now)
    clock.advance(minutes=2)
    sign_in(browser)
    browser.submit({"code": "123456"})
    browser.submit({"code": code_of(key, clock.now)})
    for _ in range(6):
        sign_in(browser, password="wrong, and wrong again")

    def counted(factor: str, outcome: str) -> float:
        return value("signet_sign_ins_total", factor=factor, outcome=outcome)

    assert counted("password", "signed_in") == 1
    assert counted("password", "second_factor_due") == 1
    assert counted("second_factor", "wrong_second_factor") == 1
    assert counted("second_factor", "signed_in") == 1
    assert counted("password", "wrong_password") == 5
    assert counted("password", "too_many_requests") == 1
    assert value("signet_events_total", event="session.sign_in.failed") == 5
    assert value("signet_pool_wait_seconds_count", pool="password") >= 8
    assert value("signet_pool_requests", pool="password") == 0
    assert value("signet_database_wait_seconds_count", what="write") > 0


def browser_of(new_browser: Callable[[], Browser]) -> Browser:
    browser = new_browser()
    sign_in(browser)
    return browser


def test_tokens_are_counted_by_grant(client: TestClient, work: Work, value: Value) -> None:
    with work() as w:
        shop, secret = make_client(w, grant_types=["client_credentials"])
    assert secret is not None
    ask = {"grant_type": "client_credentials"}
    assert client.post("/oauth2/token", data=ask, auth=(shop.client_id, secret)).status_code == 200
    client.post("/oauth2/token", data=ask | {"grant_type": "refresh_token"}, auth=(shop.client_id, secret))
    assert value("signet_token_requests_total", grant="client_credentials", outcome="issued") == 1
    assert value("signet_token_requests_total", grant="refresh_token", outcome="unauthorized_client") == 1


@pytest.mark.usefixtures("counting")
def test_the_outbox_and_the_keys_are_read_when_somebody_asks(
    installation: Installation, work: Work, clock: Clock, value: Value
) -> None:
    with work() as w:
        given_up = messages.enqueue(w, "mail", {}, about="a letter")

    def refuse(*_: object) -> None:
        raise PermanentFailure("no")

    relay.deliver(installation, given_up, {"mail": refuse})
    with work() as w:
        messages.enqueue(w, "mail", {}, about="a letter")
    clock.advance(minutes=7)
    found = standing(installation)
    assert found[("signet_outbox", "mail", "due")] == 1
    assert found[("signet_outbox", "mail", "failed")] == 1
    assert found[("signet_outbox_oldest_due_seconds",)] == 420
    assert found[("signet_database_up",)] == 1
    assert value("signet_promises_total", topic="mail", outcome="failed") == 1
    rotation = installation.settings.key_rotation
    before = found
    clock.advance(rotation)
    found = standing(installation)
    for pair in KEY_PAIRS:
        age, left = (f"signet_signing_key_{name}_seconds" for name in ("age", "rotation"))
        assert before[(left, pair)] + before[(age, pair)] == rotation.total_seconds()
        assert found[(left, pair)] < 0 < found[(age, pair)] - rotation.total_seconds() + 1


def standing(installation: Installation) -> dict[tuple[str, ...], float]:
    return {
        (one.name, *one.labels.values()): one.value
        for metric in InstallationCollector(installation).collect()
        for one in metric.samples
    }


def wsgi_answer(application: WSGIApplication, **environ: Any) -> tuple[str, dict[str, str], bytes]:
    """The status, headers and body."""
    found: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]], _error: object = None, /) -> Callable[[bytes], None]:
        found.update(status=status, headers=dict(headers))
        return lambda _: None

    setup_testing_defaults(environ)
    body = b"".join(application(environ, start))
    return found["status"], found["headers"], body


def test_the_answer_has_the_format_and_the_compression_that_were_asked_for(
    installation: Installation, counting: Path
) -> None:
    application = _application(installation, counting)

    def ask(path: str, **headers: str) -> tuple[str, dict[str, str], bytes]:
        return wsgi_answer(application, PATH_INFO=path, **headers)

    status, headers, body = ask("/metrics")
    assert (status, headers["Content-Type"].split(";")[0]) == ("200 OK", "text/plain")
    assert b"signet_database_up 1.0" in body
    _, headers, body = ask("/metrics", HTTP_ACCEPT="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    _, headers, body = ask("/metrics", HTTP_ACCEPT_ENCODING="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert b"signet_database_up 1.0" in gzip.decompress(body)
    assert ask("/")[0] == ask("/metrics/")[0] == "404 Not Found"


def test_an_answer_that_fails_is_503_and_logged(
    installation: Installation, counting: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    application = _application(installation, counting)
    monkeypatch.setattr(InstallationCollector, "collect", lambda _self: 1 / 0)
    assert wsgi_answer(application, PATH_INFO="/metrics")[0] == "503 Service Unavailable"
    assert "metrics.failed" in "".join(capsys.readouterr())


@pytest.mark.slow
def test_two_processes_answer_as_one_and_what_a_killed_one_counted_stays(database_url: str, tmp_path: Path) -> None:
    """On an address of their own, and nowhere else (A-96)."""
    port = free_port()
    settings = {
        "SIGNET_DATABASE_URL": database_url,
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_METRICS_ADDRESS": f"127.0.0.1:{port}",
        "TMPDIR": str(tmp_path),
    }

    def counted() -> int:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).read().decode()
        assert "signet_signing_key_age_seconds" in text
        found = re.search(r'^signet_requests_total\{.*route="openid_configuration".*\} (\d+)', text, re.MULTILINE)
        return 0 if found is None else int(found[1])

    asked = 0

    def ask() -> None:
        nonlocal asked
        server.get("/.well-known/openid-configuration")
        asked += 1

    def both_were_asked() -> bool:
        ask()
        return len([*folder.glob("counter_*.db")]) == 2

    with serving(settings, workers=2) as server:
        wait_until(lambda: len(server.workers()) == 2)
        (folder,) = tmp_path.glob("signet-metrics-*")
        assert folder.stat().st_mode & 0o077 == 0
        wait_until(both_were_asked)  # one of them may take a while to listen
        for _ in range(20):
            ask()
        wait_until(lambda: counted() == asked)  # a request is counted after its response
        assert {counted() for _ in range(5)} == {asked}
        assert len([*folder.glob("counter_*.db")]) == 2
        killed = server.workers()[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(server.workers()) == 2 and killed not in server.workers())
        wait_until(lambda: server.get("/health/ready")[0] == 200)
        for _ in range(20):
            ask()
        wait_until(lambda: counted() == asked)
        assert len([*folder.glob("counter_*.db")]) == 2
        assert server.get("/metrics")[0] == 404
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/oauth2/jwks", timeout=PATIENCE)
        taken = signet("worker", settings=settings)
        assert (taken.returncode, "Address already in use" in taken.stderr) == (1, True)
        assert server.stop() == 0
    assert not [*tmp_path.glob("signet-metrics-*")]


def test_the_address_of_the_service_is_none_for_metrics(database_url: str) -> None:
    """A-96."""
    settings = {"SIGNET_DATABASE_URL": database_url, "SIGNET_SECRET_KEY": SECRET_KEY}
    done = signet("serve", "--port", "9464", settings=settings | {"SIGNET_METRICS_ADDRESS": "127.0.0.1:9464"})
    assert (done.returncode, "must use another port than the web server" in done.stderr) == (1, True)


def test_without_an_address_nothing_is_imported() -> None:
    code = "import sys, provider.serve, provider.worker.background; print('prometheus_client' in sys.modules)"
    done = forking.run([], code=code, env=environment({}))
    assert done.stdout == "False\n"


def test_every_label_of_a_metric_has_the_values_that_the_code_gives_it() -> None:
    assert set(metrics.ALGORITHM.values) == set(KEY_PAIRS)
    assert {each.value for each in DeliveryState} >= set(OUTBOX.labels[1].values)
