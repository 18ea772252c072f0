"""The OpenID Foundation's conformance suite as these tests stand in for it: clients that register themselves, and a
person whose browser fills in whatever page comes, without scripts.

It knows the provider by its issuer alone, and talks https to it.
"""

import secrets
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from joserfc import jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from joserfc.util import json_b64encode

from tests.support.browser import Browser, Page
from tests.support.client_keys import Signatory, asserting, assertion_claims, mac
from tests.support.factories import PASSWORD
from tests.support.relying_party import basic, half_of
from tests.support.waiting import PATIENCE

EMAIL = "suite@example.test"
RP = "https://suite.example.test/test/a/signet"
CALLBACK = f"{RP}/callback"
PRINTABLE_TAIL = "-._~"
ERROR_MEMBERS = {"error", "error_description", "error_uri", "state", "session_state", "iss"}
ALL_RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")


@dataclass
class Provider:
    """The server under test."""

    issuer: str
    trusted: ssl.SSLContext

    @cached_property
    def http(self) -> httpx2.Client:
        """For what is asked without a browser: no cookies."""
        return httpx2.Client(verify=self.trusted, follow_redirects=False, timeout=PATIENCE)

    @cached_property
    def metadata(self) -> dict[str, Any]:
        response = self.http.get(f"{self.issuer}/.well-known/openid-configuration")
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("application/json")
        found: dict[str, Any] = response.json()
        return found

    def jwks(self) -> KeySet:
        with warnings.catch_warnings(category=SecurityWarning, action="ignore"):
            return KeySet.import_key_set(self.http.get(self.metadata["jwks_uri"]).json())

    def register_raw(self, **metadata: Any) -> httpx2.Response:
        return self.http.post(self.metadata["registration_endpoint"], json=metadata)

    @contextmanager
    def client(self, **metadata: Any) -> Iterator["SuiteClient"]:
        """A client of this test's own, as every module registers one, and unregisters it in the end."""
        response_types = metadata.get("response_types", ["code"])
        words = {word for one in response_types for word in one.split()}
        grant_types = ["authorization_code"] if "code" in words else []
        grant_types += ["implicit"] if words & {"token", "id_token"} else []
        keys = Signatory.of("RS256")
        given = {
            "client_name": "oidf-conformance",
            "grant_types": grant_types,
            "jwks": keys.jwks,
            "token_endpoint_auth_method": "client_secret_basic",
            "response_types": response_types,
            "redirect_uris": [CALLBACK],
            "contacts": ["certification@example.test"],
            **metadata,
        }
        response = self.register_raw(**{name: value for name, value in given.items() if value is not None})
        assert response.status_code == 201, response.text
        assert response.headers["content-type"].startswith("application/json")
        registered = response.json()
        assert "error" not in registered
        if "client_secret" in registered:
            assert registered["client_secret_expires_at"] == 0
        assert registered["registration_client_uri"].startswith("https://")
        client = SuiteClient(self, registered, keys)
        yield client
        bearer = {"authorization": f"Bearer {client.registered['registration_access_token']}"}
        gone = self.http.delete(registered["registration_client_uri"], headers=bearer)
        assert gone.status_code == 204


@dataclass
class Callback:
    """What came of one authorization request."""

    page: Page | None
    """Where the person was left, if not at the app."""
    seen: list[Page]
    """The pages of the provider on the way that wanted something of the person."""
    mode: str = ""
    target: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """The error that went to the app, in the right form (RFC 6749 section 4.1.2.1)."""
        assert self.page is None, str(self.page)
        assert self.parameters.keys() <= ERROR_MEMBERS, self.parameters
        assert self.parameters.get("state") == self.asked.get("state")
        description = self.parameters.get("error_description", "")
        assert all(" " <= character <= "~" and character not in '"\\' for character in description)
        return self.parameters["error"]

    @property
    def asked_to_sign_in(self) -> bool:
        return any(page.path == "/login" for page in self.seen)


