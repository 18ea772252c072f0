"""Emails: both parts say the same, links are absolute and ours, everything is escaped."""

import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from provider.branding.palette import FOR_TEXT, contrast
from provider.config.settings import Settings
from provider.languages.catalogs import ENGLISH, LANGUAGES
from provider.mail import messages
from provider.mail.samples import FIREFOX, NAMES
from provider.operator_names import OperatorName
from provider.work import Origin, utc_now
from tests.support.effort import effort
from tests.support.emails import every_email, rendered
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work

LONGEST_SUBJECT = 70
"""Characters. Most mail programs cut a longer subject, also in a window of normal width."""
GIVEN: dict[str, Any] = {
    "path": "/approve?request=x",
    "lifetime": timedelta(minutes=10),
    "token": "t0ken",
    "code": "123456",
    "carry": {"return_to": "/account"},
    "left": 3,
    "few": True,
    "delete_after": utc_now(),
    "app": "Pixel 9",
    "old": "Pixel 7",
    "passkey": "iPhone",
    "provider": "Example",
}
ON_FIREFOX = Origin(network="192.0.2.7", user_agent=FIREFOX, request_id="r1")


@cache
def read(html: str) -> "Html":
    return Html(html)


class Html(HTMLParser):
    """What the HTML part shows and where it leads. Decorations are `aria-hidden`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown, self.preheader = "", ""
        self.links: list[str] = []
        self.buttons: list[str] = []
        self.fallbacks: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def _inside(self, **wanted: str) -> bool:
        """Return whether an open element has this attribute with this value among its words."""
        named = {"class" if name == "class_" else name.replace("_", "-"): value for name, value in wanted.items()}
        opened = [attributes for _, attributes in self._open]
        return any(value in (each.get(name) or "").split() for each in opened for name, value in named.items())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)
        if tag in {"meta", "br"}:
            return
        self._open.append((tag, dict(attrs)))
        if tag != "a":
            return
        url = str(dict(attrs)["href"])
        if self._inside(class_="fallback"):
            self.fallbacks.append(url)
        elif not url.startswith("mailto:"):
            self.links.append(url)
        if self._inside(class_="button"):
            self.buttons.append(url)

    def handle_endtag(self, tag: str) -> None:
        opened, attributes = self._open.pop()
        assert opened == tag
        self._break(tag)
        url = attributes.get("href")
        # The text part has the address of a link after its words, unless they are the address.
        if url and not url.startswith("mailto:") and not self._inside(class_="fallback"):
            self.shown += "" if self.shown.rstrip().endswith(url) else f" {url} "

    def handle_data(self, data: str) -> None:
        if self._inside(class_="preheader"):
            self.preheader += data
        elif (
            not self._inside(aria_hidden="true", class_="fallback")
            and self._open[-1:]
            and "head" not in dict(self._open)
        ):
            self.shown += data

    def _break(self, tag: str) -> None:
        self.shown += "" if tag in {"a", "span"} else "\n"


def words(text: str) -> list[str]:
    """Return the words. A colon before an address, and characters that isolate, are only in the text part."""
    return re.sub(r":(?=\s)", " ", re.sub("[\u2068\u2069]", "", f"{text} ")).split()


def links(text: str) -> list[str]:
    return re.findall(r"https?://\S+", text)


@pytest.fixture
def branded(settings: Settings) -> Settings:
    return settings.model_copy(update={"support_email": "help@example.com"})


@pytest.mark.nightly
@pytest.mark.slow
def test_the_text_and_the_html_part_of_every_email_say_the_same(branded: Settings) -> None:
    """The same sentences in the same order with the same links, in every language (RFC 2046 section 5.1.4)."""
    without_help = branded.model_copy(update={"support_email": None})
    for which, email in [*every_email(branded, *LANGUAGES.values()), *every_email(without_help, ENGLISH)]:
        html = read(email.html)
        assert words(html.shown) == words(f"{branded.brand} {email.subject} {email.text}"), which
        assert html.links == links(email.text), which


def test_every_email_has_a_short_subject_a_preheader_and_at_most_one_button(branded: Settings) -> None:
    """The preheader is the beginning of the text. A button has the same address below it, to copy."""
    languages = effort([LANGUAGES[tag] for tag in ("en", "de", "ar")], list(LANGUAGES.values()))
    for which, email in every_email(branded, *languages):
        html = read(email.html)
        assert 0 < len(email.subject) <= LONGEST_SUBJECT, (which, email.subject)
        assert words(html.preheader.replace("\u034f", " ").replace("\u200c", " ")) == words(
            email.text.partition("\n\n")[0]
        ), which
        assert len(html.buttons) <= 1, which
        assert html.fallbacks == html.buttons, which


def test_no_email_loads_anything_or_shows_a_template(branded: Settings) -> None:
    languages = [LANGUAGES[tag] for tag in ("en", "de", "ar")]  # short, long, mirrored
    for which, email in every_email(branded, *languages):
        assert not re.search(r"<img|<link|<script|\bsrc=|url\(|@import|http://", email.html), which
        assert not re.search(r"\{\{|\{%|\bNone\b", email.subject + email.text + email.html), which
        assert "\u00ad" not in email.subject + email.text, f"{which} shows where a word can be divided"
        direction = LANGUAGES[which.split()[1]].direction
        assert f'<html lang="{which.split()[1]}" dir="{direction}">' in email.html, which
        assert '<meta name="color-scheme" content="light dark">' in email.html


def functions() -> dict[str, Callable[..., object]]:
    """The functions that send an email, by name."""
    public = inspect.getmembers(messages, inspect.isfunction)
    own = {name: function for name, function in public if function.__module__ == messages.__name__}
    return {
        name: function
        for name, function in own.items()
        if "to" in inspect.signature(function).parameters and name[0] != "_"
    }


def send(work: Work, name: str, origin: Origin = ON_FIREFOX, **given: Any) -> None:
    function = functions()[name]
    wanted = inspect.signature(function).parameters
    with work(origin) as w:
        function(w, to="ada@example.test", **{key: value for key, value in (GIVEN | given).items() if key in wanted})


def test_every_template_has_a_function_that_sends_it(work: Work, inbox: Inbox) -> None:
    assert sorted(functions()) == NAMES
    for name in NAMES:
        send(work, name)
        sent = inbox.latest("ada@example.test")
        assert ISSUER in sent.text
        assert sent.html.startswith("<!doctype html>")


def test_the_code_and_the_link_are_not_in_the_subject_or_the_preheader(work: Work, inbox: Inbox) -> None:
    """Both end up in logs and on lock screens."""
    send(work, "verify_email")
    email = inbox.latest()
    assert "123456" not in email.subject + read(email.html).preheader
    assert email.code == "123456"
    assert email.link == f"{ISSUER}/verify-email/confirm?token=t0ken&return_to=%2Faccount"


def test_a_notice_says_what_happened_when_on_which_device_and_from_where(work: Work, inbox: Inbox) -> None:
    send(work, "new_device")
    notice = inbox.latest()
    assert notice.subject == "New sign-in from Firefox on Linux"
    assert re.search(
        r"Time: \d+ \w+ 20\d\d, \d\d:\d\d UTC\nDevice: Firefox on Linux\nIP address: 192.0.2.7\n", notice.text
    )
    advice = "If this wasn't you, reset your password now to secure your account.\n\nReset password:\n"
    assert f"{advice}{ISSUER}/forgot-password\n" in notice.text


def test_a_sign_in_from_an_unknown_browser_names_the_account(work: Work, inbox: Inbox) -> None:
    send(work, "new_device", Origin(network="192.0.2.7", user_agent="python-httpx/0.28", request_id="r1"))
    assert inbox.latest().subject == "New sign-in to your Signet account"


@pytest.mark.parametrize(
    "origin", [Origin(), Origin(request_id="r1", operator=OperatorName.user("1"))], ids=["command", "console"]
)
def test_a_notice_of_an_operators_action_says_so_and_offers_no_reset(work: Work, inbox: Inbox, origin: Origin) -> None:
    send(work, "two_factor_disabled", origin)
    notice = inbox.latest()
    assert "An administrator made this change." in notice.text
    assert "Device:" not in notice.text
    assert "/forgot-password" not in notice.text


def test_lifetimes_are_those_of_the_settings(settings: Settings) -> None:
    """Never more than the setting says."""
    for lifetime, said in (
        (90, "1 minute"),
        (600, "10 minutes"),
        (5400, "90 minutes"),
        (86400, "24 hours"),
        (604800, "7 days"),
    ):
        text = rendered(settings, ENGLISH, "reset_password", link_lifetime=timedelta(seconds=lifetime)).text
        assert f"This link expires in {said} and works once." in text
    in_german = rendered(settings, LANGUAGES["de"], "invitation", link_lifetime=timedelta(days=7)).text
    assert "Der Link ist 7 Tage gültig" in in_german


def test_a_brand_is_text_in_every_part(settings: Settings) -> None:
    """A-95."""
    odd = settings.model_copy(update={"brand": "<b>Q&A</b>\nBcc: x@y.test"})
    email = rendered(odd, ENGLISH, "already_registered")
    assert "\n" not in email.subject
    assert "<b>" in email.subject
    assert "<b>" not in email.html
    assert "&lt;b&gt;Q&amp;A&lt;/b&gt;" in email.html


def test_a_link_to_a_feature_that_is_off_is_not_written(settings: Settings) -> None:
    without = settings.model_copy(update={"features": settings.features - {"reset-passwords"}})
    for which, email in every_email(without, ENGLISH):
        assert which.startswith("reset_password") or "/forgot-password" not in email.text + email.html, which


@pytest.mark.parametrize("accent", [None, "#ffd500", "#102030"], ids=["ours", "yellow", "navy"])
def test_buttons_and_links_can_be_read_in_light_and_dark(settings: Settings, accent: str | None) -> None:
    """WCAG 2.2 SC 1.4.3; `tests/branding/test_palette.py` has every accent."""
    html = rendered(settings.model_copy(update={"brand_accent": accent}), ENGLISH, "already_registered").html
    (light,) = re.findall(r'bgcolor="(#\w+)".*?color:(#\w+)">Sign in</a>', html)
    (background,), (text,), (link,) = (
        re.findall(rf"\{each} {{ {what}: (#\w+)", html)
        for each, what in ((".button", "background-color"), (".button a", "color"), (".link", "color"))
    )
    assert light[0] == (accent or "#24487a")
    assert contrast(*light) >= FOR_TEXT
    assert contrast(background, text) >= FOR_TEXT
    assert contrast(link, "#1c2027") >= FOR_TEXT
