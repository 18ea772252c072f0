"""A relying party as the tests tell of one: it asks, is answered through a browser, redeems, verifies, refreshes, ends.

    answer = rp.ask(browser, prompt="none")      # GET /oauth2/authorize; one answer, no redirect followed
    tokens = rp.redeem(answer)                   # POST /oauth2/token
    claims = rp.verify(tokens)                   # the ID token, against the published keys
    tokens = rp.sign_in(browser)                 # the three together

A parameter given as None is left out of the request. It knows the provider by its URLs and documents alone.
"""

import base64
import hashlib
import re
import secrets
import warnings
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from provider.accounts.store import users
from provider.crypto.digests import digest
from provider.oauth.authorize.parked_requests import record_sign_in
from provider.oauth.clients.clients import Client
from provider.sessions import lifecycle
from provider.sessions.active import find_active
from provider.sessions.idle import idle_since
from provider.web import cookies
from provider.work import Installation, unit_of_work
from tests.support.browser import Form, Page
from tests.support.client_certificates import Shown
from tests.support.client_keys import Signatory, asserting, assertion_claims, mac
from tests.support.dpop import Prover

ISSUER = "https://id.example.test"
AUTHORIZE = "/oauth2/authorize"
TOKEN = "/oauth2/token"
PAR = "/oauth2/par"
USERINFO = "/oauth2/userinfo"
INTROSPECT = "/oauth2/introspect"
REVOKE = "/oauth2/revoke"
LOGOUT = "/oauth2/logout"

TWO_FACTORS = "pwd otp mfa"
"""The amr of a sign-in with both factors."""


def sign_in_person(
    browser: httpx2.Client,
    installation: Installation,
    user_id: str,
    *,
    amr: str = "pwd",
    answering: str | None = None,
) -> str:
    """Give the browser a session of this person, as if they had just typed their password. The cookie's value.

    `answering`: on the sign-in page of the parked request with this request_uri.
    """
    with unit_of_work(installation) as work:
        user = users.find(work.read, user_id)
        assert user is not None
        cookie = lifecycle.open_session(work, user_id=user_id, security_stamp=user.security_stamp, factor=amr)
        if answering is not None:
            session = find_active(work.db, digest(cookie), now=work.now, idle_since=idle_since(work))
            assert session is not None
            mine = browser.cookies[cookies.cookie_name(installation.settings, cookies.BROWSER)]
            record_sign_in(work, answering, browser=mine, session_id=session.id)
    plant_cookie(browser, installation, cookie)
    return cookie


def plant_cookie(browser: httpx2.Client, installation: Installation, value: str) -> None:
    name = cookies.cookie_name(installation.settings, cookies.SESSION)
    host = urlsplit(installation.settings.issuer).hostname or ""
    browser.cookies.set(name, value, domain=host, path="/")


def challenge_of(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorization_url(client: Client, **asked: str) -> str:
    """The URL of a plain authorization request, for tests that never redeem the code."""
    parameters = {
        "client_id": client.client_id,
        "redirect_uri": client.metadata.redirect_uris[0],
        "response_type": "code",
        "scope": "openid",
        "code_challenge": challenge_of("v" * 43),
        "code_challenge_method": "S256",
    }
    return f"{AUTHORIZE}?{urlencode(parameters | asked)}"


@dataclass
class Answer:
    """What the browser got at the authorization endpoint, and what was asked."""

    response: httpx2.Response
    asked: dict[str, str]
    verifier: str

    @property
    def location(self) -> str:
        return str(self.response.headers.get("location", ""))

    @property
    def posted(self) -> Form | None:
        """The form that goes to the app (Form Post Response Mode), if that is the answer."""
        is_page = self.response.headers.get("content-type", "").startswith("text/html")
        forms = Page(self.response).forms if is_page and self.response.status_code == 200 else []
        return next((form for form in forms if not form.action.startswith("/")), None)

    @property
    def mode(self) -> str | None:
        """How the answer goes to the app: a response_mode; None when it does not."""
        if self.posted is not None:
            return "form_post"
        if not self.location or self.page:
            return None
        return "fragment" if "#" in self.location else "query"

    @property
    def target(self) -> str:
        """The redirect URI it goes to."""
        return self.posted.action if self.posted is not None else re.split("[?#]", self.location)[0]

    @property
    def parameters(self) -> dict[str, str]:
        """What the app gets, or what is in the URL of our own page."""
        if self.posted is not None:
            return dict(self.posted.values())
        parts = urlsplit(self.location)
        return dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True))

    @property
    def page(self) -> str | None:
        """The path of the provider's own page it is sent to; None when it goes back to the app, or nowhere."""
        return urlsplit(self.location).path if self.location.startswith("/") else None

    @property
    def code(self) -> str:
        assert "code" in self.parameters, f"no code: {self.response.status_code} {self.location} {self.response.text}"
        return self.parameters["code"]

    @property
    def error(self) -> str | None:
        """The error that went back to the app."""
        return None if self.page else self.parameters.get("error")

    @property
    def request_uri(self) -> str:
        return self.parameters["request_uri"]


