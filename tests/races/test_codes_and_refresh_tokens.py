"""Two processes, one database, N requests at one moment: a code is redeemed once, a refresh token has one successor."""

import httpx2
import pytest
from sqlalchemy import func, select

from provider.oauth.store.refresh_tokens import refresh_tokens
from tests.conftest import Work
from tests.races.conftest import redemption, refreshing, revoking
from tests.races.servers import Servers
from tests.races.starting_line import Post, race, together
from tests.relying_party import RelyingParty

pytestmark = pytest.mark.race

SIZES = (2, 8, 50)
OFFLINE = "openid offline_access"


def spread(servers: Servers, count: int) -> list[int]:
    return [index % len(servers.all) for index in range(count)]


def test_a_code_is_redeemed_once(rp: RelyingParty, browser: httpx2.Client, servers: Servers, work: Work) -> None:
    """RFC 6749 section 4.1.2; A-111: one 200, the others invalid_grant, and the replay leaves nothing alive."""
    for count in SIZES:
        answer = rp.ask(browser, scope=OFFLINE)
        outcomes = race([redemption(rp, servers.all[i], answer) for i in spread(servers, count)])
        won = [each for each in outcomes if each.status == 200]
        lost = [each for each in outcomes if each.status != 200]
        assert len(won) == 1, [each.status for each in outcomes]
        assert {(each.status, each.error) for each in lost} == {(400, "invalid_grant")}
        assert rp.refresh(won[0].body["refresh_token"]).error == "invalid_grant"
        assert not rp.is_active(won[0].body["access_token"])
    with work() as w:
        per_family = select(func.count()).select_from(refresh_tokens).group_by(refresh_tokens.c.grant_id)
        assert set(w.read.scalars(per_family)) == {1}


def test_a_refresh_token_has_one_successor(
    rp: RelyingParty, browser: httpx2.Client, servers: Servers, work: Work
) -> None:
    """Decision D5; A-112: every answer carries the same one, and one token of the family is live afterwards."""
    token = rp.sign_in(browser, scope=OFFLINE).refresh_token
    for count in SIZES:
        outcomes = race([refreshing(rp, servers.all[i], token) for i in spread(servers, count)])
        assert {each.status for each in outcomes} == {200}
        successors = {each.body["refresh_token"] for each in outcomes}
        assert len(successors) == 1
        assert len({each.body["access_token"] for each in outcomes}) == count
        token = successors.pop()
        with work() as w:
            live = select(func.count()).select_from(refresh_tokens).where(refresh_tokens.c.rotated_at.is_(None))
            assert w.read.scalar(live) == 1
    assert rp.refresh(token).status == 200


class TestStrict:
    """SIGNET_REFRESH_GRACE=0."""

    @pytest.fixture
    def grace(self) -> int:
        return 0

    def test_one_refresh_succeeds_at_most_and_the_family_dies(
        self, rp: RelyingParty, browser: httpx2.Client, servers: Servers
    ) -> None:
        """RFC 9700 section 4.14.2; A-112."""
        for count in SIZES:
            first = rp.sign_in(browser, scope=OFFLINE)
            posts = [refreshing(rp, servers.all[i], first.refresh_token) for i in spread(servers, count)]
            outcomes = race(posts)
            won = [each for each in outcomes if each.status == 200]
            assert len(won) == 1
            assert {each.error for each in outcomes if each.status != 200} == {"invalid_grant"}
            assert rp.refresh(won[0].body["refresh_token"]).error == "invalid_grant"
            assert not rp.is_active(first.access_token)


def test_a_revocation_in_the_middle_wins(rp: RelyingParty, browser: httpx2.Client, servers: Servers) -> None:
    """RFC 7009 section 2; A-112: whatever was answered, afterwards nothing of the family works."""
    for count in SIZES:
        first = rp.sign_in(browser, scope=OFFLINE)
        posts = [refreshing(rp, servers.all[i], first.refresh_token) for i in spread(servers, count)]
        posts.insert(count // 2, revoking(rp, servers.all[0], first.refresh_token))
        outcomes = race(posts)
        revoked = outcomes.pop(count // 2)
        assert revoked.status == 200
        assert {(each.status, each.error) for each in outcomes} <= {(200, None), (400, "invalid_grant")}
        successors = {each.body["refresh_token"] for each in outcomes if each.status == 200}
        assert len(successors) <= 1
        for token in (first.refresh_token, *successors):
            assert rp.refresh(token).error == "invalid_grant"
        for each in outcomes:
            assert each.status != 200 or not rp.is_active(each.body["access_token"])


def test_one_access_token_may_be_revoked_by_many_at_once(
    rp: RelyingParty, browser: httpx2.Client, servers: Servers
) -> None:
    """RFC 7009 section 2.2: none of them crashes."""
    token = rp.sign_in(browser).access_token
    posts: list[Post] = [revoking(rp, servers.all[i], token) for i in spread(servers, 20)]
    assert {each.status for each in race(posts)} == {200}
    assert not rp.is_active(token)


def test_a_waiting_request_gives_one_code(rp: RelyingParty, browser: httpx2.Client, servers: Servers) -> None:
    """RFC 9126 section 7.3: two tabs come back at the same moment."""
    answer = rp.ask(browser, prompt="select_account")
    assert answer.page == "/select-account"
    url = f"/select-account?request_uri={answer.request_uri}"
    page = browser.get(url).text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    browser.post(url, data={"decision": "continue", "csrf_token": token}, headers={"origin": rp.issuer})
    locations: list[str] = []
    back = f"/oauth2/authorize?request_uri={answer.request_uri}"
    together([lambda: locations.append(browser.get(back).headers.get("location", ""))] * 8)
    assert len([location for location in locations if "code=" in location]) == 1
