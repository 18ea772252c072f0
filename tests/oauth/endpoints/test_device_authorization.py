"""A device asks for codes: who may, for what, and what is kept of them."""

import re

import pytest
from sqlalchemy import func, select

from provider.oauth.grants.store.device_codes import device_codes
from provider.ratelimits import LIMITS
from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.devices import DEVICE_AUTHORIZATION, FOR_DEVICES, start
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import RelyingParty


@pytest.fixture
def tv(register: Register) -> RelyingParty:
    return register(public=True, **FOR_DEVICES)


def test_codes_are_given_and_only_digests_kept(tv: RelyingParty, work: Work) -> None:
    """RFC 8628 section 3.2; section 6.1: an alphabet without vowels and look-alikes."""
    response = tv.post(DEVICE_AUTHORIZATION, scope="openid")
    body = response.json()
    code = body["user_code"]
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code)
    assert body == {
        "device_code": body["device_code"],
        "user_code": code,
        "verification_uri": f"{ISSUER}/device",
        "verification_uri_complete": f"{ISSUER}/device?user_code={code}",
        "expires_in": 600,
        "interval": 5,
    }
    assert len(body["device_code"]) == 43
    with work() as w:
        row = repr(w.read.execute(select(device_codes)).one())
    for secret in (body["device_code"], code, code.replace("-", "")):
        assert secret not in row


def test_refused_requests_store_nothing(register: Register, tv: RelyingParty, unchanged: Unchanged) -> None:
    """RFC 8628 sections 3.1, 3.2; RFC 6749 section 5.2."""
    web = register(public=True)
    with unchanged():
        assert web.post(DEVICE_AUTHORIZATION, scope="openid").json()["error"] == "unauthorized_client"
        assert tv.post(DEVICE_AUTHORIZATION, scope="openid admin:read").json()["error"] == "invalid_scope"
        nobody = tv.post(DEVICE_AUTHORIZATION, client_id="nobody", scope="openid")
        assert (nobody.status_code, nobody.json()["error"]) == (401, "invalid_client")


def test_a_client_with_a_secret_shows_it(register: Register, http: WatchedClient, explain: Explain) -> None:
    """RFC 8628 section 3.1: authenticated as at the token endpoint; the refusal is explained."""
    box = register(**FOR_DEVICES)
    refused = http.post(DEVICE_AUTHORIZATION, data={"client_id": box.client_id, "scope": "openid"}).json()
    assert refused["error"] == "invalid_client"
    assert "device authorization" in str(explain(refused["error_id"]))
    assert start(box).user_code


def test_device_requests_are_limited_per_network(tv: RelyingParty) -> None:
    """RFC 8628 section 5.1: each is a row, and anybody may know a public client's id."""
    most = int(LIMITS.device.partition("/")[0])
    answers = [tv.post(DEVICE_AUTHORIZATION, scope="openid") for _ in range(most + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert (answers[-1].status_code, "retry-after" in answers[-1].headers) == (429, True)


def test_an_app_on_a_device_is_no_api(
    tv: RelyingParty, register: Register, rp: RelyingParty, browser: WatchedClient
) -> None:
    """RFC 7662 section 2.1: it has no redirect URIs, and yet may not ask about other clients' tokens."""
    tokens = rp.sign_in(browser)
    assert not register(**FOR_DEVICES).is_active(tokens.access_token)


def test_codes_are_purged(tv: RelyingParty, installation: Installation, work: Work, clock: Clock) -> None:
    """They are kept for a day after they ended."""
    start(tv)
    for days, left in ((1, 1), (1, 0)):
        clock.advance(days=days)
        purge(installation)
        with work() as w:
            assert w.read.scalar(select(func.count()).select_from(device_codes)) == left
