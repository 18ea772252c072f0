"""Every form and page of an account, asked as no page of ours asks.

The numbers are those of docs/development/negative-cases.md.

What is asked is taken from the table of routes, so that a new page is asked too.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from urllib.parse import urlsplit

import httpx2
import pyotp
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.factors.totp import SEED
from provider.accounts.pages.profile_form import PARTS
from provider.accounts.profile import FIELDS
from provider.config.settings import Settings
from provider.routes import routes
from provider.web.endpoint import Endpoint
from tests.oauth.watched_http import csrf_of
from tests.support.browser import Browser
from tests.support.cases import all_of_them, in_one_world
from tests.support.effort import effort
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS, is_signed_in, sign_in
from tests.support.stored import stored as everything_stored

pytestmark = pytest.mark.usefixtures("unlimited")

PAGES = [
    (route.path, method)
    for route in routes(Settings())
    if isinstance(route, Route) and f"{route.path}/".startswith("/account/")
    if not route.path.startswith("/account/linked")  # not there without an upstream provider
    for method in sorted(route.methods or ())
    if method != "HEAD"
]
FORMS = [path for path, method in PAGES if method == "POST"]
SOME_FORMS = effort(FORMS[::3], FORMS)
"""What is tried at them is the same code for every form."""
FORM_ON = {
    route.path: route.endpoint.form_on
    for route in routes(Settings())
    if isinstance(route, Route) and isinstance(route.endpoint, Endpoint)
}
PUBLIC_FORMS = {
    "/login": ("username", "password"),
    "/signup": ("email", "password", "name"),
    "/forgot-password": ("email",),
    "/reset-password": ("token", "password"),
    "/verify-email": ("code",),
    "/verify-email/confirm": ("password",),
    "/login/second-factor": ("code",),
    "/keep-account": ("ticket",),
}
ACCOUNT_FORMS = {
    "/account/profile": (*PARTS, *(field.name for field in FIELDS)),
    "/account/email": ("email",),
    "/account/email/code": ("code",),
    "/account/password": ("current", "password"),
    "/account/sessions": ("session", "which"),
    "/account/applications": ("client_id",),
    "/account/two-factor/set-up": ("code",),
    "/account/two-factor/turn-off": ("code",),
    "/account/picture": ("picture", "remove_"),
}
TYPES = {
    "JSON": ("application/json", '{{"csrf_token": "{token}"}}'),
    "text": ("text/plain", "csrf_token={token}"),
    "XML": ("application/xml", "<csrf_token>{token}</csrf_token>"),
    "nothing": ("", "csrf_token={token}"),
    "UTF-16": ("application/x-www-form-urlencoded; charset=utf-16", "c\0s\0r\0f\0_\0t\0o\0k\0e\0n\0=\0x"),
}


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


def stored(work: Work) -> dict[str, list[str]]:
    """Everything but the log of what happened."""
    with work() as w:
        return everything_stored(w.read, but={"audit_events"})


def token_on(browser: Browser, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.open(path).html)
    assert found is not None
    return found[1]


def post(browser: Browser, path: str, token: str, fields: dict[str, str]) -> httpx2.Response:
    headers = {"sec-fetch-site": "same-origin", "accept": "text/html"}
    return browser.client.post(path, data={"csrf_token": token, **fields}, headers=headers)


def test_half_a_sign_in_opens_no_page_of_the_account(browser: Browser, work: Work, ada: str) -> None:
    """N-15: a session that owes its second factor, at every one of them."""
    with work() as w:
        seed = w.vault.encrypt(pyotp.random_base32().encode(), purpose=SEED, context=ada)
        totp.add(w.db, TotpCredential(ada, seed, w.now, 0))
    assert sign_in(browser).path == "/login/second-factor"
    token, before = csrf_of(browser.client), stored(work)
    with all_of_them() as each:
        for path, method in PAGES:
            with each(method, path):
                if method == "POST":
                    sent = {"which": "all", "sure": "yes", "current": PASSWORD, "email": "e@x.test"}
                    answer = post(browser, path, token, sent)
                else:
                    answer = browser.client.get(path)
                assert answer.status_code == 303
                assert answer.headers["location"].startswith("/login?")
                assert stored(work) == before


def test_a_page_from_before_the_sign_in_is_no_longer_current(browser: Browser, work: Work, ada: str) -> None:
    """N-16: its token was made for a browser, not for the session."""
    token = token_on(browser, "/login")
    assert sign_in(browser).path == "/account"
    before = stored(work)
    with all_of_them() as each:
        for path in SOME_FORMS:
            with each(path):
                assert post(browser, path, token, {"which": "all", "sure": "yes"}).status_code == 403
                assert stored(work) == before
    assert is_signed_in(browser)


def test_a_token_in_the_address_is_not_looked_for(browser: Browser, work: Work, ada: str) -> None:
    """N-17: addresses are kept in histories and logs."""
    sign_in(browser)
    token, before = token_on(browser, "/account/email"), stored(work)
    with all_of_them() as each:
        for path in SOME_FORMS:
            with each(path):
                answer = browser.client.post(f"{path}?csrf_token={token}", data={"which": "all"})
                assert answer.status_code == 403
                assert stored(work) == before


def test_a_body_that_is_no_form_changes_nothing(browser: Browser, work: Work, ada: str) -> None:
    """N-18: what another site can send without asking first, or what a form of ours never is."""
    sign_in(browser)
    token, before = token_on(browser, "/account/email"), stored(work)
    with all_of_them() as each:
        for path in SOME_FORMS:
            for kind, (media_type, body) in TYPES.items():
                with each(path, kind):
                    headers = {"content-type": media_type, "sec-fetch-site": "same-origin"}
                    answer = browser.client.post(path, content=body.format(token=token).encode(), headers=headers)
                    assert answer.status_code == 403
            with each(path):
                assert stored(work) == before


OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"]


def test_a_method_is_the_one_that_was_sent(browser: Browser, work: Work, ada: str) -> None:
    """N-19: no header and no field makes a GET a POST, or a POST something else."""
    sign_in(browser)
    before = stored(work)
    with all_of_them() as each:
        for path in SOME_FORMS:
            usual = browser.client.get(path)
            for name in OVERRIDES:
                with each(path, name):
                    assert browser.client.get(path, headers={name: "POST"}).status_code == usual.status_code
                    answer = browser.client.post(path, data={"_method": "GET"}, headers={name: "GET"})
                    assert answer.status_code == 403
            for method in ("PUT", "PATCH", "DELETE", "TRACE"):
                with each(path, method):
                    answer = browser.client.request(method, path, headers={"accept": "text/html"})
                    assert answer.status_code == 405
                    assert "POST" in answer.headers["allow"]
            with each(path):
                assert stored(work) == before


def test_what_changes_something_cannot_be_linked_to(browser: Browser, work: Work, ada: str) -> None:
    """N-20."""
    sign_in(browser)
    token, before = token_on(browser, "/account/email"), stored(work)
    with all_of_them() as each:
        for path in [*(path for path in FORMS if (path, "GET") not in PAGES), "/sign-out", "/keep-account"]:
            with each(path):
                answer = browser.client.get(f"{path}?csrf_token={token}&which=all&sure=yes")
                if answer.status_code == 405:
                    assert answer.headers["allow"] == "POST"
                else:  # to the page that the form is on
                    assert (answer.status_code, urlsplit(answer.headers["location"]).path) == (303, FORM_ON[path])
                assert stored(work) == before


CONDITIONS = {
    "if-none-match": "*",
    "if-match": '"nothing"',
    "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT",
    "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT",
    "range": "bytes=0-10",
}


def test_a_page_is_whole_and_new_each_time(browser: Browser, ada: str) -> None:
    """N-21: no condition and no range makes a personal page something to keep, or to ask about."""
    sign_in(browser)
    for path in ("/account", "/account/sessions", "/account/activity", "/account/profile", "/login?prompt=login"):
        usual = browser.client.get(path)
        for name, value in CONDITIONS.items():
            answer = browser.client.get(path, headers={name: value})
            assert answer.status_code == 200, (path, name)
            assert len(answer.text) == len(usual.text)
            assert answer.headers["cache-control"] == "no-store"
            assert not {"etag", "last-modified", "accept-ranges"} & answer.headers.keys()


def everywhere(browser: Browser, values: Sequence[str]) -> Iterator[tuple[str, str, httpx2.Response]]:
    """Two of these values in each field of each form, or all of them: in public, then signed in."""
    turn = count()
    for forms, page in ((PUBLIC_FORMS, "/login?prompt=login"), (ACCOUNT_FORMS, "/account/email")):
        if forms is ACCOUNT_FORMS:
            sign_in(browser)
        token = token_on(browser, page)
        for path, name in ((path, name) for path, names in forms.items() for name in names):
            for value in effort((values[next(turn) % len(values)], values[next(turn) % len(values)]), values):
                yield path, name, post(browser, path, token, {name: value})


def test_no_field_is_too_long_for_an_answer(browser: Browser, work: Work, ada: str) -> None:
    """N-22: as much as a form may hold, in any field."""
    long = ["x" * 60_000, "\u0130" * 10_000, "@" * 20_000, "a@" + "b." * 25_000 + "test", "\u0301" * 10_000]
    for path, name, answer in everywhere(browser, long):
        assert answer.status_code < 500, (path, name)
        assert len(answer.content) < 250_000, (path, name)


def test_no_character_is_too_odd_for_an_answer(browser: Browser, work: Work, ada: str) -> None:
    """N-23: NUL, which PostgreSQL keeps in no text, control characters, and what is no character."""
    odd = ["\0", "a\0b@example.test", "1\0", "\x01\x1b[31m", "\ufeff", "\ufffe\uffff"]
    for path, name, answer in everywhere(browser, odd):
        assert answer.status_code < 500, (path, name)


@in_one_world("path", ["/login", "/signup", "/forgot-password", "/reset-password", "/keep-account"])
def test_a_field_is_one_text(browser: Browser, work: Work, ada: str, path: str) -> None:
    """N-24: `name[]`, `name.x` and `name[0]` are other fields, and of a field sent twice the first one counts."""
    token, before = token_on(browser, "/login"), stored(work)
    right = {"username": ADDRESS, "email": "eve@example.test", "password": PASSWORD, "token": "x", "ticket": "x"}
    for shape in ("{}[]", "{}[0]", "{}.x", "{}[$ne]"):
        fields = {shape.format(name): right.get(name, "x") for name in PUBLIC_FORMS[path]}
        assert post(browser, path, token, fields).status_code in {303, 400, 410}
    assert not is_signed_in(browser)
    assert stored(work)["users"] == before["users"]
    twice = [("csrf_token", token), ("username", "nobody@example.test"), ("username", ADDRESS), ("password", PASSWORD)]
    body = "&".join(f"{name}={value}" for name, value in twice)
    headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    assert browser.client.post("/login", content=body, headers=headers).status_code == 400
    assert not is_signed_in(browser)


@in_one_world(
    "path",
    ["/account/", "/%2faccount", "/ACCOUNT", "/account/.", "/account//sessions", "/account/sessions/", "/account;x",
     "/account%2fsessions", "/account%00", "/account/sessions%20", "/./account", "/x/../account/sessions"],
)  # fmt: skip
def test_no_spelling_of_an_address_gets_around_the_sign_in(
    app: Starlette, ada: str, browser: Browser, path: str
) -> None:
    """N-25: it is the page, which asks, or it is none."""
    answer = TestClient(app, base_url=browser.issuer, follow_redirects=False).get(path)
    assert answer.status_code in {303, 404}
    assert ADDRESS not in answer.text
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("/login?")


@pytest.mark.parametrize(
    "agent",
    ["<svg onload=alert(1)>", "x" * 5000, "\xff\xfe\x80", "\x01\x1b[2J", "{{7*7}}", "Mozilla/5.0 (\u202egnp.exe)"],
    ids=range(6),
)
def test_what_a_browser_says_of_itself_is_text(browser: Browser, ada: str, agent: str) -> None:
    """N-26: stored with the session and shown to its owner."""
    token = token_on(browser, "/login")
    fields = {"csrf_token": token, "username": ADDRESS, "password": PASSWORD}
    headers = {"user-agent": agent.encode("latin-1", "ignore"), "sec-fetch-site": "same-origin"}
    answer = browser.client.post("/login", data=fields, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 303
    for path in ("/account/sessions", "/account/activity"):
        page = browser.open(path)
        assert page.status == 200
        assert "<svg" not in page.html.replace('<svg class="', "")
        assert "\x1b" not in page.html
        assert len(page.html) < 50_000


def test_a_cookie_is_good_under_its_own_name_only(
    browser: Browser, new_browser: Callable[[], Browser], ada: str
) -> None:
    """N-27: the value of the session's is no device's, a device's and a browser's are no session's."""
    sign_in(browser)
    values = {name: browser.cookies[f"__Host-{name}"] for name in ("signet", "signet-device", "signet-browser")}
    for name, value in values.items():
        if name != "signet":
            other = new_browser()
            other.cookies.set("__Host-signet", value, domain="id.example.test")
            assert not is_signed_in(other), name
    assert len(set(values.values())) == 3
