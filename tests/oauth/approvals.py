"""An app that asks for an approval, and its person at a browser elsewhere (OpenID Connect CIBA)."""

import re
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.relying_party import TOKEN, RelyingParty, Tokens

CIBA = "urn:openid:params:grant-type:ciba"
BACKCHANNEL = "/oauth2/bc-authorize"
FOR_CIBA: dict[str, Any] = {
    "grant_types": (CIBA, "refresh_token"),
    "redirect_uris": (),
    "post_logout_redirect_uris": (),
    "backchannel_token_delivery_mode": "poll",
    "first_party": False,
}
ADA = "ada@example.test"


@dataclass
class Approval:
    """What the app asked for."""

    rp: RelyingParty
    body: dict[str, Any]

    @property
    def auth_req_id(self) -> str:
        return str(self.body["auth_req_id"])

    def poll(self, by: RelyingParty | None = None, **parameters: str | None) -> Tokens:
        """Section 10.1."""
        given = {"grant_type": CIBA, "auth_req_id": self.auth_req_id, **parameters}
        return Tokens((by or self.rp).post(TOKEN, **given))


def send(rp: RelyingParty, **parameters: str | None) -> httpx2.Response:
    """Section 7.1; a parameter given as None is left out."""
    return rp.post(BACKCHANNEL, **{"scope": "openid email", "login_hint": ADA, **parameters})


def ask(rp: RelyingParty, **parameters: str | None) -> Approval:
    response = send(rp, **parameters)
    assert response.status_code == 200, response.text
    return Approval(rp, response.json())


def refusal(rp: RelyingParty, **parameters: str | None) -> tuple[int, str]:
    """Section 13."""
    response = send(rp, **parameters)
    return response.status_code, str(response.json().get("error"))


def waiting(browser: WatchedClient) -> list[str]:
    """The pages of the requests that the account page lists, the latest first."""
    return re.findall(r'href="(/approve\?request=[^"]+)"', browser.get("/account").text)


def press(browser: WatchedClient, url: str, decision: str) -> httpx2.Response:
    """A button of the page of a request."""
    form = {"decision": decision, "csrf_token": csrf_of(browser)}
    return browser.post(url, data=form, headers={"sec-fetch-site": "same-origin"})


def answer(browser: WatchedClient, decision: str = "allow", url: str | None = None) -> None:
    """Read the latest request, or this one, and answer it."""
    url = url or waiting(browser)[0]
    assert browser.get(url).status_code == 200
    done = {"allow": "allowed", "deny": "denied"}[decision]
    response = press(browser, url, decision)
    assert response.headers.get("location") == f"/approve/answered?answer={done}", response.text
