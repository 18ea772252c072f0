"""How long tokens live is a setting: access 15 minutes and refresh 7 days, as others have it."""

from datetime import timedelta

import pytest

from provider.config.settings import Settings
from tests.oauth.grants.test_authorization_code import assert_invalid_grant
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import settings_for
from tests.support.relying_party import RelyingParty


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(
        database_url, access_token_lifetime=timedelta(minutes=15), refresh_idle_lifetime=timedelta(days=7)
    )


def test_tokens_live_as_long_as_the_settings_say(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """RFC 6749 section 5.1. Replaces: token lifetimes, rotation, logout."""
    first = rp.sign_in(browser, scope="openid offline_access")
    assert first.body["expires_in"] == 15 * 60
    clock.advance(minutes=14, seconds=59)
    assert rp.is_active(first.access_token)
    clock.advance(seconds=1)
    assert not rp.is_active(first.access_token)
    clock.advance(days=6, hours=23)
    second = rp.refresh(first)
    assert second.status == 200
    clock.advance(days=7, seconds=1)
    assert_invalid_grant(rp.refresh(second))
