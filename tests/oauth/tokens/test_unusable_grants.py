"""Grants are deleted once their tokens have expired: an app that signs users in again and again has thousands."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from provider.config.settings import Settings
from provider.oauth.tokens.store.grants import grants
from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work, settings_for
from tests.support.relying_party import RelyingParty

pytestmark = pytest.mark.both_databases

OFFLINE = "openid offline_access"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(
        database_url,
        refresh_idle_lifetime=timedelta(hours=1),
        session_absolute_lifetime=timedelta(days=7),
        session_idle_lifetime=timedelta(days=7),
    )


def kept(work: Work) -> list[str]:
    """Return the ids of all grants, the oldest first."""
    with work() as w:
        return list(w.read.scalars(select(grants.c.id).order_by(grants.c.id)))


def test_of_an_app_in_a_session_the_latest_grant_is_left(
    rp: RelyingParty, browser: WatchedClient, register: Register, installation: Installation, clock: Clock, work: Work
) -> None:
    """The others are deleted a day after their tokens expired. Logout notifies the apps that have a grant."""
    other = register()
    for _ in range(3):
        rp.sign_in(browser, scope=OFFLINE)
    other.sign_in(browser, scope="openid")
    before = kept(work)
    clock.advance(hours=24, minutes=59)
    purge(installation)
    assert kept(work) == before
    clock.advance(minutes=2)
    purge(installation)
    assert kept(work) == before[2:]


def test_when_the_session_is_over_one_of_each_app_and_user_is_left(
    rp: RelyingParty, browser: WatchedClient, installation: Installation, clock: Clock, work: Work
) -> None:
    """Shared signals know from it that the app knows the user."""
    rp.sign_in(browser, scope=OFFLINE)
    tokens = rp.sign_in(browser, scope=OFFLINE)
    before = kept(work)
    rp.log_out(browser, tokens)
    clock.advance(hours=26)
    purge(installation)
    assert kept(work) == before[1:]


def test_a_sign_in_in_another_session_supersedes_those_of_one_that_is_over(
    rp: RelyingParty, browser: WatchedClient, ada: str, person: Person, installation: Installation, clock: Clock,
    work: Work,
) -> None:  # fmt: skip
    rp.log_out(browser, rp.sign_in(browser, scope=OFFLINE))
    before = kept(work)
    rp.sign_in(person(ada), scope=OFFLINE)
    clock.advance(hours=26)
    purge(installation)
    assert len(kept(work)) == 1
    assert kept(work) != before


def test_a_grant_in_use_is_left(
    rp: RelyingParty, browser: WatchedClient, installation: Installation, clock: Clock, work: Work
) -> None:
    """An older one too, and one whose session is over."""
    first = rp.sign_in(browser, scope=OFFLINE)
    rp.sign_in(browser, scope=OFFLINE)
    for _ in range(60):
        clock.advance(minutes=50)
        first = rp.refresh(first)
    purge(installation)
    assert len(kept(work)) == 2
    assert rp.userinfo(rp.refresh(first)).status_code == 200


def test_grants_without_a_refresh_token_are_deleted_after_a_day(
    register: Register, browser: WatchedClient, installation: Installation, clock: Clock, work: Work
) -> None:
    app = register(grant_types=("authorization_code",))
    for _ in range(3):
        app.sign_in(browser)
        app.ask(browser)  # a code that is not redeemed
    assert len(kept(work)) == 6
    clock.advance(hours=25)
    for _ in range(2):
        tokens = app.sign_in(browser)
    purge(installation)
    assert len(kept(work)) == 2
    assert app.userinfo(tokens).status_code == 200
    clock.advance(hours=25)
    purge(installation)
    assert len(kept(work)) == 1


def test_other_sessions_and_apps_keep_theirs(
    rp: RelyingParty, browser: WatchedClient, ada: str, person: Person, register: Register, installation: Installation,
    clock: Clock, work: Work,
) -> None:  # fmt: skip
    """Older ones too: each is the latest of its app and session."""
    rp.sign_in(person(ada), scope=OFFLINE)
    register().sign_in(browser, scope=OFFLINE)
    for _ in range(2):
        rp.sign_in(browser, scope=OFFLINE)
    clock.advance(hours=26)
    purge(installation)
    assert len(kept(work)) == 3


class TestLongAccessTokens:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"access_token_lifetime": timedelta(days=3)})

    def test_a_grant_stays_while_its_access_tokens_are_valid(
        self, rp: RelyingParty, browser: WatchedClient, installation: Installation, clock: Clock
    ) -> None:
        first = rp.sign_in(browser, scope=OFFLINE)
        rp.sign_in(browser, scope=OFFLINE)
        clock.advance(days=2, hours=23)
        purge(installation)
        assert rp.userinfo(first).status_code == 200
