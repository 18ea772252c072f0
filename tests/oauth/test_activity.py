"""What the operators' overview counts of apps: sign-ins by app, tokens by grant, and the users who are active."""

from datetime import timedelta

import httpx2
import pytest

from provider.audit import hourly
from provider.observability import counters
from provider.work import Installation
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty


def taken(installation: Installation, work: Work) -> dict[str, int]:
    hourly.flush(installation)
    with work() as w:
        counts = hourly.find(w.read, since=hourly.hour_of(w.now))
        by_app = hourly.sum_by_app(w.read, since=hourly.hour_of(w.now), limit=9)
    return {name: count for (_, name), count in counts.items()} | {counters.APP + app: count for app, count in by_app}


@pytest.mark.both_databases
def test_a_user_is_active_who_signs_in_to_an_app_or_whose_app_refreshes_its_tokens(
    installation: Installation, work: Work, rp: RelyingParty, browser: httpx2.Client, clock: Clock
) -> None:
    counters.take()
    counters.take_active()
    tokens = rp.sign_in(browser, scope="openid offline_access")
    assert taken(installation, work) == {
        counters.TOKENS_ISSUED: 1,
        f"{counters.GRANT}authorization_code": 1,
        counters.ACTIVE_USERS: 1,
        counters.APP + rp.client_id: 1,
    }
    clock.advance(timedelta(days=1))
    assert rp.refresh(tokens.refresh_token).status == 200
    assert taken(installation, work) == {
        counters.TOKENS_ISSUED: 1,
        f"{counters.GRANT}refresh_token": 1,
        counters.ACTIVE_USERS: 1,
    }
