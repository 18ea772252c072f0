"""Guessing codes, tokens and links is throttled per network and counted; those who have the right one never wait.

RFC 6749 section 10.10, RFC 7662 section 4, RFC 8628 section 5.1.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from provider.observability.metrics import FAILED_ATTEMPTS, RATE_LIMITED
from provider.ratelimits import LIMITS
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.limits import Lower
from tests.support.relying_party import INTROSPECT, TOKEN, RelyingParty

GRANTS = {
    "authorization_code": {"grant_type": "authorization_code", "code": "guess", "redirect_uri": "https://app.example"},
    "refresh_token": {"grant_type": "refresh_token", "refresh_token": "guess"},
    "auth_req_id": {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": "guess"},
    "device_code": {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "guess"},
}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What the metrics count: `signet_failed_attempts link`."""
    counts: Counter[str] = Counter()
    for metric in (FAILED_ATTEMPTS, RATE_LIMITED):
        monkeypatch.setattr(metric, "count", lambda kind, name=metric.name: counts.update([f"{name} {kind}"]))
    return counts


def statuses(ask: Callable[[], int], times: int) -> list[int]:
    return [ask() for _ in range(times)]


@pytest.mark.parametrize(
    ("kind", "public"),
    [(kind, public) for kind in GRANTS for public in (True, False) if not public or kind != "auth_req_id"],
)
def test_codes_and_tokens_that_were_never_issued_are_throttled(
    kind: str, *, public: bool, register: Register, lower: Lower, counted: Counter[str]
) -> None:
    lower(guess="3/minute", guess_by_client="4/minute")
    rp = register(
        public=public,
        grant_types=(
            "authorization_code",
            "refresh_token",
            GRANTS["device_code"]["grant_type"],
            *(() if public else (GRANTS["auth_req_id"]["grant_type"],)),
        ),
    )
    limit = 3 if public else 4
    assert statuses(lambda: rp.post(TOKEN, **GRANTS[kind]).status_code, 6) == [400] * limit + [429] * (6 - limit)
    refused = rp.post(TOKEN, **GRANTS[kind])
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert counted[f"signet_failed_attempts {kind}"] == 7
    assert counted[f"signet_rate_limited {kind}"] == 7 - limit


def test_the_right_one_is_accepted_while_others_guess(register: Register, browser: WatchedClient, lower: Lower) -> None:
    lower(guess="1/minute", guess_by_client="1/minute")
    for public in (True, False):
        rp = register(public=public)
        for _ in range(3):
            for form in GRANTS.values():
                rp.post(TOKEN, **form)
        tokens = rp.sign_in(browser, scope="openid offline_access")
        assert tokens.status == 200
        assert rp.refresh(tokens).status == 200


def test_what_was_issued_once_is_no_guess(rp: RelyingParty, browser: WatchedClient, lower: Lower) -> None:
    lower(guess_by_client="1/minute")
    answer = rp.ask(browser)
    assert rp.redeem(answer).status == 200
    assert [rp.redeem(answer).status for _ in range(4)] == [400] * 4


def test_introspection_of_guesses_is_throttled_for_the_client_that_asks(
    register: Register, browser: WatchedClient, lower: Lower, counted: Counter[str]
) -> None:
    lower(guess_by_client="3/minute")
    rp, other = register(), register()
    tokens = rp.sign_in(browser)

    def ask(client: RelyingParty, token: str) -> int:
        return client.post(INTROSPECT, token=token).status_code

    guesses = ["x", "a.b.c", tokens.access_token[:-9] + "AAAAAAAAA", "y", "..", "z"]
    assert [ask(rp, token) for token in guesses] == [200] * 3 + [429] * 3
    assert ask(other, "x") == 200
    assert rp.is_active(tokens.access_token)
    rp.revoke(tokens.access_token)
    assert [ask(rp, tokens.access_token) for _ in range(5)] == [200] * 5  # it was ours once
    assert counted["signet_failed_attempts introspection"] == 7


def test_access_tokens_that_were_never_issued_are_counted(
    rp: RelyingParty, browser: WatchedClient, counted: Counter[str]
) -> None:
    tokens = rp.sign_in(browser)
    assert [rp.userinfo(token).status_code for token in ("x", "a.b.c", tokens.access_token)] == [401, 401, 200]
    rp.revoke(tokens.access_token)
    assert rp.userinfo(tokens).status_code == 401
    assert counted["signet_failed_attempts access_token"] == 2


@pytest.mark.parametrize("path", ["/reset-password", "/verify-email/confirm", "/undo-email-change"])
def test_links_that_nobody_was_sent_are_throttled(
    path: str, client: TestClient, lower: Lower, counted: Counter[str]
) -> None:
    lower(guess="3/minute")
    found = [client.get(path, params={"token": f"guess-{n}"}).status_code for n in range(5)]
    assert found[3:] == [429] * 2
    assert 429 not in found[:3]
    assert counted["signet_failed_attempts link"] == 5
    assert client.get(path).status_code != 429  # without a token nothing is guessed


def test_every_limit_on_guesses_is_documented() -> None:
    assert (LIMITS.guess, LIMITS.guess_by_client) == ("60/5minutes", "300/5minutes")
