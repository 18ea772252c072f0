"""Letters: absolute links of ours only, everything escaped, a reader for every part."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from provider.config.settings import Settings
from provider.languages.catalogs import ENGLISH
from provider.mail import messages
from provider.mail.rendering import link_to, render
from provider.work import Origin, utc_now
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work

GIVEN: dict[str, Any] = {
    "token": "t0ken",
    "code": "123456",
    "carry": {"return_to": "/account"},
    "left": 3,
    "few": True,
    "delete_after": utc_now(),
    "provider": "Example",
}
LETTERS = [
    messages.verify_email,
    messages.already_registered,
    messages.invitation,
    messages.reset_password,
    messages.password_was_reset,
    messages.password_changed,
    messages.change_email,
    messages.address_taken,
    messages.email_change_requested,
    messages.email_changed,
    messages.account_secured,
    messages.deletion_requested,
    messages.account_kept,
    messages.account_deleted,
    messages.new_device,
    messages.identity_linked,
    messages.identity_unlinked,
    messages.account_suspended,
    messages.account_restored,
    messages.two_factor_enabled,
    messages.two_factor_disabled,
    messages.recovery_code_used,
    messages.recovery_codes_renewed,
]


def write(work: Work, letter: Callable[..., object]) -> None:
    wanted = inspect.signature(letter).parameters
    with work(Origin(network="192.0.2.7")) as w:
        letter(w, to="ada@example.test", **{name: value for name, value in GIVEN.items() if name in wanted})


@pytest.mark.parametrize("letter", LETTERS)
def test_every_letter_has_a_subject_a_text_and_a_page(work: Work, inbox: Inbox, letter: Callable[..., object]) -> None:
    write(work, letter)
    written = inbox.latest("ada@example.test")
    assert written.subject
    assert "\n" not in written.subject
    assert ISSUER in written.text
    for part in (written.text, written.html):
        assert "{{" not in part
        assert "{%" not in part
    assert written.html.startswith("<!doctype html>")
    assert "<img" not in written.html
    assert "http://" not in written.text + written.html


def test_the_code_and_the_link_are_not_in_the_subject(work: Work, inbox: Inbox) -> None:
    """Subjects end up in logs and on lock screens."""
    write(work, messages.verify_email)
    letter = inbox.latest()
    assert "123456" not in letter.subject
    assert letter.code == "123456"
    assert letter.link == f"{ISSUER}/verify-email/confirm?token=t0ken&return_to=%2Faccount"


def test_a_brand_is_text_in_every_part(settings: Settings) -> None:
    """A-95."""
    odd = settings.model_copy(update={"brand": "<b>Q&A</b>\nBcc: x@y.test"})
    letter = render(
        odd, ENGLISH, "already_registered", sign_in=link_to(odd, "/login"), reset=link_to(odd, "/forgot-password")
    )
    assert "\n" not in letter.subject
    assert "<b>" not in letter.html
    assert "&lt;b&gt;Q&amp;A&lt;/b&gt;" in letter.html


def test_a_link_to_a_feature_that_is_off_is_not_written(settings: Settings) -> None:
    without = settings.model_copy(update={"features": settings.features - {"reset-passwords"}})
    letter = render(without, ENGLISH, "already_registered", sign_in="s", reset="RESET-LINK")
    assert "RESET-LINK" not in letter.text + letter.html


@pytest.mark.parametrize("name", ["already_registered", "account_kept"])
@pytest.mark.parametrize(
    ("accent", "colours"), [(None, "#24487a;color:#ffffff"), ("#ffd500", "#ffd500;color:#000000")], ids=["ours", "own"]
)
def test_the_button_has_the_accent_and_can_be_read(
    settings: Settings, name: str, accent: str | None, colours: str
) -> None:
    """WCAG 2.2 SC 1.4.3; `tests/branding/test_palette.py` has every accent."""
    branded = settings.model_copy(update={"brand_accent": accent})
    letter = render(
        branded,
        ENGLISH,
        name,
        sign_in="s",
        reset="r",
        when=utc_now(),
        device="",
        network="",
        account=link_to(branded, "/account"),
    )
    assert f"background:{colours};" in letter.html
