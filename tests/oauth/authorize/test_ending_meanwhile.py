"""A grant that is approved in the moment in which its session or its consent ends."""

from collections.abc import Callable

import httpx2
import pytest

from provider.config.settings import Settings
from provider.oauth.authorize import consent
from provider.oauth.authorize.store.authorization_codes import authorization_codes
from provider.oauth.tokens.store import grants
from provider.sessions.lifecycle import end_all_sessions
from provider.work import Installation, UnitOfWork
from tests.oauth import devices
from tests.oauth.conftest import Person, Register
from tests.oauth.endpoints.test_consent import allow, decide
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import Work, settings_for
from tests.support.locks import meanwhile
from tests.support.relying_party import Answer, RelyingParty

OFFLINE = "openid offline_access"
CODE, TOKENS = "code", "id_token token"
on_postgresql = pytest.mark.only_on("postgresql")
End = Callable[[UnitOfWork], object]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, legacy_response_types=True)


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    """An app that must ask."""
    types = {"grant_types": ("authorization_code", "refresh_token", "implicit"), "response_types": (CODE, TOKENS)}
    return register(first_party=False, **types)


def stored(work: Work) -> int:
    """How many grants and codes there are."""
    with work() as w:
        return sum(len(w.read.execute(table.select()).all()) for table in (grants.grants, authorization_codes))


def end_sessions(user_id: str) -> End:
    return lambda work: end_all_sessions(work, user_id=user_id, reason="operator")


@on_postgresql
@pytest.mark.parametrize("response_type", [CODE, TOKENS])
def test_what_is_approved_while_its_session_or_its_consent_ends_is_not_granted(
    rp: RelyingParty, person: Person, ada: str, work: Work, installation: Installation, response_type: str
) -> None:
    """N-596: the request starts again."""
    withdraw: End = lambda work: consent.withdraw(work, user_id=ada, client_id=rp.client_id)  # noqa: E731
    for end, page in ((end_sessions(ada), "/login"), (withdraw, "/consent")):
        browser = person(ada)
        if rp.ask(browser, scope=OFFLINE).page == "/consent":
            allow(rp, browser, scope=OFFLINE)
        before = stored(work)

        def ask(browser: WatchedClient = browser) -> Answer:
            return rp.ask(browser, scope=OFFLINE, response_type=response_type)

        answer = meanwhile(installation, end, ask)
        assert (answer.page, stored(work)) == ("/oauth2/authorize", before)
        again = browser.get(answer.location, follow_redirects=False)
        assert again.headers["location"].startswith(page)


@pytest.mark.both_databases
def test_a_consent_that_is_withdrawn_on_the_way_back_to_the_request_is_none(
    rp: RelyingParty, browser: WatchedClient, ada: str, work: Work
) -> None:
    """N-597: the user pressed Allow, and removed the app in another tab before the first one went on."""
    parked = rp.ask(browser, scope=OFFLINE)
    assert decide(browser, parked, "allow").status_code == 303
    with work() as w:
        consent.withdraw(w, user_id=ada, client_id=rp.client_id)
    answer = rp.resume(browser, parked)
    assert (answer.response.status_code, stored(work)) == (400, 0)
    assert "This sign-in has expired" in answer.response.text
    assert "code" in allow(rp, browser, scope=OFFLINE).parameters


@on_postgresql
def test_a_device_that_is_allowed_while_the_session_ends_is_not_connected(
    register: Register, browser: WatchedClient, ada: str, work: Work, installation: Installation
) -> None:
    """N-598: and it still waits for an answer."""
    device = devices.start(register(**devices.FOR_DEVICES))
    assert devices.page_of(browser, device.user_code).status_code == 200

    def press() -> httpx2.Response:
        return devices.press(browser, device.user_code, "allow")

    assert meanwhile(installation, end_sessions(ada), press).status_code == 400
    assert (device.poll().error, stored(work)) == ("authorization_pending", 0)
