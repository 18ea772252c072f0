"""Pages in Arabic, from sign-up to the console: mirrored, looked at by axe, wide and 320 pixels narrow."""

import re

import pytest
from playwright.sync_api import expect

from provider.config.settings import Settings
from provider.languages.catalogs import LANGUAGES
from provider.mail.samples import NAMES
from tests.journeys.conftest import Account, Steps
from tests.journeys.test_accessibility import ACCOUNT_PAGES, CONSOLE_PAGES, Inspector, axe, inspector, link_in
from tests.support.chromium import Person
from tests.support.demo_process import Demo
from tests.support.emails import rendered

__all__ = ["axe", "inspector"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]

ARABIC = LANGUAGES["ar"]
MIRRORED = "html[lang=ar][dir=rtl]"
MISPLACED = r"""() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim(), style = getComputedStyle(walk.currentNode.parentElement);
    if (style.direction === "ltr" || /^(\u2068.*\u2069|\([\w.-]+\))$/.test(text)) continue;
    if (!/[A-Za-z]|\d{4}-\d/.test(text) || /[\u0600-\u06ff]/.test(text)) continue;
    if (/^[^A-Za-z0-9]|[^A-Za-z0-9]$|:\/\/|\d{4}-\d|^\d+ [A-Za-z]/.test(text)) found.push(text);
  }
  return found;
}"""
"""Latin text whose parts come in another order among words from right to left, because nothing isolates it."""


def submit(person: Person) -> None:
    person.page.locator("main form:not([data-passkey]) button[type=submit]").first.click()


def choose_arabic(person: Person) -> None:
    """At the foot of the page."""
    fold = person.page.locator("details.language > summary")
    if fold.count():
        fold.click()
    person.page.get_by_role("button", name=ARABIC.name).click()
    expect(person.page.locator(MIRRORED)).to_be_visible()


def see(inspector: Inspector, name: str) -> None:
    page = inspector.person.page
    expect(page.locator(MIRRORED)).to_be_visible()
    inspector.look_at(f"ar-{name}")
    inspector.findings += [f"{name}: {text!r} is not isolated" for text in page.evaluate(MISPLACED)]


def test_sign_up_and_sign_in_from_right_to_left(
    inspector: Inspector, newcomer: Account, demo: Demo, steps: Steps
) -> None:
    person = inspector.person
    person.page.set_extra_http_headers({"Accept-Language": "ar-EG"})
    person.open(f"{demo.provider}/signup")
    see(inspector, "sign-up")
    submit(person)
    see(inspector, "sign-up-error")
    person.page.locator("[name=email]").fill(newcomer.email)
    person.page.locator("[name=password]").fill(newcomer.password)
    person.page.locator(".strength p > span").wait_for()
    see(inspector, "sign-up-filled")
    submit(person)
    person.page.wait_for_url("**/verify-email*")
    see(inspector, "check-email")
    subject = ARABIC.translations.gettext("Confirm your email address for %(brand)s").partition("%")[0].strip()
    person.open(link_in(steps.read_letter(person, subject, newcomer.email)))
    see(inspector, "confirm-email")
    submit(person)
    person.page.wait_for_url("**/account*")
    see(inspector, "account")
    person.page.locator(".sidebar button").click()
    person.open(f"{demo.provider}/login")
    person.page.locator("[name=username]").fill(newcomer.email)
    person.page.locator("[name=password]").fill("wrong")
    submit(person)
    see(inspector, "sign-in-error")
    person.open(f"{demo.provider}/forgot-password")
    see(inspector, "forgot-password")
    person.open(f"{demo.provider}/oauth2/authorize?client_id=nobody")
    see(inspector, "refused")


def test_account_and_apps_from_right_to_left(inspector: Inspector, account: Account, demo: Demo, steps: Steps) -> None:
    person = inspector.person
    steps.sign_in_to_app(person, account)
    person.open(f"{demo.provider}/account")
    choose_arabic(person)
    for path in ACCOUNT_PAGES:
        person.open(f"{demo.provider}/account{path}")
        see(inspector, f"account{re.sub('[^a-z]+', '-', path)}")
    person.open(f"{demo.provider}/account/two-factor")
    submit(person)
    person.page.locator("#key").wait_for()
    see(inspector, "two-factor-set-up")
    person.page.locator("[name=code]").fill(steps.authenticator(person.page.locator("#key").inner_text()).code())
    submit(person)
    person.page.locator("#codes").wait_for()
    see(inspector, "recovery-codes-shown")
    asked = (
        f"client_id=quill&redirect_uri={demo.web_app}/callback&response_type=code&scope=openid+email&state=s&nonce=n"
    )
    challenge = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    for prompt, name in (("consent", "consent"), ("select_account", "select-account")):
        person.open(f"{demo.provider}/oauth2/authorize?{asked}&{challenge}&prompt={prompt}")
        see(inspector, name)


def test_the_console_from_right_to_left(
    inspector: Inspector, operator: Account, account: Account, demo: Demo, steps: Steps
) -> None:
    person = inspector.person
    person.open(f"{demo.provider}/admin")
    steps.sign_in(person, operator)
    steps.turn_on_two_factor(person)
    choose_arabic(person)
    for path in CONSOLE_PAGES:
        if not path.startswith("/design"):  # for developers, in English
            person.open(f"{demo.provider}/admin{path}")
            see(inspector, f"admin{re.sub('[^a-z]+', '-', path)}")
    person.open(f"{demo.provider}/admin/users?q={account.email}")
    person.follow(account.email)
    user_page = person.page.url
    for tab in ("", "/security", "/sessions", "/apps", "/activity", "/suspend"):
        person.open(f"{user_page}{tab}")
        see(inspector, f"admin-user{tab.replace('/', '-')}")


def test_emails_from_right_to_left(inspector: Inspector) -> None:
    for name in NAMES:
        inspector.person.page.set_content(rendered(Settings(), ARABIC, name).html)
        inspector.look_at(f"ar-email-{name}", ["wcag2a", "wcag2aa"])
