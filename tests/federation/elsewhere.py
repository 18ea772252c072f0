"""The servers of all presets in one: a real one on loopback, over TLS, whatever name it is asked by."""

import json
import secrets
import socket
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.federation.fake_provider import ec_key, rsa_key
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.foreign_server import Behaviour, ForeignServer, Request, answer

TENANT = "11111111-2222-3333-4444-555555555555"
OTHER_TENANT = "99999999-2222-3333-4444-555555555555"
MICROSOFT = "https://login.microsoftonline.com"
APPLE_KEY: ECKey = ec_key("apple")
HOSTS = (
    "accounts.google.com",
    "api.github.com",
    "appleid.apple.com",
    "discord.com",
    "github.com",
    "gitlab.com",
    "graph.facebook.com",
    "login.microsoftonline.com",
)
ADDRESS = "ada@gmail.com"
ISSUERS = {
    "apple": "https://appleid.apple.com",
    "discord": "https://discord.com",
    "facebook": "https://www.facebook.com",
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "google": "https://accounts.google.com",
    "microsoft": f"{MICROSOFT}/{TENANT}/v2.0",
}
SUBJECTS = {
    "apple": "001234.0123456789abcdef0123456789abcdef.0123",
    "discord": "80351110224678912",
    "facebook": "10223344556677889",
    "github": "583231",
    "gitlab": "583232",
    "google": "110248495921238986420",
    "microsoft": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
}
TABLES: dict[str, dict[str, Any]] = {
    name: {"preset": name, "client_id": f"us-at-{name}", "client_secret": "s", "may_create_accounts": True}
    for name in ISSUERS
}
TABLES["apple"] |= {
    "client_id": "com.example.id",
    "team_id": "TEAM123456",
    "key_id": "KEY1234567",
    "private_key": APPLE_KEY.as_pem(private=True).decode(),
}
del TABLES["apple"]["client_secret"]
WITHOUT_OIDC = ("discord", "facebook", "github")


class Elsewhere:
    """What they say. By default, all of it is right and about one person."""

    def __init__(self, clock: Clock, server: ForeignServer) -> None:
        self.clock, self.server = clock, server
        server.behaviour = self._serve
        self.preset = ""
        """The one that the person is at."""
        self.subject: Any = None
        """Another than that of SUBJECTS."""
        self.email: str | None = ADDRESS
        self.verified = True
        self.claims: dict[str, Any] = {}
        """Changes to the ID token."""
        self.asked: dict[str, str] = {}
        """The last authorization request."""
        self.forms: list[dict[str, str]] = []
        self.odd: dict[str, Behaviour] = {}
        """By host and path: what is done instead."""
        self.key_issuer: str | None = f"{MICROSOFT}/{{tenantid}}/v2.0"

    def lookup(self, _host: str, _port: int) -> list[Any]:
        return socket.getaddrinfo("127.0.0.1", self.server.port, type=socket.SOCK_STREAM)

    def _serve(self, connection: socket.socket, request: Request) -> None:
        place = request.headers["host"] + urlsplit(request.target).path
        if place in self.odd:
            self.odd[place](connection, request)
            return
        if request.method == "POST":
            self.forms.append(dict(parse_qsl(request.body.decode())))
            body: Any = {"access_token": "theirs", "token_type": "bearer"}
            if self.preset not in WITHOUT_OIDC:
                body["id_token"] = self.id_token()
        else:
            body = self._document(place)
        answer(json.dumps(body))(connection, request)

    def _document(self, place: str) -> Any:
        subject = SUBJECTS[self.preset] if self.subject is None else self.subject
        if place.endswith("/.well-known/openid-configuration"):
            base = f"https://{place.partition('/')[0]}"
            issuer = f"{MICROSOFT}/{{tenantid}}/v2.0" if base == MICROSOFT else base
            endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            found = {name: f"{base}/{path}" for name, path in endpoints.items()}
            return {"issuer": issuer, "token_endpoint_auth_methods_supported": ["client_secret_post"], **found}
        if place.endswith("/keys"):
            key = rsa_key("first").as_dict(private=False)
            return {"keys": [key | ({"issuer": self.key_issuer} if self.preset == "microsoft" else {})]}
        users: dict[str, Any] = {
            "api.github.com/user": {
                "id": int(subject) if str(subject).isdigit() else subject,
                "login": "ada",
                "name": "Ada Lovelace",
                "email": "shown@example.test",
            },
            "api.github.com/user/emails": [
                {"email": "other@example.test", "primary": False, "verified": True},
                {"email": self.email, "primary": True, "verified": self.verified},
            ],
            "discord.com/api/users/@me": {
                "id": subject,
                "username": "ada",
                "global_name": "Ada Lovelace",
                "email": self.email,
                "verified": self.verified,
            },
            "graph.facebook.com/me": {"id": subject, "name": "Ada Lovelace", "email": self.email},
        }
        return users[place]

    def id_token(self) -> str:
        now = int(self.clock.now.timestamp())
        claims: dict[str, Any] = {
            "iss": ISSUERS[self.preset],
            "sub": SUBJECTS[self.preset] if self.subject is None else self.subject,
            "aud": self.asked["client_id"],
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked["nonce"],
            "email": self.email,
        }
        if self.preset == "microsoft":
            claims |= {"tid": TENANT, "name": "Ada Lovelace"} | ({"xms_edov": True} if self.verified else {})
        else:
            claims["email_verified"] = "true" if self.verified and self.preset == "apple" else self.verified
        if self.preset in {"google", "gitlab"}:
            claims["name"] = "Ada Lovelace"
        told = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "first"}, told, rsa_key("first"))

    def leave(self, browser: Browser, preset: str, start: str = "/login") -> str:
        """Press the button of a preset. Returns the URL there."""
        self.preset = preset
        name = {"github": "GitHub", "gitlab": "GitLab"}.get(preset, preset.capitalize())
        browser.open(start)
        page = browser.submit(button=f"Sign in with {name}")
        url = page.links.get(f"Continue to {name}", "")
        self.asked = dict(parse_qsl(urlsplit(url).query))
        return url

    def come_back(self, browser: Browser, **more: str) -> Page:
        """Be sent back with a code, as the provider does it: by a link, or by a form of its page (Apple)."""
        given = {"code": secrets.token_urlsafe(8), "state": self.asked["state"], **more}
        place = urlsplit(self.asked["redirect_uri"]).path
        if self.asked.get("response_mode") == "form_post":
            return browser.open(self.post(browser, place, given))
        return browser.open(f"{place}?{urlencode(given)}")

    def post(self, browser: Browser, place: str, given: dict[str, str]) -> str:
        """Send the form of another site's page: the browser leaves its cookies out. Returns where it is sent on to."""
        kept = list(browser.client.cookies.jar)
        browser.client.cookies.clear()
        headers = {"sec-fetch-site": "cross-site", "origin": "https://appleid.apple.com"}
        sent = browser.client.post(place, data=given, headers=headers, follow_redirects=False)
        assert "set-cookie" not in sent.headers
        for cookie in kept:
            browser.client.cookies.jar.set_cookie(cookie)
        assert sent.status_code == 303, sent.text
        return sent.headers["location"]

    def sign_in(self, browser: Browser, preset: str, **more: str) -> Page:
        self.leave(browser, preset)
        return self.come_back(browser, **more)