class Person(Browser):
    """The browser of the one person there is: it signs in and allows whatever is asked, with scripts off."""

    def __init__(self, provider: Provider) -> None:
        self.client = httpx2.Client(verify=provider.trusted, follow_redirects=False, timeout=PATIENCE)  # type: ignore[assignment]  # a TestClient is one
        self.issuer = provider.issuer
        self.page = None
        self.left_to = None
        self.history = []

    def authorize(self, provider: Provider, asked: dict[str, str], *, by_post: bool = False) -> Callback:
        """One authorization request, through every page, until the app is reached or nothing is left to press."""
        url = provider.metadata["authorization_endpoint"]
        page = self._post(url, urlencode(asked).encode()) if by_post else self.open(f"{url}?{urlencode(asked)}")
        seen: list[Page] = []
        for _ in range(8):
            if self.left_to is not None:
                parts = urlsplit(self.left_to)
                text, mode = (parts.fragment, "fragment") if parts.fragment else (parts.query, "query")
                target = parts._replace(query="", fragment="").geturl()
                return Callback(None, seen, mode, target, dict(parse_qsl(text, keep_blank_values=True)), asked)
            to_the_app = next((form for form in page.forms if form.action.startswith(RP)), None)
            if to_the_app is not None:
                return Callback(None, seen, "form_post", to_the_app.action, dict(to_the_app.values()), asked)
            if page.path == "/login" and page.status == 200:
                seen.append(page)
                if page.heading == "Confirm it's you":
                    page = self.submit({"password": PASSWORD}, button="Confirm")
                else:
                    page = self.submit({"username": EMAIL, "password": PASSWORD}, button="Sign in")
            elif page.path == "/consent":
                seen.append(page)
                page = self.submit(button="Allow")
            else:
                return Callback(page, seen, asked=asked)
        raise AssertionError(f"in circles: {page}")


@dataclass
class Signed:
    """A finished flow: the answer, the token response if there was a code, and the claims of each ID token."""

    callback: Callback
    tokens: dict[str, Any]
    id_token: dict[str, Any]
    front: dict[str, Any]

    @property
    def access_token(self) -> str:
        return str(self.tokens.get("access_token") or self.callback.parameters["access_token"])

    @property
    def raw_id_token(self) -> str:
        return str(self.tokens.get("id_token") or self.callback.parameters["id_token"])


