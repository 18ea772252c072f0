"""What a probe has at hand: a signed-in user, clients, and the requests of a code flow."""

import base64
import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from provider.doctor.attack.guests import SCOPE, Guests, ThrowAwayClient
from provider.doctor.attack.visitor import Page, Visitor
from provider.doctor.attack.wire import Unclear, Wire
from provider.doctor.examination import Case
from provider.doctor.transport import Response
from provider.oauth.tokens.server import AuthorizationServer, open_server
from provider.runtime.throw_away import DOMAIN

AUTHORIZE, TOKEN, USERINFO, REVOKE = "/oauth2/authorize", "/oauth2/token", "/oauth2/userinfo", "/oauth2/revoke"
LOGOUT, LOGIN, ACCOUNT = "/oauth2/logout", "/login", "/account"
EVIL = f"evil.{DOMAIN}"
"""The host of the attacker."""
MOST_STEPS = 6
"""The most pages of a sign-in."""


@dataclass(frozen=True)
class Code:
    """An authorization response with a code, and what is needed to redeem it."""

    value: str
    verifier: str
    nonce: str
    client: ThrowAwayClient
    response: Mapping[str, str]
    """All parameters of the response."""


@dataclass(frozen=True)
class Asked:
    """An authorization request."""

    url: str
    verifier: str
    nonce: str
    state: str


@dataclass
class World:
    """One run of the probes."""

    case: Case
    wire: Wire
    guests: Guests
    visitor: Visitor = field(init=False)
    """The browser of the user, signed in by `enter`."""
    before: dict[str, str] = field(default_factory=dict)
    """Its cookies before the sign-in."""

    def __post_init__(self) -> None:
        self.visitor = self.new_visitor()

    def new_visitor(self) -> Visitor:
        return Visitor(self.wire)

    @property
    def server(self) -> AuthorizationServer:
        """The keys of the installation, to sign what only the issuer can sign."""
        return open_server(self.case.inside)

    def request(self, client: ThrowAwayClient | None = None, **changes: str | None) -> Asked:
        """Return an authorization request; None leaves a parameter out."""
        client = client or self.guests.confidential
        verifier, nonce, state = secrets.token_urlsafe(40), secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        given: dict[str, str | None] = {
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "response_type": "code",
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        query = urlencode({name: value for name, value in given.items() if value is not None})
        return Asked(f"{self.case.url}{AUTHORIZE}?{query}", verifier, nonce, state)

    def enter(self, visitor: Visitor, asked: Asked) -> Page:
        """Sign the user in as a person would, and allow access. Returns the response that goes to the app.

        Raises Unclear if the sign-in asks for something else.
        """
        page = visitor.visit(asked.url)
        for _ in range(MOST_STEPS):
            if page.location is not None:
                return page
            form, typed = self.next_form(page)
            page = visitor.follow(visitor.submit(page, form, typed))
        raise Unclear(f"The sign-in does not end: it stops at {urlsplit(page.url).path}.")

    def next_form(self, page: Page) -> Any:
        """Return the form to submit on a page of the sign-in, and what to type. Raises Unclear."""
        password, allow = page.form_with("password"), page.form_to_allow()
        if password is not None:
            return password, {
                password.find("text") or password.find("email") or "username": self.guests.email,
                str(password.find("password")): self.guests.password,
            }
        if allow is not None:
            return allow, {"decision": "allow"}
        code, factor = self.guests.code(self.case.now()), page.form_with("text")
        if code is not None and factor is not None:
            return factor, {str(factor.find("text")): code}
        where = urlsplit(page.url).path
        raise Unclear(f"The sign-in stops at {where} with status {page.response.status}.")

    def code(self, client: ThrowAwayClient | None = None, **changes: str | None) -> Code:
        """Return a code for the signed-in user, who allows what is asked. Raises Unclear if there is none."""
        client = client or self.guests.confidential
        asked = self.request(client, **changes)
        return self.code_of(self.enter(self.visitor, asked), asked, client)

    def code_of(self, page: Page, asked: Asked, client: ThrowAwayClient) -> Code:
        """Return the code in a response to the app. Raises Unclear if there is none."""
        given = parameters_of(page)
        if page.location is None or not page.location.startswith(client.redirect_uri) or "code" not in given:
            raise Unclear(f"There is no code: {page.location or page.url}.")
        return Code(given["code"], asked.verifier, asked.nonce, client, given)

    def redeem(self, code: Code, *, by: ThrowAwayClient | None = None, **changes: str | None) -> Response:
        """Send a code to the token endpoint, with changes; None leaves a parameter out."""
        given: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code.value,
            "redirect_uri": code.client.redirect_uri,
            "code_verifier": code.verifier,
            **changes,
        }
        return self.post(TOKEN, given, by or code.client)

    def refresh(self, token: str, *, by: ThrowAwayClient, **changes: str | None) -> Response:
        """Send a refresh token to the token endpoint."""
        return self.post(TOKEN, {"grant_type": "refresh_token", "refresh_token": token, **changes}, by)

    def post(self, path: str, given: Mapping[str, str | None], by: ThrowAwayClient) -> Response:
        """Send a form as this client."""
        form, headers = {name: value for name, value in given.items() if value is not None}, {}
        if by.secret is None:
            form["client_id"] = by.client_id
        else:
            both = f"{quote(by.client_id, safe='')}:{quote(by.secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        return self.wire.send("POST", path, headers=headers, form=form)

    def tokens(self, client: ThrowAwayClient | None = None) -> dict[str, Any]:
        """Return new tokens of the user for a client. Raises Unclear if there are none."""
        return tokens_of(self.redeem(self.code(client)))

    def userinfo(self, token: str) -> Response:
        return self.wire.send("GET", USERINFO, headers={"Authorization": f"Bearer {token}"})


def parameters_of(page: Page) -> dict[str, str]:
    """Return the parameters with which a page redirects, in the query or the fragment."""
    parts = urlsplit(page.location or "")
    return dict(parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(parts.fragment, keep_blank_values=True))


def read(response: Response) -> dict[str, Any]:
    """Return the JSON object of a response, empty if there is none."""
    try:
        value = json.loads(response.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def tokens_of(response: Response) -> dict[str, Any]:
    """Return the tokens of a response. Raises Unclear if there are none."""
    value = read(response)
    if response.status != 200 or "access_token" not in value:
        raise Unclear(
            f"There are no tokens: {response.status} {value.get('error', '')} {value.get('error_description', '')}"
        )
    return value


def rejected(response: Response, *errors: str) -> str | None:
    """Return None if a request was rejected with one of these errors, else what happened.

    Raises Unclear if it was rejected otherwise: then it may not have been the attack that was rejected.
    """
    said = str(read(response).get("error", ""))
    if response.status < 400:
        return f"It is accepted with status {response.status}."
    if said not in errors:
        raise Unclear(f"The answer is {response.status} {said or 'without an error of OAuth'}, not {errors[0]}.")
    return None


def inactive(response: Response) -> str | None:
    """Return None if userinfo rejected a token, else what happened. Raises Unclear, as `rejected` does."""
    if response.status < 400:
        return f"Userinfo accepts it with status {response.status}."
    if response.status != 401:
        raise Unclear(f"Userinfo answers {response.status}, not 401.")
    return None


def first(found: Collection[str | None]) -> str | None:
    """Return the first problem, or None."""
    return next((each for each in found if each is not None), None)
