"""Pages say how long a code or link is valid in the unit that fits, whatever an operator chose."""

from datetime import timedelta

import pytest

from provider.config.settings import Settings
from tests.support.browser import Browser
from tests.support.installation import settings_for
from tests.support.people import forgot_password, sign_up


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(
        database_url,
        verify_code_lifetime=timedelta(hours=2),
        reset_link_lifetime=timedelta(hours=3),
    )


def test_a_lifetime_of_hours_is_not_given_in_minutes(browser: Browser) -> None:
    sign_up(browser)
    assert browser.page is not None
    assert "Expires in 2 hours" in browser.page.text
    assert "expires in 3 hours" in forgot_password(browser).text
