"""The sign-in after an address is confirmed: in the browser in which the password was typed, and in no other one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from provider.accounts.email import operator_emails
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.registration import sign_up_unverified
from provider.accounts.store.users import Status
from provider.audit.store import find as find_events
from provider.sessions.store import sessions
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work
from tests.support.limits import Lower
from tests.support.people import ADDRESS, find_user, is_signed_in, sign_in, sign_up, turn_on_two_factor
from tests.support.relying_party import Answer, RelyingParty
from tests.support.several_accounts import CHOOSER, accounts_on

NewBrowser = Callable[[], Browser]
Confirm = Callable[[Browser, Inbox], Page]
STRANGER = "mallory@example.test"


def by_code(browser: Browser, inbox: Inbox) -> Page:
    return browser.submit({"code": inbox.latest(ADDRESS).code})


def by_link(browser: Browser, inbox: Inbox) -> Page:
    browser.open(inbox.latest(ADDRESS).link)
    return browser.submit(button="Confirm")


@pytest.fixture
def many_emails(lower: Lower) -> None:
    lower(mail_resend="9/minute")


@pytest.fixture(params=[by_code, by_link])
def confirm(request: pytest.FixtureRequest) -> Confirm:
    found: Confirm = request.param
    return found


def session_of(work: Work) -> tuple[str, datetime, str | None]:
    """amr, auth_time and the factor still due of the only session that has not ended."""
    columns = sessions.c.amr, sessions.c.auth_time, sessions.c.pending
    with work() as w:
        row = w.read.execute(sessions.select().with_only_columns(*columns).where(sessions.c.ended_at.is_(None))).one()
    return row[0], row[1], row[2]


def has_session(browser: Browser) -> bool:
    return browser.cookies.get("__Host-signet") is not None


def is_sign_in_page(page: Page) -> bool:
    """With the address filled in, and why."""
    filled_in = f'value="{ADDRESS}"' in page.html
    return page.path == "/login" and filled_in and "Your email address is confirmed. Sign in" in page.text


def ask(client: TestClient, work: Work, **parameters: Any) -> tuple[RelyingParty, dict[str, str], str]:
    with work() as w:
        rp = RelyingParty(client, *make_client(w, first_party=True))
    return rp, *rp.request(**parameters)


@pytest.mark.parametrize("prompt", [None, "create", "login", "select_account"])
def test_confirming_leads_on_to_the_app(
    browser: Browser, client: TestClient, inbox: Inbox, work: Work, clock: Clock, confirm: Confirm, prompt: str | None
) -> None:
    """OIDC Core section 3.1.2.1: the sign-up was for this request, so the app is not asked to wait for another sign-in.

    The ID token has the time at which the password was typed, and the password as the only method: reading a mailbox
    is no factor (NIST SP 800-63B section 3.1.3.1).
    """
    rp, asked, verifier = ask(client, work, scope="openid", prompt=prompt)
    page = browser.open(f"/oauth2/authorize?{urlencode(asked)}")
    if page.path != "/signup":
        browser.follow("Create an account")
    browser.submit({"email": ADDRESS, "password": PASSWORD})
    signed_up = clock.now
    clock.advance(minutes=9)
    page = confirm(browser, inbox)
    assert browser.left_to is not None
    claims = rp.verify(rp.redeem(Answer(page.response, asked, verifier)))
    assert (claims["auth_time"], claims["amr"]) == (int(signed_up.timestamp()), ["pwd"])


def test_the_sign_in_is_in_the_audit_log(browser: Browser, inbox: Inbox, work: Work, confirm: Confirm) -> None:
    sign_up(browser)
    confirm(browser, inbox)
    with work() as w:
        events = [(each.name, each.details) for each in find_events(w.read, user_id=find_user(work).id)][::-1]
    assert [name for name, _ in events] == ["account.registered", "account.email.verified", "session.signed_in"]
    assert events[-1][1]["amr"] == "pwd"


def test_the_session_is_a_new_one_whatever_the_browser_sent(
    browser: Browser, inbox: Inbox, confirm: Confirm, work: Work
) -> None:
    """A-47: session fixation."""
    sign_up(browser)
    planted = "planted-by-somebody-who-knows-it-now-and-later"
    browser.cookies.set("__Host-signet", planted, domain="id.example.test", path="/")
    confirm(browser, inbox)
    values = [one.value for one in browser.cookies.jar if one.name == "__Host-signet"]
    assert planted not in values[-1:]
    assert session_of(work)[0] == "pwd"


def test_a_mail_scanner_that_opens_the_link_signs_nobody_in(
    browser: Browser, new_browser: NewBrowser, inbox: Inbox, work: Work
) -> None:
    """A-83. Not even in the browser that signed up: a prefetch or preview runs with its cookies."""
    sign_up(browser)
    link = inbox.latest(ADDRESS).link
    for each in (browser, new_browser()):
        each.client.head(link)
        each.open(link)
        each.open(link, **{"sec-fetch-site": "cross-site"})
        assert not has_session(each)
    assert find_user(work).status == Status.INACTIVE


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.test"}])
@pytest.mark.parametrize("by", ["code", "link"])
def test_another_site_cannot_press_the_button(
    browser: Browser, inbox: Inbox, work: Work, headers: dict[str, str], by: str
) -> None:
    """A-48: login CSRF, with the form's token too."""
    page = sign_up(browser)
    letter = inbox.latest(ADDRESS)
    if by == "link":
        page = browser.open(letter.link)
    form = page.form(*(["code"] if by == "code" else []), button="Confirm")
    data = {**dict(form.values()), "code": letter.code}
    for sent in (data, {name: value for name, value in data.items() if name != "csrf_token"}):
        assert browser.client.post(form.action, data=sent, headers=headers).status_code == 403
    assert not has_session(browser)
    assert find_user(work).status == Status.INACTIVE


