"""An issuer with a path, behind a proxy that keeps the path or strips it: nothing leads out of the path."""

import re
from http.cookies import SimpleCookie
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from provider.config.issuer import TAKEN_PATHS
from provider.config.settings import Settings
from provider.routes import routes
from provider.web.base_path import BasePath, with_base_path
from provider.work import Installation
from tests.support.browser import Browser
from tests.support.effort import THOROUGH, effort
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.people import ADDRESS, sign_in, sign_up
from tests.support.relying_party import TWO_FACTORS, sign_in_person
from tests.support.server_process import REPOSITORY

BASE = "/auth"
HERE = ISSUER + BASE
WELL_KNOWN = ("openid-configuration", "oauth-authorization-server")


class Proxy:
    """The site at ISSUER: what is below `base`, or well-known for it, is Signet's. The rest is somebody else's."""

    def __init__(self, app: ASGIApp, base: str, *, strips: bool) -> None:
        self.app, self.base, self.strips = app, base, strips
        self.left: list[str] = []
        """Paths of the other site that were asked for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == self.base or path.startswith(f"{self.base}/"):
            kept = path.removeprefix(self.base) or "/"
            scope = {**scope, "path": kept if self.strips else path}
        elif not re.fullmatch(rf"/\.well-known/[^/]+{self.base}(/.*)?", path):
            self.left.append(path)
            await PlainTextResponse("another site", 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, issuer=f"{HERE}/", registration="open")


@pytest.fixture(params=[False, True], ids=["kept", "stripped"])
def site(app: Starlette, request: pytest.FixtureRequest) -> Proxy:
    return Proxy(app, BASE, strips=request.param)


@pytest.fixture
def browser(site: Any) -> Browser:
    return Browser(site, HERE)


def is_signed_in_at(browser: Browser) -> bool:
    return browser.open("/account").path == f"{BASE}/account"


@pytest.fixture
def client(site: Any) -> TestClient:
    return TestClient(site, base_url=ISSUER, follow_redirects=False)


def test_somebody_signs_up_by_email_and_gets_around(browser: Browser, site: Proxy, inbox: Inbox) -> None:
    """Redirects, forms, the link in the email and cookies stay below the issuer's path (RFC 6265 section 5.1.4)."""
    sign_up(browser)
    link = inbox.latest(ADDRESS).link
    assert link.startswith(f"{HERE}/verify-email/")
    browser.open(link)
    browser.submit()
    sign_in(browser)
    assert is_signed_in_at(browser)
    cookies = list(browser.cookies.jar)
    assert cookies
    assert {(cookie.path, cookie.name.startswith("__Secure-signet"), cookie.secure) for cookie in cookies} == {
        (BASE, True, True)
    }
    browser.open("/account")
    browser.submit(button="Sign out")
    assert not is_signed_in_at(browser)
    assert site.left == []


