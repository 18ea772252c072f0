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


def taken(installation: Installation, work: Work, client_id: str) -> dict[str, int]:
    hourly.flush(installation)
    with work() as w:
        counts = hourly.find(w.read, since=hourly.hour_of(w.now))
        by_app = hourly.sum_by_app(w.read, since=hourly.hour_of(w.now), limit=9)
        by_grant = hourly.find_tokens_of_app(w.read, client_id, since=hourly.hour_of(w.now))
        tokens = {counters.tokens_of_app(client_id, grant): count for (_, grant), count in by_grant.items()}
    by_name = {name: count for (_, name), count in counts.items()}
    return by_name | {counters.APP + app: count for app, count in by_app} | tokens


@pytest.mark.both_databases
def test_a_user_is_active_who_signs_in_to_an_app_or_whose_app_refreshes_its_tokens(
    installation: Installation, work: Work, rp: RelyingParty, browser: httpx2.Client, clock: Clock
) -> None:
    counters.take()
    counters.take_active()
    tokens = rp.sign_in(browser, scope="openid offline_access")
    assert taken(installation, work, rp.client_id) == {
        counters.TOKENS_ISSUED: 1,
        f"{counters.GRANT}authorization_code": 1,
        counters.ACTIVE_USERS: 1,
        counters.APP + rp.client_id: 1,
        counters.tokens_of_app(rp.client_id, "authorization_code"): 1,
    }
    clock.advance(timedelta(days=1))
    assert rp.refresh(tokens.refresh_token).status == 200
    assert taken(installation, work, rp.client_id) == {
        counters.TOKENS_ISSUED: 1,
        f"{counters.GRANT}refresh_token": 1,
        counters.tokens_of_app(rp.client_id, "refresh_token"): 1,
        counters.ACTIVE_USERS: 1,
    }
