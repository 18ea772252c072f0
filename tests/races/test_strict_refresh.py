"""SIGNET_REFRESH_GRACE=0: of N refreshes at one moment, in two processes, one succeeds at most."""

import httpx2
import pytest

from tests.races.conftest import refreshing, spread
from tests.races.servers import Servers
from tests.races.starting_line import race
from tests.support.relying_party import RelyingParty

pytestmark = pytest.mark.race


@pytest.fixture
def grace() -> int:
    return 0


def test_one_refresh_succeeds_at_most_and_the_family_dies(
    rp: RelyingParty, browser: httpx2.Client, servers: Servers
) -> None:
    """RFC 9700 section 4.14.2; A-112."""
    for count in (2, 8, 50):
        first = rp.sign_in(browser, scope="openid offline_access")
        outcomes = race([refreshing(rp, servers.all[i], first.refresh_token) for i in spread(servers, count)])
        won = [each for each in outcomes if each.status == 200]
        assert len(won) == 1
        assert {each.error for each in outcomes if each.status != 200} == {"invalid_grant"}
        assert rp.refresh(won[0].body["refresh_token"]).error == "invalid_grant"
        assert not rp.is_active(first.access_token)