def test_no_page_of_an_account_or_of_the_console_links_out_of_the_path(
    browser: Browser, site: Proxy, installation: Installation, work: Work
) -> None:
    """Every link, form and file of every page that an operator can reach by links, in each language."""
    with work() as w:
        operator = make_user(w, ADDRESS, roles=("admin",))
        make_client(w, client_name="Shop", redirect_uris=("https://app.test/cb",))
    sign_in_person(browser.client, installation, operator, amr=TWO_FACTORS)
    seen, waiting = set(), ["/account", "/admin", "/login?prompt=login", "/signup", "/forgot-password", "/device"]
    waiting += ["/signed-out", "/account?ui_locales=de", "/account?ui_locales=fr", "/nowhere", "/admin/audit?live=yes"]
    while waiting:
        url = HERE + waiting.pop()
        if (place := re.sub(r"\?(?!live=).*|[0-9a-f-]{36}|(?<=/emails/)\w+", "", url)) in seen and "locales" not in url:
            continue
        seen.add(place)
        page = browser.open(url)
        assert page.status in {200, 404} if url.endswith("/nowhere") else page.status == 200, url
        if not page.response.headers["content-type"].startswith("text/html"):
            continue
        targets = re.findall(r'\s(?:href|src|srcset|action)="([^"#]+)"', page.html)
        assert targets
        # Also what a script reads: whatever begins like a path is one, except in fields.
        targets += re.findall(r'\s(?!value=)[\w-]+="(/[^"]*)"', page.html)
        for target in targets:
            allowed = (
                f"{BASE}/",
                installation.settings.issuer,
                "mailto:",
                "https://app.test",
            )  # in emails, links are absolute
            assert target.startswith(allowed), f"{target} on {url}"
        links = re.findall(rf'\s(?:href|src|srcset)="{BASE}([^"#]+)"', page.html)
        # What Signet writes into a page does not depend on whether the proxy strips the path.
        waiting += [link.replace("&amp;", "&") for link in links] if THOROUGH or not site.strips else []
    assert len(seen) > (40 if THOROUGH or not site.strips else 5)
    assert site.left == []


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_discovery_is_at_both_well_known_places(client: TestClient, name: str) -> None:
    """OIDC Discovery section 4 appends; RFC 8414 section 3.1 inserts, and section 5 names the other for OIDC."""
    appended, inserted = (client.get(path) for path in (f"{BASE}/.well-known/{name}", f"/.well-known/{name}{BASE}"))
    assert appended.status_code == inserted.status_code == 200
    metadata = appended.json()
    assert metadata == inserted.json()
    assert metadata["issuer"] == HERE
    urls = [value for value in metadata.values() if isinstance(value, str)] + metadata["protected_resources"]
    assert all(url == HERE or url.startswith(f"{HERE}/") for url in urls)
    assert client.get(metadata["jwks_uri"]).status_code == 200
    preflight = {"origin": "https://app.test", "access-control-request-method": "GET"}
    assert client.options(f"/.well-known/{name}{BASE}", headers=preflight).status_code == 204


@pytest.mark.parametrize("path", ["/oauth2/userinfo", "/api/account/profile", "/api/admin/users"])
def test_a_challenge_names_metadata_that_can_be_read(client: TestClient, path: str) -> None:
    """RFC 9728 sections 3.1 and 5.1: the well-known part goes between host and path."""
    challenge = client.get(BASE + path).headers["www-authenticate"]
    found = re.search(r'resource_metadata="([^"]+)"', challenge)
    assert found
    assert found[1].startswith(f"{ISSUER}/.well-known/oauth-protected-resource{BASE}/")
    metadata = client.get(found[1]).json()
    assert f"{HERE}{path}".startswith(metadata["resource"])
    assert metadata["authorization_servers"] == [HERE]
    own = client.get(f"/.well-known/oauth-protected-resource{BASE}").json()
    assert own["resource"] == HERE


def test_the_code_flow_runs_below_the_path(browser: Browser, site: Proxy, work: Work) -> None:
    """From authorize through the pages to the token, userinfo and back from logout."""
    with work() as w:
        make_user(w, ADDRESS, password=PASSWORD)
        shop, secret = make_client(w, redirect_uris=("https://app.test/cb",), require_pkce=False)
    asked = {"client_id": shop.client_id, "response_type": "code", "scope": "openid", "nonce": "n"}
    page = browser.client.get("/oauth2/authorize", params={**asked, "redirect_uri": "https://app.test/cb"})
    assert page.headers["location"].startswith(f"{BASE}/")
    browser.open(ISSUER + page.headers["location"])
    browser.submit({"Email address": ADDRESS, "Password": PASSWORD})
    if browser.left_to is None:
        browser.submit(button="Allow")
    assert browser.left_to is not None
    code = re.search(r"code=([^&]+)", browser.left_to)
    assert code
    form = {"grant_type": "authorization_code", "code": code[1], "redirect_uri": "https://app.test/cb"}
    tokens = browser.client.post("/oauth2/token", data=form, auth=(shop.client_id, secret or "")).json()
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert browser.client.get("/oauth2/userinfo", headers=bearer).status_code == 200
    browser.open(f"/oauth2/logout?id_token_hint={tokens['id_token']}")
    assert not is_signed_in_at(browser)
    assert site.left == []