def test_the_page_for_the_code_asks_another_browser_for_the_password(
    browser: Browser, new_browser: NewBrowser, inbox: Inbox, work: Work
) -> None:
    """N-609, A-48, ASVS v5.0.0-6.6.2: an attacker signs up with a victim's address and sends the victim the page.

    The victim gets a genuine email, but must not bring an account to life whose password the attacker knows.
    """
    url = sign_up(browser).url
    victim = new_browser()
    assert "Password you chose when you signed up" in victim.open(url).text
    assert by_code(victim, inbox).status == 400
    page = victim.submit({"code": inbox.latest(ADDRESS).code, "password": "a password of the victim"})
    assert "Wrong password. Enter the password you chose when you signed up." in page.text
    assert find_user(work).status == Status.INACTIVE
    assert not has_session(victim)


def test_whoever_signed_up_can_type_the_code_in_another_browser_with_the_password(
    browser: Browser, new_browser: NewBrowser, inbox: Inbox, work: Work
) -> None:
    """The code stays in its field if only the password was wrong."""
    url = sign_up(browser).url
    other, code = new_browser(), inbox.latest(ADDRESS).code
    other.open(url)
    other.submit({"code": code, "password": "mistyped"})
    assert other.submit({"password": PASSWORD}).path == "/account"
    assert find_user(work).status == Status.ACTIVE


def test_guessing_the_password_with_the_code_is_slowed_like_any_other(
    browser: Browser, new_browser: NewBrowser, inbox: Inbox
) -> None:
    """On the counter of the sign-in page. Wrong passwords do not end the code, as wrong codes do."""
    url = sign_up(browser).url
    other, code = new_browser(), inbox.latest(ADDRESS).code
    other.open(url)
    statuses = [other.submit({"code": code, "password": f"wrong {number}"}).status for number in range(6)]
    assert statuses == [400, 400, 400, 400, 400, 429]
    assert sign_in(new_browser()).status == 429
    assert browser.submit({"code": code}).path == "/account"


@pytest.mark.usefixtures("many_emails")
def test_another_browser_that_gets_a_new_email_still_needs_the_password(
    browser: Browser, new_browser: NewBrowser, inbox: Inbox, clock: Clock, confirm: Confirm, work: Work
) -> None:
    """N-610: to press "Send a new code" proves nothing about the sign-up."""
    url = sign_up(browser).url
    clock.advance(minutes=1)
    other = new_browser()
    other.open(url)
    other.submit(button="Send a new code")
    assert len(inbox.letters(ADDRESS)) == 2
    page = confirm(other, inbox)
    assert page.status == 400
    assert not has_session(other)
    assert find_user(work).status == Status.INACTIVE
    fields = {"password": PASSWORD}
    if page.path == "/verify-email":
        fields["code"] = inbox.latest(ADDRESS).code
    assert other.submit(fields).path == "/account"


@pytest.mark.usefixtures("many_emails")
def test_a_new_email_still_signs_in_where_the_password_was_typed(
    browser: Browser, inbox: Inbox, clock: Clock, confirm: Confirm, work: Work
) -> None:
    sign_up(browser)
    signed_up = clock.now
    clock.advance(minutes=30)
    browser.submit(button="Send a new code")
    assert len(inbox.letters(ADDRESS)) == 2
    assert confirm(browser, inbox).path == "/account"
    assert session_of(work) == ("pwd", signed_up, None)


