"""Names are shown isolated: wherever one stands, it does not turn the words around it (UAX #9)."""

import re
from html.parser import HTMLParser

import pytest

from provider.config.settings import Settings
from provider.languages.catalogs import LANGUAGES
from provider.languages.isolation import isolate
from provider.languages.text import Text
from provider.mail import messages
from provider.resources import TEMPLATES
from provider.web.cookies import LANGUAGE
from provider.work import Installation
from tests.support.browser import Browser
from tests.support.effort import effort
from tests.support.factories import make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, RelyingParty, sign_in_person

HEBREW = "\u05d0\u05d1"
PERSON, APP, BRAND = f"{HEBREW} 1", f"{HEBREW} 2", f"{HEBREW} 3"
MISSING = "/no-such-page"
ISOLATED = re.compile("\u2068[^\u2068\u2069]*\u2069")


ISOLATING = effort(["ar"], ["en", "fr", "ar"])
"""Both directions, and the typography of French. Every other language has the same templates."""
TYPED = {"account", "address", "brand", "email", "name", "pending", "provider"}
"""Values of translated sentences that people or operators typed."""


class Names(HTMLParser):
    """Where a page shows Hebrew that is not isolated."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.bare: list[str] = []
        self.isolated = 0
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        is_isolated = attributes.get("dir") == "auto"
        for name, value in attributes.items():
            if value and HEBREW in value and not is_isolated and name not in {"href", "data-download"}:
                self._see(f'{tag} {name}="{value}"')
        if tag not in {"input", "meta", "link", "img", "br", "hr", "source"}:
            self._open.append((tag, is_isolated))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if HEBREW in data and any(is_isolated for _, is_isolated in self._open):
            self.isolated += 1
        elif HEBREW in data:
            self._see(data)

    def _see(self, text: str) -> None:
        self.isolated += 1
        if HEBREW in ISOLATED.sub("", text):
            self.bare.append(text)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"brand": BRAND})


def bare_names(browser: Browser, *paths: str) -> dict[str, list[str]]:
    found = {}
    for path in paths:
        page = browser.open(path)
        assert page.status == (404 if path == MISSING else 200), path
        names = Names(page.html)
        assert names.isolated >= 2, path  # title, header
        if names.bare:
            found[path] = names.bare
    return found


@pytest.mark.parametrize("tag", ISOLATING)
def test_every_page_isolates_the_names_it_shows(
    tag: str, browser: Browser, installation: Installation, work: Work
) -> None:
    with work() as w:
        user_id = make_user(w, name=PERSON, roles=("admin",))
        app, secret = make_client(w, client_name=APP, client_uri="https://app.example.test")
    browser.client.cookies.set(f"__Host-{LANGUAGE}", tag, domain="id.example.test")
    rp = RelyingParty(browser.client, app, secret)
    signing_in = rp.ask(browser.client).location
    before = bare_names(
        browser, signing_in, signing_in.replace("/login", "/signup"), "/login", "/signup", "/forgot-password"
    )
    sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
    consent = rp.ask(browser.client).location
    chooser = rp.ask(browser.client, prompt="select_account").location
    shown = bare_names(
        browser,
        consent,
        chooser,
        f"/oauth2/logout?client_id={app.client_id}",
        "/account",
        "/account/profile",
        "/account/email",
        "/account/applications",
        "/account/activity",
        "/account/two-factor",
        "/admin",
        "/admin/users",
        f"/admin/users/{user_id}",
        f"/admin/users/{user_id}/name",
        "/admin/clients",
        f"/admin/clients/client?client_id={app.client_id}",
        f"/admin/clients/client/settings?client_id={app.client_id}",
        f"/admin/clients/client/json?client_id={app.client_id}",
        f"/admin/clients/client/credentials?client_id={app.client_id}",
        f"/admin/clients/client/users?client_id={app.client_id}",
        f"/admin/clients/client/rejected?client_id={app.client_id}",
        f"/admin/clients/client/disable?client_id={app.client_id}",
        "/admin/sessions",
        "/admin/audit",
        MISSING,
    )
    assert before | shown == {}


def test_no_template_shows_a_name_as_it_is() -> None:
    """Also on the pages that the test above does not open. Names of our own, such as those of languages, are exempt."""
    ours = {
        "language.name",
        "preset.name",
        "check.name",
        "shown.event.name",
        "each.name",
        "setting.name",
        "member.name",
        "input.name",
    }
    bare = []
    for path in TEMPLATES.rglob("*.*"):
        text = path.read_text() if path.suffix in {".html", ".txt", ".jinja"} else ""
        for header, body in re.findall(r"{% trans(.*?)%}(.*?){% endtrans %}", text, re.DOTALL):
            given = dict(part.strip().split("=", 1) for part in header.split(",") if "=" in part)
            shown = TYPED & set(re.findall(r"{{ (\w+) }}", body))
            bare += [(path.name, name) for name in shown if "| isolate" not in given.get(name, "")]
        text = re.sub(r"{% trans.*?{% endtrans %}", "", text, flags=re.DOTALL)
        for element, shown in re.findall(r"(<[^<>]*>)?{{ (brand|provider|[\w.]+\.name) }}", text):
            if "dir=" not in element and shown not in ours:
                bare.append((path.name, shown))
    assert bare == []


def test_emails_isolate_the_brand_and_the_provider(inbox: Inbox, work: Work) -> None:
    with work() as w:
        messages.identity_linked(w, to="ada@example.test", provider=APP)
        messages.verify_email(w, to="ada@example.test", token="t", code="123456", carry={})
    letters = inbox.letters("ada@example.test")
    assert len(letters) == 2
    for letter in letters:
        for part in (letter.subject, letter.text):
            assert HEBREW in part
            assert HEBREW not in ISOLATED.sub("", part), part
        assert Names(letter.html).bare == []


def test_text_from_left_to_right_needs_no_isolation() -> None:
    """So subjects of emails stay ASCII, and nothing invisible is copied from a page."""
    assert isolate("Signet \U0001f44d (1)") == "Signet \U0001f44d (1)"
    assert isolate(f"{HEBREW} 1") == f"\u2068{HEBREW} 1\u2069"


def test_between_words_from_right_to_left_every_name_is_isolated() -> None:
    """There, a name from left to right would take numbers and punctuation beside it along (UAX #9 section 3.3.4)."""
    assert isolate("Signet 2", "rtl") == "\u2068Signet 2\u2069"
    assert isolate(HEBREW, "rtl") == f"\u2068{HEBREW}\u2069"
    assert isolate("", "rtl") == ""


def test_values_of_a_message_are_isolated() -> None:
    text = Text("%(name)s refused the sign-in.", name=HEBREW)
    assert LANGUAGES["de"].say(text).startswith(f"\u2068{HEBREW}\u2069")


@pytest.mark.parametrize("stored", ["\u202e", "\u2067", "\u2069\u202e", "\u202b\u202b"])
def test_a_name_stored_before_the_rule_cannot_leave_its_place(stored: str) -> None:
    assert isolate(f"{HEBREW}{stored}x") == f"\u2068{HEBREW}x\u2069"