def test_documents_and_registrations_name_urls_below_the_path(client: TestClient) -> None:
    assert client.get(f"{BASE}/api/account/openapi.json").json()["servers"] == [{"url": HERE}]
    metadata = {"redirect_uris": ["https://app.test/cb"], "client_name": "Shop"}
    registered = client.post(f"{BASE}/oauth2/register", json=metadata).json()
    assert registered["registration_client_uri"].startswith(f"{HERE}/oauth2/register/")


@pytest.mark.parametrize("path", [BASE, f"{BASE}/"])
def test_the_path_itself_is_the_home_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["location"].startswith(f"{BASE}/")) == (303, True)


def test_cookies_of_an_issuer_with_a_path_are_limited_to_it(client: TestClient) -> None:
    """RFC 6265bis section 4.1.3.2: `__Host-` demands the path `/`, so other apps of the host would get the session."""
    cookie = SimpleCookie(client.get(f"{BASE}/login").headers["set-cookie"])
    [(name, morsel)] = cookie.items()
    assert (name, morsel["path"], morsel["secure"]) == ("__Secure-signet-browser", BASE, True)
    assert morsel["domain"] == ""


def test_only_our_own_urls_in_attributes_get_the_path() -> None:
    html = '<a href="/x"><img src="//other/x"><p>href="/x"</p><a href="https://o/x"><form action="/y" data-ask="/z">'
    html += '<tbody data-follow="/w">'
    assert with_base_path(html, BASE) == (
        f'<a href="{BASE}/x"><img src="//other/x"><p>href="/x"</p><a href="https://o/x">'
        f'<form action="{BASE}/y" data-ask="{BASE}/z"><tbody data-follow="{BASE}/w">'
    )
    assert with_base_path(html, "") == html


def test_an_issuer_may_be_named_like_a_route_of_ours(settings: Settings) -> None:
    """https://example.com/oauth2 and the like mean the same behind both proxies. TAKEN_PATHS has those that do not."""
    every = [route for route in routes(Settings()) if isinstance(route, Route)]
    paths = {re.sub(r"{\w+(:\w+)?}", "x", route.path) for route in every}
    parts = {path[: at.start()] for path in paths for at in re.finditer(r"(?<=.)/|$", path)} - {"", "/"}
    bases = [base for base in parts if "x" not in base.split("/") and not f"{base}/".startswith(_taken())]
    assert {"/oauth2", "/account", "/login", "/device"} <= set(bases)
    for base in effort(sorted(bases)[::24], sorted(bases)):
        below = BasePath(_nothing, base, every)
        for path in paths:
            scope = {"type": "http", "method": "GET", "path": f"{base}{path}", "headers": []}
            kept = below._below_issuer(scope)  # the whole decision, of a few thousand URLs
            assert kept == path, (base, path)
            if path.startswith("/.well-known/"):
                continue  # a proxy never strips what is not below the issuer's path
            scope["path"] = path
            stripped = below._below_issuer(scope)
            assert any(route.matches({**scope, "path": stripped})[0] is not Match.NONE for route in every), (base, path)


def test_the_documentation_names_the_paths_that_an_issuer_cannot_have() -> None:
    section = (REPOSITORY / "docs/reference/settings.md").read_text().partition("It cannot begin with ")[2]
    assert set(re.findall(r"`(/[^`]+)`", section.partition(".\n")[0])) == set(TAKEN_PATHS)


def _taken() -> tuple[str, ...]:
    return tuple(f"{path}/" for path in TAKEN_PATHS)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    pass