def test_a_password_counts_no_longer_than_a_sign_in_may_take(
    browser: Browser, inbox: Inbox, clock: Clock, work: Work
) -> None:
    """SIGNET_REQUEST_LIFETIME: the browser may be another person's by then."""
    sign_up(browser)
    clock.advance(hours=1)
    assert is_sign_in_page(by_link(browser, inbox))
    assert not has_session(browser)
    assert sign_in(browser).path == "/account"


@pytest.mark.usefixtures("many_emails")
def test_the_password_typed_at_the_sign_in_page_counts_too(
    browser: Browser, new_browser: NewBrowser, inbox: Inbox, clock: Clock, confirm: Confirm
) -> None:
    """Signing up at one device and in at another, which gets an email of its own."""
    sign_up(browser)
    clock.advance(minutes=1)
    other = new_browser()
    assert sign_in(other).path == "/verify-email"
    assert len(inbox.letters(ADDRESS)) == 2
    assert confirm(other, inbox).path == "/account"


def test_the_session_of_another_user_stays(browser: Browser, inbox: Inbox, work: Work, confirm: Confirm) -> None:
    """Whoever signs in meanwhile at a shared computer is not signed out by somebody else's email."""
    with work() as w:
        grace = make_user(w, "grace@example.test")
    sign_up(browser)
    waiting = browser.page
    assert sign_in(browser.new_tab(), "grace@example.test").path == "/account"
    browser.page = waiting
    assert is_sign_in_page(confirm(browser, inbox))
    assert "grace@example.test" in browser.open("/account").text
    with work() as w:
        assert [row.user_id for row in w.read.execute(sessions.select().where(sessions.c.ended_at.is_(None)))] == [
            grace
        ]


def test_a_browser_that_was_asked_for_another_account_changes_to_it(
    browser: Browser, inbox: Inbox, work: Work, confirm: Confirm
) -> None:
    with work() as w:
        make_user(w, "grace@example.test")
    sign_in(browser, "grace@example.test")
    browser.open("/signup?prompt=login")
    browser.submit({"email": ADDRESS, "password": PASSWORD})
    page = confirm(browser, inbox)
    assert (page.path, ADDRESS in page.text) == ("/account", True)
    assert list(accounts_on(browser.open(CHOOSER).html)) == [ADDRESS, "grace@example.test"]


def test_a_second_factor_is_asked_for_as_after_any_password(
    browser: Browser, new_browser: NewBrowser, inbox: Inbox, work: Work, clock: Clock
) -> None:
    """A-69. An account that signed up while addresses were not verified can have one."""
    address = parse_address(ADDRESS)
    assert address is not None
    with work() as w:
        user_id = sign_up_unverified(w, address=address, password=PASSWORD, claims={})
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    with work() as w:
        operator_emails.send_verification_again(w, user_id=user_id)
    other = new_browser()
    other.open(inbox.latest(ADDRESS).link)
    assert other.submit({"password": PASSWORD}).path == "/login/second-factor"
    assert not is_signed_in(other)


def test_a_claim_to_a_taken_address_never_signs_in(browser: Browser, inbox: Inbox, work: Work) -> None:
    """A-86: nobody gets its code, and the page looks as after any sign-up."""
    with work() as w:
        make_user(w)
    page = sign_up(browser, password="the password of a stranger")
    assert page.title.startswith("Check your email")
    assert inbox.latest(ADDRESS).subject.startswith("You already have")
    assert browser.submit({"code": "000000"}).status == 400
    assert not has_session(browser)


def test_a_stranger_who_signed_up_with_the_address_is_not_signed_in_by_its_owner(
    browser: Browser, new_browser: NewBrowser, inbox: Inbox, work: Work
) -> None:
    """Whoever reads the mailbox brings no account to life whose password a stranger knows."""
    stranger = new_browser()
    sign_up(stranger, password="the password of a stranger")
    browser.open(inbox.latest(ADDRESS).link)
    assert browser.submit({"password": PASSWORD}).status == 400
    assert not has_session(browser)
    assert not is_signed_in(stranger)
    assert find_user(work).status == Status.INACTIVE


def test_the_address_on_the_sign_in_page_is_not_in_its_url(browser: Browser, inbox: Inbox, clock: Clock) -> None:
    """A-31: no personal data in a URL, where logs and histories keep it."""
    sign_up(browser)
    clock.advance(hours=1)
    page = by_link(browser, inbox)
    assert page.url.startswith(f"{ISSUER}/login?")
    assert "example.test" not in urlsplit(page.url).query
    assert parse_qs(urlsplit(page.url).query)["because"] == ["confirmed"]
