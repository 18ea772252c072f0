"""The settings in the console: found by words, changed ones alone, and never a secret."""

import re

import pytest

from provider.admin.pages.settings import is_wanted
from provider.config.settings import Settings
from provider.config.settings_in_force import Shown, Source
from tests.admin.conftest import Console
from tests.support.installation import ISSUER, SECRET_KEY

SHOWN = Shown(
    "SIGNET_SMTP_HOST", "mail.example", None, False, False, Source.ENVIRONMENT, "Email", "Name of the server."
)


def visible(html: str) -> set[str]:
    return {match[1] for match in re.finditer(r'<div id="SIGNET_(\w+)"([^>]*)>', html) if "hidden" not in match[2]}


@pytest.mark.parametrize(
    ("words", "changed_only", "is_found"),
    [
        ("", False, True),
        ("", True, True),
        ("smtp", False, True),
        ("  Server   EMAIL ", False, True),
        ("mail.example", False, True),
        ("server client", False, False),
    ],
)
def test_a_setting_is_found_by_each_of_its_words(words: str, changed_only: bool, is_found: bool) -> None:
    assert is_wanted(SHOWN, words, changed_only=changed_only) is is_found


def test_settings_are_searched_and_narrowed_to_those_that_changed(console: Console) -> None:
    everything = console.open("/settings")
    assert len(visible(everything.html)) == len(Settings.model_fields)
    assert f"{len(Settings.model_fields)} of {len(Settings.model_fields)} settings" in everything.text
    found = visible(console.open("/settings?q=bcrypt+cost").html)
    assert found == {"BCRYPT_COST"}
    changed = console.open("/settings?changed=on")
    assert visible(changed.html) == {
        "ISSUER", "ENV", "DATABASE_URL", "SECRET_KEY", "DATABASE_TIMEOUT", "BCRYPT_COST", "CLIENT_CACHE", "KEY_CACHE",
    }  # fmt: skip
    assert f"SIGNET_ISSUER changed {ISSUER}" in changed.text
    nothing = console.open("/settings?q=%00nothing%20like%20this")
    assert visible(nothing.html) == set()
    assert "No settings match." in nothing.text
    assert "data-nothing>" in nothing.html
    assert "data-nothing hidden>" in changed.html


def test_a_secret_is_neither_shown_nor_found_by_its_value(console: Console) -> None:
    page = console.open(f"/settings?q={SECRET_KEY.split()[-1]}x")
    assert SECRET_KEY not in console.open("/settings").html
    assert "SIGNET_SECRET_KEY changed set, not shown" in console.open("/settings").text
    assert "SIGNET_SMTP_PASSWORD not set" in console.open("/settings").text
    assert "SECRET_KEY" not in visible(page.html)