@dataclass
class Tokens:
    """A token response, or the error that came instead."""

    response: httpx2.Response
    answer: Answer | None = None
    body: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.body = self.response.json()

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def error(self) -> str | None:
        return self.body.get("error")

    @property
    def error_id(self) -> str:
        return str(self.body["error_id"])

    def _get(self, name: str) -> str:
        assert name in self.body, f"no {name}: {self.status} {self.body}"
        return str(self.body[name])

    @property
    def access_token(self) -> str:
        return self._get("access_token")

    @property
    def refresh_token(self) -> str:
        return self._get("refresh_token")

    @property
    def id_token(self) -> str:
        return self._get("id_token")


class RelyingParty:
    """One registered client, talking to the provider over `http` (its own connection: no cookies)."""

    def __init__(self, http: httpx2.Client, client: Client, secret: str | None, *, issuer: str = ISSUER) -> None:
        self.http = http
        self.client = client
        self.client_id = client.client_id
        self.secret = secret
        self.issuer = issuer
        self.signatory = Signatory()
        """What it signs with, when it is registered for private_key_jwt with these keys."""
        self.prover: Prover | None = None
        """With one, token requests, pushed requests and userinfo have a DPoP proof (RFC 9449)."""
        self.certificate: Shown | None = None
        """With one, a proxy reports it with each of the client's own requests (RFC 8705)."""

    # The front channel

    def request(self, **changes: str | None) -> tuple[dict[str, str], str]:
        """A complete authorization request and its code_verifier."""
        verifier = secrets.token_urlsafe(32)
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.client.metadata.redirect_uris[0],
            "scope": "openid",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}, verifier

    def ask(self, browser: httpx2.Client, **changes: str | None) -> Answer:
        """One authorization request by GET; whatever comes back first."""
        parameters, verifier = self.request(**changes)
        return Answer(browser.get(AUTHORIZE, params=parameters, follow_redirects=False), parameters, verifier)

    def ask_by_post(self, browser: httpx2.Client, **changes: str | None) -> Answer:
        """The same as a form that the app's page sends (OIDC Core section 3.1.2.1)."""
        parameters, verifier = self.request(**changes)
        return Answer(browser.post(AUTHORIZE, data=parameters, follow_redirects=False), parameters, verifier)

    def resume(self, browser: httpx2.Client, parked: Answer, *, request_uri: str | None = None) -> Answer:
        """Come back to a request that waited for a step."""
        parameters = {"request_uri": request_uri or parked.request_uri}
        response = browser.get(AUTHORIZE, params=parameters, follow_redirects=False)
        return Answer(response, parked.asked, parked.verifier)

    def sign_in(self, browser: httpx2.Client, **changes: str | None) -> Tokens:
        """Ask, redeem, verify, for a person who is signed in and has nothing left to say."""
        tokens = self.redeem(self.ask(browser, **changes))
        if "id_token" in tokens.body:
            self.verify(tokens)
        return tokens

    # The back channel

    def authentication(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and body parameters that authenticate this client the way it is registered (RFC 6749 section 2.3)."""
        method = self.client.metadata.token_endpoint_auth_method
        if method == "none" or self.client.metadata.has_certificate:
            return {}, {"client_id": self.client_id}
        if method == "private_key_jwt":
            return {}, asserting(self.signatory.sign(assertion_claims(self.client_id, self.issuer)))
        assert self.secret is not None
        if method == "client_secret_jwt":
            return {}, asserting(mac(assertion_claims(self.client_id, self.issuer), self.secret))
        if method == "client_secret_post":
            return {}, {"client_id": self.client_id, "client_secret": self.secret}
        return {"authorization": basic(self.client_id, self.secret)}, {}

    def post(self, url: str, **parameters: str | None) -> httpx2.Response:
        """An authenticated form; a parameter given as None is left out, also one of the client authentication."""
        headers, body = self.authentication()
        given = {**body, **parameters}
        form = {name: value for name, value in given.items() if value is not None}
        if self.prover is not None and url in {TOKEN, PAR}:
            headers["dpop"] = self.prover.proof("POST", self.issuer + url)
        return self.http.post(url, data=form, headers=headers | self._certificate_headers)

    @property
    def _certificate_headers(self) -> dict[str, str]:
        return {} if self.certificate is None else self.certificate.headers

    def redeem(self, answer: Answer, **changes: str | None) -> Tokens:
        """RFC 6749 section 4.1.3."""
        parameters: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": answer.parameters.get("code") if "code" not in changes else None,
            "redirect_uri": answer.asked.get("redirect_uri"),
            "code_verifier": answer.verifier if "code_challenge" in answer.asked else None,
            **changes,
        }
        return Tokens(self.post(TOKEN, **parameters), answer)

    def refresh(self, tokens: Tokens | str, **changes: str | None) -> Tokens:
        """RFC 6749 section 6."""
        presented = tokens if isinstance(tokens, str) else tokens.refresh_token
        answer = None if isinstance(tokens, str) else tokens.answer
        return Tokens(
            self.post(TOKEN, **{"grant_type": "refresh_token", "refresh_token": presented, **changes}), answer
        )

    def client_credentials(self, **changes: str | None) -> Tokens:
        """RFC 6749 section 4.4."""
        return Tokens(self.post(TOKEN, **{"grant_type": "client_credentials", **changes}))

    def introspect(self, token: str) -> dict[str, Any]:
        """RFC 7662: the answer about one token."""
        response = self.post(INTROSPECT, token=token)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def is_active(self, token: str) -> bool:
        return bool(self.introspect(token)["active"])

    def revoke(self, token: str) -> httpx2.Response:
        """RFC 7009."""
        return self.post(REVOKE, token=token)

    def userinfo(self, tokens: Tokens | str) -> httpx2.Response:
        """OIDC Core section 5.3."""
        access_token = tokens if isinstance(tokens, str) else tokens.access_token
        if self.prover is not None:
            return self.http.get(USERINFO, headers=self.prover.headers("GET", self.issuer + USERINFO, access_token))
        headers = {"authorization": f"Bearer {access_token}", **self._certificate_headers}
        return self.http.get(USERINFO, headers=headers)

    def log_out(self, browser: httpx2.Client, tokens: Tokens, **changes: str | None) -> httpx2.Response:
        """RP-Initiated Logout section 2: the browser is sent to the provider."""
        registered = self.client.metadata.post_logout_redirect_uris
        parameters: dict[str, str | None] = {
            "id_token_hint": tokens.id_token,
            "post_logout_redirect_uri": registered[0] if registered else None,
            "state": "bye",
            **changes,
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        return browser.get(LOGOUT, params=given, follow_redirects=False)

    def verify_answer(self, answer: Answer) -> dict[str, Any]:
        """The claims of an ID token from the front channel, after the checks of OIDC Core sections 3.2.2.11 and
        3.3.2.12.
        """
        claims = self._decode(answer.parameters["id_token"])
        assert claims["nonce"] == answer.asked["nonce"]
        for half, whole in (("at_hash", "access_token"), ("c_hash", "code")):
            value = answer.parameters.get(whole)
            assert claims.get(half) == (None if value is None else half_of(value))
        return claims

    def jwks(self) -> dict[str, Any]:
        """The key set where the discovery document says it is."""
        metadata = self.http.get("/.well-known/openid-configuration").json()
        keys: dict[str, Any] = self.http.get(metadata["jwks_uri"]).json()
        return keys

    def verify(self, tokens: Tokens, *, refreshed: bool = False) -> dict[str, Any]:
        """The ID token's claims, after the checks of OIDC Core section 3.1.3.7 that do not depend on the time."""
        claims = self._decode(tokens.id_token)
        assert claims["at_hash"] == half_of(tokens.access_token, self.client.metadata.id_token_signed_response_alg)
        if tokens.answer is not None and not refreshed:
            assert claims.get("nonce") == tokens.answer.asked.get("nonce")
        return claims

    def _decode(self, id_token: str) -> dict[str, Any]:
        alg = self.client.metadata.id_token_signed_response_alg
        with warnings.catch_warnings(category=SecurityWarning, action="ignore"):  # RFC 9864 would rather say Ed25519
            token = jwt.decode(id_token, KeySet.import_key_set(self.jwks()), algorithms=[alg])  # type: ignore[arg-type]
        assert token.header["alg"] == alg
        assert token.header["kid"]
        claims: dict[str, Any] = token.claims
        assert claims["iss"] == self.issuer
        assert claims["aud"] == self.client_id
        assert isinstance(claims["iat"], int)
        assert claims["iat"] < claims["exp"]
        return claims


def half_of(value: str, alg: str = "RS256") -> str:
    """at_hash and c_hash (OIDC Core sections 3.1.3.6, 3.3.2.11)."""
    digest = (hashlib.sha512 if alg in {"EdDSA", "Ed25519"} else hashlib.sha256)(value.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def basic(client_id: str, secret: str) -> str:
    """RFC 6749 section 2.3.1: both form-encoded, then base64."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
