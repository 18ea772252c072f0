"""Two processes, one database, one device code: fetched once, answered once, and asked about no oftener than it may."""

import httpx2
import pytest

from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from tests.oauth.devices import DEVICE_AUTHORIZATION, DEVICE_CODE
from tests.races.servers import Servers
from tests.races.starting_line import Post, race, together
from tests.support.effort import effort
from tests.support.installation import Work
from tests.support.relying_party import TOKEN, RelyingParty

pytestmark = pytest.mark.race


@pytest.fixture
def tv(rp: RelyingParty, work: Work) -> RelyingParty:
    """An app on a television set, at the same connection."""
    metadata = ClientMetadata(
        client_name="TV", grant_types=(DEVICE_CODE, "refresh_token"), token_endpoint_auth_method="none"
    )
    with work() as w:
        client, _ = create_client(w, metadata)
    return RelyingParty(rp.http, client, None, issuer=rp.issuer)


def polls(tv: RelyingParty, servers: Servers, device_code: str, count: int) -> list[Post]:
    form = {"grant_type": DEVICE_CODE, "device_code": device_code, "client_id": tv.client_id}
    return [Post(servers.all[i % len(servers.all)], TOKEN, form, {}) for i in range(count)]


def test_a_device_code_is_answered_once_and_fetched_once(
    tv: RelyingParty, rp: RelyingParty, browser: httpx2.Client, servers: Servers
) -> None:
    """RFC 8628 sections 3.3 to 3.5, A-111."""
    for count in effort((2, 20), (2, 20, 50)):  # more rounds would reach the limit of wrong user codes
        codes = tv.post(DEVICE_AUTHORIZATION, scope="openid offline_access").json()
        waiting = race(polls(tv, servers, codes["device_code"], count))
        errors = sorted(str(each.error) for each in waiting)
        assert errors == ["authorization_pending", *["slow_down"] * (count - 1)]

        url = f"/device?user_code={codes['user_code']}"
        token = browser.get(url).text.partition('name="csrf_token" value="')[2].partition('"')[0]
        answers: list[int] = []

        def allow(url: str = url, token: str = token, answers: list[int] = answers) -> None:
            form = {"decision": "allow", "csrf_token": token}
            answers.append(browser.post(url, data=form, headers={"origin": rp.issuer}).status_code)

        together([allow] * 8)
        assert sorted(answers) == [303, *[400] * 7]

        outcomes = race(polls(tv, servers, codes["device_code"], count))
        won = [each for each in outcomes if each.status == 200]
        assert len(won) == 1, [each.status for each in outcomes]
        assert {(each.status, each.error) for each in outcomes if each.status != 200} == {(400, "invalid_grant")}
        assert tv.refresh(won[0].body["refresh_token"]).error == "invalid_grant"
        assert tv.userinfo(won[0].body["access_token"]).status_code == 401
