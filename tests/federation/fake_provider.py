"""An upstream OpenID Provider that says whatever a test wants, and the way of a browser through it."""

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from provider.outbound.answers import Answer, OutboundFailed
from tests.support.browser import Browser, Page
from tests.support.clock import Clock

ISSUER = "https://op.example.test"
CLIENT_ID = "signet-at-example"
CLIENT_SECRET = "the secret of this client at Example"
USERINFO = f"{ISSUER}/userinfo"
DISCOVERY, JWKS, TOKEN = f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/jwks", f"{ISSUER}/token"

Reply = dict[str, Any] | tuple[int, bytes] | str
"""A JSON body; a status and a body; or why nothing came back."""


@lru_cache
def rsa_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}, private=True)


@lru_cache
def ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid}, private=True)


class FakeProvider:
    """Stands in for the network (`Installation.outbound`). What it says by default is right."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.key: Any = rsa_key("first")
        self.alg = "RS256"
        self.published: list[Any] = [self.key]
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": TOKEN,
            "jwks_uri": JWKS,
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }
        self.claims: dict[str, Any] = {"sub": "ada-at-example", "email": "ada@example.test", "email_verified": True}
        """Of whoever sits at the browser; a claim that is None is left out of the token."""
        self.userinfo: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = self._sign
        self.replies: dict[str, Reply] = {}
        """By URL: what is answered instead."""
        self.asked: list[str] = []
        """Every URL that was fetched or posted to."""
        self.forms: list[tuple[dict[str, str], dict[str, str]]] = []
        """Form and headers of every token request."""
        self.by_code: dict[str, dict[str, Any]] = {}
        """Claims of whoever was sent back with this code."""
        self._codes: dict[str, dict[str, str]] = {}

    # The network, as `Outbound` has it

    def fetch(self, url: str, *, accept: Collection[str]) -> Answer:
        documents: dict[str, Reply] = {
            DISCOVERY: self.metadata,
            JWKS: {"keys": [key if isinstance(key, dict) else key.as_dict(private=False) for key in self.published]},
        }
        answer = self._reply(url, documents[url])
        if answer.status != 200:
            raise OutboundFailed(f"it answered {answer.status}")
        assert answer.content_type in accept
        return answer

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        assert (headers or {})["Authorization"] == "Bearer unused"
        return self._reply(url, self.userinfo)

    def post_form(self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
        self.forms.append((dict(form), dict(headers or {})))
        asked = self._codes.pop(form["code"], None)
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return self._reply(url, (400, b'{"error": "invalid_grant"}'))
        return self._reply(
            url,
            {
                "access_token": "unused",
                "token_type": "Bearer",
                "id_token": self._id_token(asked, **self.by_code.get(form["code"], {})),
            },
        )

    def _reply(self, url: str, usual: Reply) -> Answer:
        self.asked.append(url)
        reply = self.replies.get(url, usual)
        if isinstance(reply, str):
            raise OutboundFailed(reply)
        status, body = (200, json.dumps(reply).encode()) if isinstance(reply, dict) else reply
        return Answer(status, "application/json", body)

    # What happens at it

    def authorize(self, url: str, **answer: str | None) -> str:
        """Its user signs in there. Where the browser is sent back to; `answer` are changes to what it brings."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        given: dict[str, str | None] = {"code": code, "state": asked["state"], **answer}
        brought = {name: value for name, value in given.items() if value is not None}
        return f"{asked['redirect_uri']}?{urlencode(brought)}"

    def _id_token(self, asked: dict[str, str], **changes: Any) -> str:
        now = int(self.clock.now.timestamp())
        claims = {"iss": ISSUER, "aud": asked["client_id"], "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        return self.sign(
            {name: value for name, value in {**claims, **self.claims, **changes}.items() if value is not None}
        )

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": self.alg, "kid": self.key.kid}, claims, self.key, algorithms=[self.alg])


class Traveller:
    """Somebody at a browser who goes to the fake provider and comes back."""

    def __init__(self, browser: Browser, provider: FakeProvider) -> None:
        self.browser = browser
        self.provider = provider

    def leave(self, start: str = "/login", *, button: str = "Sign in with Example") -> str:
        """Press the button on a page of ours. The URL at the provider that the browser is sent on to."""
        self.browser.open(start)
        return self.press(button)

    def press(self, button: str) -> str:
        page = self.browser.submit(button=button)
        assert page.status == 200, page
        url = page.links["Continue to Example"]
        assert f'content="0; url={url}"'.replace("&", "&amp;") in page.html
        return url

    def come_back(self, url: str, **answer: str | None) -> Page:
        return self.browser.open(self.provider.authorize(url, **answer))

    def sign_in(self, start: str = "/login", **answer: str | None) -> Page:
        return self.come_back(self.leave(start), **answer)

    def link(self, **answer: str | None) -> Page:
        """For somebody who is signed in."""
        return self.come_back(self.leave("/account/linked", button="Link Example"), **answer)
