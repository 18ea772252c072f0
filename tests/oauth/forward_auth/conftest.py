"""A protected site behind a proxy, without a proxy: what it asks, and a browser at the site and at Signet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.groups.members import add_member
from provider.config.settings import Settings
from provider.oauth.clients.clients import Client, create_client
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.protected_sites.sites import OF_NEW_CLIENT
from tests.oauth.conftest import Person
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import ISSUER, Work, settings_for

WIKI = "wiki.example.test"
PROXY = "10.9.9.9"
PAGE = {"accept": "text/html", "sec-fetch-mode": "navigate"}

PATHS = {
    "/health": {"bypass": True},
    "/admin": {"allowed_groups": ["admins"]},
    "/admin/public": {"bypass": True},
    "/vault": {"required_factor": "two-factor"},
}

Protect = Callable[..., Client]


@dataclass
class Visitor:
    """A browser at protected sites, and the proxy that asks for it."""

    http: WatchedClient
    signet: WatchedClient
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    """The cookies of each site, which browsers keep apart."""

    def ask(
        self, uri: str | bytes = "/", *, host: str = WIKI, method: str = "GET", redirect: str = "", **headers: str
    ) -> httpx2.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} or PAGE
        asked: dict[str, str | bytes] = {"x-forwarded-method": method, "x-forwarded-uri": uri}
        return self._send("GET", f"/forward-auth{redirect}", host, {**sent, **asked})

    def go(self, uri: str, *, host: str = WIKI, **headers: str) -> httpx2.Response:
        """Request a path of the site that its proxy passes to Signet."""
        return self._send(
            "GET", uri, host, {**PAGE, **{name.replace("_", "-"): text for name, text in headers.items()}}
        )

    def _send(self, method: str, path: str, host: str, headers: Mapping[str, str | bytes]) -> httpx2.Response:
        jar = self.cookies.setdefault(host, {})
        about: dict[str, str | bytes] = {
            "x-forwarded-proto": "https",
            "x-forwarded-host": host,
            "x-forwarded-for": "203.0.113.7",
        }
        if jar:
            about["cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        self.http.cookies.clear()
        answer = self.http.request(method, path, headers={**about, **headers})
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0].strip('"')
            jar.pop(name, None)
            if value:
                jar[name] = value
        return answer

    def authorize(self, answer: httpx2.Response) -> httpx2.Response:
        """Follow the redirect of an answer to Signet."""
        assert answer.status_code == 302, answer.text
        return self.signet.get(answer.headers["location"].removeprefix(ISSUER))

    def sign_in(self, uri: str | bytes = "/", *, host: str = WIKI) -> httpx2.Response:
        back = self.authorize(self.ask(uri, host=host))
        callback = urlsplit(back.headers["location"])
        assert callback.netloc == host, back.headers
        return self.go(f"{callback.path}?{callback.query}", host=host)


def join(work: Work, user_id: str, *names: str) -> None:
    with work() as w:
        for name in names:
            create_group(w, name, GroupSettings())
            add_member(w, name, user_id=user_id)


def query_of(answer: httpx2.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, trusted_proxies=frozenset({PROXY}), allowed_hosts=frozenset({WIKI}))


@pytest.fixture
def protect(work: Work, hosts: set[str]) -> Protect:
    def make(*hostnames: str, **changes: Any) -> Client:
        sites = [f"https://{name}" for name in hostnames or (WIKI,)]
        hosts.update(hostnames or (WIKI,))
        given = dict(OF_NEW_CLIENT) | {"client_name": "Wiki", "protected_sites": sites, **changes}
        with work() as w:
            return create_client(w, parse_metadata(given))[0]

    return make


@pytest.fixture
def visitor(new_http: Callable[[], WatchedClient], person: Person, hosts: set[str]) -> Callable[..., Visitor]:
    hosts.add(urlsplit(ISSUER).netloc)

    def make(user_id: str | None = None, *, amr: str = "pwd") -> Visitor:
        http = new_http()
        http.come_from(PROXY)
        return Visitor(http, person(user_id, amr=amr))

    return make
