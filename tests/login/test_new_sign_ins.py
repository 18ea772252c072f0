"""Requests for a new sign-in (prompt=login, prompt=create, max_age=0): only one on their own pages answers them.

OIDC Core section 3.1.2.1. No time is compared, so no test here lets time pass.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import select, update

from provider.oauth.authorize import parked_requests
from provider.oauth.authorize.store.authorization_requests import authorization_requests as table
from provider.web import cookies
from provider.web.cookies import cookie_name
from provider.work import Installation
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, find_user, sign_in, turn_on_two_factor
from tests.support.relying_party import authorization_url

BOB = "bob@example.test"
Ask = Callable[..., str]

each_request: pytest.MarkDecorator = pytest.mark.parametrize(
    ("asked", "page"),
    [
        ({"prompt": "login"}, "/login"),
        ({"prompt": "create"}, "/signup"),
        ({"max_age": "0"}, "/login"),
        ({"prompt": "select_account"}, "/select-account"),
    ],
    ids=["login", "create", "max_age=0", "select_account"],
)


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def ask(work: Work) -> Ask:
    """`ask(prompt="login")`: the URL to which a first-party app sends a user."""
    with work() as w:
        client, _ = make_client(w, first_party=True)

    def url(**asked: str) -> str:
        return authorization_url(client, **asked)

    return url


def request_of(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query)["request_uri"][0]


def resume(browser: Browser, request_uri: str) -> str:
    """Come back to a request that waits: the path of the page that is shown, or the parameter the app gets."""
    page = browser.open(f"/oauth2/authorize?{urlencode({'request_uri': request_uri})}")
    if browser.left_to is not None:
        return next(iter(parse_qs(urlsplit(browser.left_to).query)))
    return page.path


def type_password(browser: Browser, username: str = ADDRESS) -> Page:
    return browser.submit({"username": username, "password": PASSWORD})


@each_request
def test_a_session_that_the_browser_withheld_at_first_is_no_new_sign_in(
    browser: Browser, ada: str, ask: Ask, installation: Installation, asked: dict[str, str], page: str
) -> None:
    """A browser does so with SameSite cookies on some ways from another site, and in private windows."""
    name = cookie_name(installation.settings, cookies.SESSION)
    sign_in(browser)
    withheld = browser.cookies.get(name)
    assert withheld is not None
    browser.cookies.delete(name)
    request_uri = request_of(browser.open(ask(**asked)))
    browser.cookies.set(name, withheld, domain="id.example.test", path="/")
    assert resume(browser, request_uri) == page


@each_request
def test_a_sign_in_in_one_tab_does_not_answer_the_request_of_another(
    browser: Browser, ada: str, ask: Ask, asked: dict[str, str], page: str
) -> None:
    plain, one, other = browser, browser.new_tab(), browser.new_tab()
    waiting = [request_of(tab.open(ask(**what))) for tab, what in ((plain, {}), (one, asked), (other, asked))]
    one.open(f"/login?{urlencode({'request_uri': waiting[1]})}")
    type_password(one)
    assert "code=" in (one.left_to or "")
    assert resume(other, waiting[2]) == page
    assert resume(plain, waiting[0]) == "code", "this app did not ask for a new sign-in"
    other.open(f"/login?{urlencode({'request_uri': waiting[2], 'prompt': 'login'})}")
    type_password(other)
    assert "code=" in (other.left_to or "")


def test_the_second_factor_completes_the_sign_in_for_the_request_on_whose_page_it_is_shown(
    browser: Browser, ada: str, ask: Ask, clock: Clock
) -> None:
    sign_in(browser)
    key, _ = turn_on_two_factor(browser, clock.now)
    clock.advance(minutes=1)
    first, second = browser.new_tab(), browser.new_tab()
    for tab in (first, second):
        tab.open(ask(prompt="login"))
    waiting = request_of(first.page), request_of(second.page)  # type: ignore[arg-type]
    type_password(first)
    assert [resume(first, one) for one in waiting] == ["/login", "/login"], "half a sign-in"
    first.open(f"/login/second-factor?{urlencode({'request_uri': waiting[0]})}")
    first.submit({"code": code_of(key, clock.now)})
    assert "code=" in (first.left_to or "")
    assert resume(second, waiting[1]) == "/login"


def test_a_user_who_signs_out_and_in_again_elsewhere_is_asked_once_more(browser: Browser, ada: str, ask: Ask) -> None:
    request_uri = request_of(browser.open(ask(prompt="login consent")))
    assert type_password(browser).path == "/consent"
    browser.open("/account")
    browser.submit(button="Sign out")
    assert resume(browser, request_uri) == "/login"
    sign_in(browser)
    assert resume(browser, request_uri) == "/login"


def test_another_user_who_signs_in_elsewhere_does_not_take_the_request_over(
    browser: Browser, ada: str, ask: Ask, work: Work
) -> None:
    with work() as w:
        make_user(w, BOB)
    request_uri = request_of(browser.open(ask(prompt="login consent")))
    assert type_password(browser).path == "/consent"
    sign_in(browser, BOB)
    assert resume(browser, request_uri) == "/select-account", "and not on as either of them"


def test_a_session_whose_identifier_changes_afterwards_still_answers(browser: Browser, ada: str, ask: Ask) -> None:
    """Each sign-in replaces the value of the cookie (session fixation); the session stays the same."""
    request_uri = request_of(browser.open(ask(prompt="login consent")))
    assert type_password(browser).path == "/consent"
    sign_in(browser)
    assert resume(browser, request_uri) == "/consent"


def test_a_sign_in_in_another_browser_does_not_answer_the_request(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, ask: Ask
) -> None:
    request_uri = request_of(browser.open(ask(prompt="login")))
    sign_in(browser)
    other = new_browser()
    other.open(f"/login?{urlencode({'request_uri': request_uri})}")
    type_password(other)
    assert resume(browser, request_uri) == "/login"


@pytest.mark.also_on_postgresql
def test_a_request_that_the_previous_release_stored_asks_until_a_sign_in_is_noted_in_it(
    browser: Browser, ada: str, ask: Ask, work: Work
) -> None:
    request_uri = request_of(browser.open(ask(prompt="login")))
    with work() as w:
        w.db.execute(update(table).values(earlier_session=b""))
    sign_in(browser)  # at a node of that release, which notes nothing
    assert resume(browser, request_uri) == "/login"
    type_password(browser)
    assert "code=" in (browser.left_to or "")


@pytest.mark.also_on_postgresql
@pytest.mark.parametrize("reason", ["another browser has it", "it was answered", "it expired", "it is none of ours"])
def test_a_sign_in_is_noted_only_in_a_request_that_waits_in_its_browser(
    browser: Browser, ada: str, ask: Ask, work: Work, clock: Clock, installation: Installation, reason: str
) -> None:
    request_uri = request_of(browser.open(ask()))
    mine = browser.cookies[cookie_name(installation.settings, cookies.BROWSER)]
    sign_in(browser)
    with work() as w:
        if reason == "it was answered":
            w.db.execute(update(table).values(completed_at=w.now))
    if reason == "it expired":
        clock.advance(hours=2)
    with work() as w:
        parked_requests.record_sign_in(
            w,
            "urn:x" if reason == "it is none of ours" else request_uri,
            browser="another" if reason == "another browser has it" else mine,
            session_id=find_user(work).id,
        )
    with work() as w:
        assert w.read.scalar(select(table.c.signed_in_session_id)) is None
