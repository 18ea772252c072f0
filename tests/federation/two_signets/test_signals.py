"""Shared signals from one Signet to another: the transmitter of the upstream, and the receiver here."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.applications import Starlette

from provider.accounts.devices import sign_out_everywhere_by_operator
from provider.accounts.suspension import suspend
from provider.federation.signals import verification
from provider.federation.signals.verification import NoVerification
from provider.federation.store import signal_states
from provider.federation.store.signal_states import SignalState
from provider.federation.upstreams import Upstream
from provider.outbound.answers import Answer
from provider.sessions.store import find_all
from provider.ssf import push
from provider.work import Installation, unit_of_work
from tests.federation.conftest import EXAMPLE
from tests.federation.two_signets.conftest import CALLBACK, UPSTREAM, Go, Wire
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER
from tests.support.people import find_user, is_signed_in

SCOPE = "openid email profile ssf.manage ssf.read"


class SignalWire(Wire):
    def request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, *, most: int, seconds: float
    ) -> Answer:
        response = self.client.request(method, url, headers=dict(headers), content=content)
        return Answer(response.status_code, "application/json", response.content)

    def deliver_body(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        return self.request("POST", url, headers, body, most=0, seconds=0)


@pytest.fixture
def configured(upstream: Installation) -> dict[str, dict[str, Any]]:
    with unit_of_work(upstream) as work:
        grants = ("authorization_code", "refresh_token", "client_credentials")
        client, secret = make_client(work, redirect_uris=(CALLBACK,), scope=SCOPE, first_party=True, grant_types=grants)
        make_user(work, name="Ada Lovelace")
    own = {"name": "Other Signet", "issuer": UPSTREAM, "client_id": client.client_id, "client_secret": secret}
    return {"signet": {**EXAMPLE, **own, "receives_signals": True}}


@pytest.fixture
def wire(upstream_app: Starlette) -> Wire:
    return SignalWire(upstream_app)


@pytest.fixture
def pushes(upstream: Installation, app: Starlette) -> Wire:
    """What the upstream pushes goes to the app here."""
    here = SignalWire(app, ISSUER)
    object.__setattr__(upstream, "outbound", here)
    return here


@pytest.fixture
def signet(app: Starlette) -> Upstream:
    found: Upstream = app.state.upstreams.get("signet")
    return found


def run(upstream: Installation) -> None:
    """Let the worker there push what waits."""
    push.enqueue_due(upstream)
    while deliver_due(upstream):
        pass


def state_of(installation: Installation) -> SignalState:
    with unit_of_work(installation) as work:
        return signal_states.find(work.read, "signet")


def ends_of(installation: Installation) -> list[str | None]:
    user = find_user(lambda: unit_of_work(installation))
    with unit_of_work(installation) as work:
        return [one.end_reason for one in find_all(work.read, user.id)]


@pytest.fixture
def connected(installation: Installation, upstream: Installation, signet: Upstream, pushes: Wire) -> Upstream:
    """The upstream, with a stream that leads here and was verified."""
    with unit_of_work(installation, may_wait=True) as work:
        verification.request(work, signet)
    run(upstream)
    return signet


def test_the_request_for_a_test_creates_the_stream_and_the_test_arrives(
    connected: Upstream, installation: Installation, upstream: Installation, clock: Clock
) -> None:
    """SSF 1.0 sections 8.1.1.1 and 8.1.4.2. A second request uses the same stream."""
    first = state_of(installation)
    assert (first.received, first.verified_at) == ("verification", clock.now)
    clock.advance(minutes=1)
    with unit_of_work(installation, may_wait=True) as work:
        verification.request(work, connected)
    assert not state_of(installation).is_verified, "until the test arrives"
    run(upstream)
    assert state_of(installation).is_verified


def test_a_sign_out_by_an_operator_there_ends_the_session_here(
    go: Go, connected: Upstream, browser: Browser, installation: Installation, upstream: Installation
) -> None:
    go()
    assert is_signed_in(browser)
    with unit_of_work(upstream) as work:
        sign_out_everywhere_by_operator(work, user_id=find_user(lambda: unit_of_work(upstream)).id)
    run(upstream)
    assert ends_of(installation) == ["upstream_signal"]
    assert not is_signed_in(browser)
    go()
    assert is_signed_in(browser)


def test_a_signal_that_found_us_away_ends_access_when_we_are_back(
    go: Go, connected: Upstream, pushes: Wire, installation: Installation, upstream: Installation, clock: Clock
) -> None:
    """N-529: the transmitter keeps it, and sends it again."""
    go()
    here, pushes.client = pushes.client, Wire(Starlette()).client
    with unit_of_work(upstream) as work:
        suspend(work, user_id=find_user(lambda: unit_of_work(upstream)).id, reason=None)
    run(upstream)
    assert ends_of(installation) == [None]
    pushes.client = here
    clock.advance(hours=5)
    run(upstream)
    assert ends_of(installation)[0] == "upstream_signal"


def test_a_request_that_fails_says_why(
    installation: Installation, signet: Upstream, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-530: a client without the scope, or a transmitter that is down."""
    answer = Answer(400, "application/json", json.dumps({"error": "invalid_scope"}).encode())
    monkeypatch.setattr(wire, "post_form", lambda *_args, **_named: answer)
    with unit_of_work(installation, may_wait=True) as work, pytest.raises(NoVerification) as failed:
        verification.request(work, signet)
    assert "its token endpoint answered 400" in str(failed.value.message)
    assert state_of(installation).problem == "verification: its token endpoint answered 400"
