"""Two processes, one database, one backchannel authentication request: answered once, its tokens given out once."""

from collections import Counter
from datetime import timedelta
from functools import partial

import httpx2
import pytest
from sqlalchemy import select, update

from provider.accounts.store.email_addresses import email_addresses
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.grants.store.backchannel_requests import backchannel_requests
from tests.oauth.approvals import BACKCHANNEL, CIBA, FOR_CIBA
from tests.races.servers import Servers
from tests.races.starting_line import Post, race, together
from tests.support.effort import effort
from tests.support.installation import Work
from tests.support.relying_party import TOKEN, RelyingParty

pytestmark = pytest.mark.race


@pytest.fixture
def bank(rp: RelyingParty, work: Work) -> RelyingParty:
    with work() as w:
        client, secret = create_client(w, ClientMetadata(client_name="Bank", **FOR_CIBA))
    return RelyingParty(rp.http, client, secret, issuer=rp.issuer)


def polls(bank: RelyingParty, servers: Servers, auth_req_id: str, count: int) -> list[Post]:
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id}
    headers, _ = bank.authentication()
    return [Post(servers.all[i % len(servers.all)], TOKEN, form, headers) for i in range(count)]


def ask(bank: RelyingParty, work: Work) -> tuple[str, str]:
    """A request for the latest person. The auth_req_id, and the page to answer on."""
    with work() as w:
        found = w.read.scalars(select(email_addresses.c.address).order_by(email_addresses.c.created_at.desc())).first()
    asked = bank.post(BACKCHANNEL, scope="openid offline_access", login_hint=found).json()
    with work() as w:
        request = w.read.scalars(select(backchannel_requests.c.id).order_by(backchannel_requests.c.id.desc())).first()
    return str(asked["auth_req_id"]), f"/approve?request={request}"


def token_of(browser: httpx2.Client, url: str) -> str:
    return browser.get(url).text.partition('name="csrf_token" value="')[2].partition('"')[0]


def press_all(browser: httpx2.Client, issuer: str, url: str, token: str, decisions: list[str]) -> Counter[str]:
    """Press these buttons of the page of the request at once, and count where each leads."""
    answers: Counter[str] = Counter()

    def press(decision: str) -> None:
        form = {"decision": decision, "csrf_token": token}
        response = browser.post(url, data=form, headers={"origin": issuer})
        answers[f"{response.status_code} {response.headers.get('location', '')}".strip()] += 1

    together([partial(press, decision) for decision in decisions])
    return answers


def test_a_request_is_answered_once_and_fetched_once(
    bank: RelyingParty, rp: RelyingParty, browser: httpx2.Client, servers: Servers, work: Work
) -> None:
    """CIBA section 11, A-111: of allow and deny one counts, none after it expired; of two polls one gets tokens."""
    for count in effort((2, 8), (2, 20, 50)):
        auth_req_id, url = ask(bank, work)
        waiting = race(polls(bank, servers, auth_req_id, count))
        errors = sorted(str(each.error) for each in waiting)
        assert errors == ["authorization_pending", *["slow_down"] * (count - 1)]
        answers = press_all(browser, rp.issuer, url, token_of(browser, url), ["allow", "deny"] * 4)
        assert answers.pop("404") == 7
        [answer] = answers
        outcomes = race(polls(bank, servers, auth_req_id, count))
        if answer.endswith("denied"):
            assert {each.error for each in outcomes} == {"access_denied"}
            continue
        won = [each for each in outcomes if each.status == 200]
        assert len(won) == 1, [each.status for each in outcomes]
        assert {(each.status, each.error) for each in outcomes if each.status != 200} == {(400, "invalid_grant")}
        assert bank.refresh(won[0].body["refresh_token"]).error == "invalid_grant"


def test_an_answer_that_comes_while_the_request_expires_counts_or_does_not(
    bank: RelyingParty, rp: RelyingParty, browser: httpx2.Client, work: Work
) -> None:
    """CIBA section 11: whatever comes first; an expired request is never allowed."""
    auth_req_id, url = ask(bank, work)
    token = token_of(browser, url)

    def expire() -> None:
        with work() as w:
            w.db.execute(update(backchannel_requests).values(expires_at=w.now - timedelta(seconds=1)))

    answers: list[Counter[str]] = []
    together([expire, lambda: answers.append(press_all(browser, rp.issuer, url, token, ["allow", "deny"]))])
    assert sum(answers[0].values()) == 2
    assert answers[0]["404"] >= 1
    response = bank.post(TOKEN, grant_type=CIBA, auth_req_id=auth_req_id)
    assert response.json()["error"] == "expired_token"
