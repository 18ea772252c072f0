"""Counted in memory, handed over to the database, of all processes together."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from provider.audit import hourly
from provider.oauth.clients.choices import DEVICE_CODE
from provider.observability import counters
from provider.outbox import messages, relay
from provider.work import Installation, unit_of_work
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.people import sign_in

pytestmark = pytest.mark.both_databases


def counted(installation: Installation) -> dict[str, int]:
    hourly.flush(installation)
    with unit_of_work(installation) as work:
        found: dict[str, int] = {}
        for (_, name), count in hourly.find(work.read, since=work.now - timedelta(days=1)).items():
            found[name] = found.get(name, 0) + count
        return found


def test_sign_ins_and_token_requests_are_counted_by_the_hour(
    browser: Browser, client: TestClient, installation: Installation, work: Work, clock: Clock
) -> None:
    counters.take()
    clock.now = clock.now.replace(hour=10)  # one day for all of it
    with work() as w:
        make_user(w)
    sign_in(browser, password="wrong password")
    sign_in(browser)
    client.post("/oauth2/token", data={"grant_type": "authorization_code", "client_id": "nobody"})
    first = {counters.SIGNED_IN: 1, counters.SIGN_IN_REFUSED: 1, counters.TOKENS_REFUSED: 1, counters.ACTIVE_USERS: 1}
    assert counted(installation) == first
    clock.advance(timedelta(hours=2))
    sign_in(browser)
    assert counted(installation) == first | {counters.SIGNED_IN: 2}
    sign_in(browser)
    assert counted(installation) == first | {counters.SIGNED_IN: 3}, "of one hour it adds up"
    with work() as w:
        hours = {hour for hour, _ in hourly.find(w.read, since=w.now - timedelta(days=1))}
        assert len(hours) == 2
        assert hourly.purge(w.db, before=max(hours), limit=3) == 3, "an hour has a row for each app"
        assert hourly.purge(w.db, before=max(hours), limit=3) == 1


def test_what_could_not_be_written_is_handed_over_the_next_time(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters.take()
    counters.count(counters.SIGNED_IN)
    with monkeypatch.context() as broken:
        broken.setattr(hourly, "add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            hourly.flush(installation)
    assert counted(installation) == {counters.SIGNED_IN: 1}


def test_what_only_waits_counts_as_nothing_that_went_wrong(
    client: TestClient, installation: Installation, work: Work
) -> None:
    """A letter to be tried again is not given up; a device that polls is not refused (RFC 8628 section 3.5)."""
    counters.take()
    with work() as w:
        tv, _ = make_client(w, public=True, redirect_uris=(), grant_types=(DEVICE_CODE,), scope="openid")
        promise = messages.enqueue(w, "mail", {}, about="hello to ada@example.test")

    def away(*_: object) -> None:
        raise relay.TemporaryFailure("450 later")

    relay.deliver(installation, promise, {"mail": away})
    asked = {"client_id": tv.client_id, "scope": "openid"}
    code = client.post("/oauth2/device_authorization", data=asked).json()["device_code"]
    polled = {"client_id": tv.client_id, "grant_type": DEVICE_CODE, "device_code": code}
    assert [client.post("/oauth2/token", data=polled).json()["error"] for _ in "12"] == [
        "authorization_pending",
        "slow_down",
    ]
    assert counted(installation) == {}