@dataclass
class SuiteClient:
    """A registered client, and the checks that the suite makes of everything it gets."""

    provider: Provider
    registered: dict[str, Any]
    keys: Signatory

    @property
    def client_id(self) -> str:
        return str(self.registered["client_id"])

    @property
    def secret(self) -> str:
        return str(self.registered["client_secret"])

    @property
    def response_type(self) -> str:
        return str(self.registered["response_types"][0])

    def request(self, **changes: Any) -> dict[str, str]:
        """What every module sends, with what this one changes; None leaves a parameter out."""
        asked = {
            "client_id": self.client_id,
            "redirect_uri": self.registered["redirect_uris"][0],
            "scope": "openid",
            "state": secrets.token_urlsafe(8) + PRINTABLE_TAIL,
            "nonce": secrets.token_urlsafe(8),
            "response_type": self.response_type,
            **changes,
        }
        return {name: str(value) for name, value in asked.items() if value is not None}

    def ask(self, person: Person, *, by_post: bool = False, **changes: Any) -> Callback:
        return person.authorize(self.provider, self.request(**changes), by_post=by_post)

    def sign_in(self, person: Person, *, by_post: bool = False, **changes: Any) -> Signed:
        """The happy flow, with every check of section 1."""
        return self.finish(self.ask(person, by_post=by_post, **changes))

    def finish(self, callback: Callback) -> Signed:
        given = callback.parameters
        assert callback.page is None, str(callback.page)
        assert "error" not in given, given
        asked = callback.asked
        words = set(asked["response_type"].split())
        assert callback.mode == asked.get("response_mode", "query" if words == {"code"} else "fragment")
        assert callback.target == asked["redirect_uri"].partition("?")[0]
        assert given.get("state") == asked.get("state")
        assert given["iss"] == self.provider.issuer
        front = self.verify(given["id_token"], asked, given, front=True) if "id_token" in words else {}
        if "token" in words:
            assert given["token_type"] == "Bearer"
            assert int(given["expires_in"]) > 0
        if "code" not in words:
            return Signed(callback, {}, front, front)
        assert len(given["code"]) >= 22  # 128 bits
        tokens = self.redeem(callback)
        assert tokens.status_code == 200, tokens.text
        body = tokens.json()
        assert tokens.headers["cache-control"] == "no-store"
        assert body["token_type"] == "Bearer"
        assert 0 < body["expires_in"] < 366 * 86400
        id_token = self.verify(body["id_token"], asked, body)
        if front:
            assert (front["iss"], front["sub"]) == (id_token["iss"], id_token["sub"])
        return Signed(callback, body, id_token, front)

    def authentication(self) -> tuple[dict[str, str], dict[str, str]]:
        method = self.registered["token_endpoint_auth_method"]
        if method == "none":
            return {}, {"client_id": self.client_id}
        if method == "client_secret_post":
            return {}, {"client_id": self.client_id, "client_secret": self.secret}
        # The OpenID modules name the token endpoint, not the issuer.
        claims = assertion_claims(self.client_id, self.provider.metadata["token_endpoint"])
        if method == "private_key_jwt":
            return {}, asserting(self.keys.sign(claims))
        if method == "client_secret_jwt":
            return {}, asserting(mac(claims, self.secret))
        return {"authorization": basic(self.client_id, self.secret)}, {}

    def post(self, endpoint: str, **form: str) -> httpx2.Response:
        headers, own = self.authentication()
        return self.provider.http.post(self.provider.metadata[endpoint], data={**form, **own}, headers=headers)

    def redeem(self, callback: Callback) -> httpx2.Response:
        code, uri = callback.parameters["code"], callback.asked["redirect_uri"]
        return self.post("token_endpoint", grant_type="authorization_code", code=code, redirect_uri=uri)

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """By GET with a header; the claims in the types of OIDC Core section 5.1, and nothing empty."""
        url, bearer = self.provider.metadata["userinfo_endpoint"], {"authorization": f"Bearer {access_token}"}
        response = self.provider.http.get(url, headers=bearer)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("application/json")
        claims: dict[str, Any] = response.json()
        require_typed(claims)
        return claims

    def verify(
        self,
        id_token: str,
        asked: dict[str, str],
        beside: dict[str, Any],
        *,
        front: bool = False,
        refreshed: bool = False,
    ) -> dict[str, Any]:
        """The ID token's claims, after section 1's checks."""
        alg = self.registered.get("id_token_signed_response_alg", "RS256")
        header = jws.extract_compact(id_token.encode()).headers()
        assert header["alg"] == alg
        assert header["kid"]
        with warnings.catch_warnings(category=SecurityWarning, action="ignore"):  # RFC 9864 would rather say Ed25519
            claims: dict[str, Any] = jwt.decode(id_token, self.provider.jwks(), algorithms=[alg]).claims
        assert claims["iss"] == self.provider.issuer
        assert claims["aud"] in (self.client_id, [self.client_id])
        assert abs(claims["iat"] - claims.get("auth_time", claims["iat"])) < 86400
        assert claims["iat"] < claims["exp"] < claims["iat"] + 366 * 86400
        assert claims.get("nonce") == asked.get("nonce") or (refreshed and "nonce" not in claims)
        assert 1 <= len(claims["sub"]) <= 255
        require_typed(claims)
        if front:
            for half, whole in (("at_hash", "access_token"), ("c_hash", "code")):
                assert claims.get(half) == (half_of(beside[whole], alg) if whole in beside else None)
        elif "at_hash" in claims:
            assert claims["at_hash"] == half_of(beside["access_token"], alg)
        return claims


def require_typed(claims: dict[str, Any]) -> None:
    for name, value in claims.items():
        assert value not in (None, "", "null", {}, []), name
        if name in {"email_verified", "phone_number_verified"}:
            assert isinstance(value, bool)
        elif name == "updated_at":
            assert isinstance(value, int)
            assert value > 631152000
        elif name == "address":
            assert all(isinstance(part, str) and part for part in value.values())


def unsigned(claims: dict[str, Any]) -> str:
    """A JWT with alg none."""
    return f"{json_b64encode({'alg': 'none'}).decode()}.{json_b64encode(claims).decode()}."
