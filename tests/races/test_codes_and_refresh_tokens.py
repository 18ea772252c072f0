"""Two processes, one database, N requests at one moment: a code is redeemed once, a refresh token has one successor."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Select, func, select

from provider.config.settings import Settings
from provider.oauth.tokens.store.grants import grants
from provider.oauth.tokens.store.refresh_tokens import refresh_tokens
from tests.races.conftest import race_settings, redemption, refreshing, revoking, running, spread
from tests.races.servers import Servers
from tests.races.starting_line import Post, race, together
from tests.support.effort import effort
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty

pytestmark = pytest.mark.race

SIZES = effort((2, 20), (2, 8, 50) * 3)
OFFLINE = "openid offline_access"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Settings:
    """One database and two processes for all tests of this file; each brings its own client and person."""
    if request.param == "postgresql":
        return race_settings(request.getfixturevalue("empty_postgres")())
    return race_settings(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('races') / 'signet.db')}")


@pytest.fixture(scope="module")
def servers(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with running(settings, tmp_path_factory.mktemp("logs")) as servers:
        yield servers


def tokens_of(rp: RelyingParty) -> Select[int]:
    """How many refresh tokens this client's people have."""
    families = select(grants.c.id).where(grants.c.client_id == rp.client_id)
    return select(func.count()).where(refresh_tokens.c.grant_id.in_(families))


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
        per_family = tokens_of(rp).group_by(refresh_tokens.c.grant_id)
        assert set(w.read.scalars(per_family)) == {1}


def test_a_refresh_token_has_one_successor(
    rp: RelyingParty, browser: httpx2.Client, servers: Servers, work: Work
) -> None:
    """Decision 3; A-112: every answer carries the same one, and one token of the family is live afterwards."""
    token = rp.sign_in(browser, scope=OFFLINE).refresh_token
    for count in SIZES:
        outcomes = race([refreshing(rp, servers.all[i], token) for i in spread(servers, count)])
        assert {each.status for each in outcomes} == {200}
        successors = {each.body["refresh_token"] for each in outcomes}
        assert len(successors) == 1
        assert len({each.body["access_token"] for each in outcomes}) == count
        token = successors.pop()
        with work() as w:
            assert w.read.scalar(tokens_of(rp).where(refresh_tokens.c.rotated_at.is_(None))) == 1
    assert rp.refresh(token).status == 200


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
