"""A device, and its person at a browser elsewhere (RFC 8628)."""

import re
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.relying_party import TOKEN, RelyingParty, Tokens

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_AUTHORIZATION = "/oauth2/device_authorization"
FOR_DEVICES = {"grant_types": (DEVICE_CODE, "refresh_token"), "redirect_uris": (), "post_logout_redirect_uris": ()}


@dataclass
class Device:
    """What asked for codes and got them."""

    rp: RelyingParty
    body: dict[str, Any]

    @property
    def user_code(self) -> str:
        return str(self.body["user_code"])

    @property
    def device_code(self) -> str:
        return str(self.body["device_code"])

    def poll(self, by: RelyingParty | None = None) -> Tokens:
        """Section 3.4."""
        return Tokens((by or self.rp).post(TOKEN, grant_type=DEVICE_CODE, device_code=self.device_code))


def start(rp: RelyingParty, **parameters: str) -> Device:
    """Section 3.1."""
    response = rp.post(DEVICE_AUTHORIZATION, **{"scope": "openid email", **parameters})
    assert response.status_code == 200, response.text
    return Device(rp, response.json())


def page_of(browser: WatchedClient, user_code: str) -> httpx2.Response:
    return browser.get("/device", params={"user_code": user_code})


def press(browser: WatchedClient, user_code: str, decision: str) -> httpx2.Response:
    """A button of that page."""
    form = {"decision": decision, "csrf_token": csrf_of(browser)}
    return browser.post(
        "/device", params={"user_code": user_code}, data=form, headers={"sec-fetch-site": "same-origin"}
    )


def allow(browser: WatchedClient, device: Device) -> None:
    assert page_of(browser, device.user_code).status_code == 200
    answer = press(browser, device.user_code, "allow")
    assert answer.headers.get("location") == "/device/answered?answer=allowed", answer.text


def words(response: httpx2.Response) -> str:
    """What is on a page, without its marks."""
    return " ".join(re.sub("<[^>]+>", " ", response.text).split())
