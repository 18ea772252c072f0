"""Who may have an account, and what a stranger sees of an answer: whoever it is, it must be the same to the last byte
(OWASP ASVS v5.0.0-6.3.8).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
import pyotp
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts import compromise_report, deletion, suspension
from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.factors.totp import SEED
from tests.support.effort import effort
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work

NOBODY = "non"
NOBODY_EITHER = "nil"
ACCOUNTS = ("act", "two", "unv", "sus", "pas", "lea")
"""Active, with two factors, unverified, suspended, without a password ("this was not me"), to be deleted."""
WHO = (NOBODY, NOBODY_EITHER, *ACCOUNTS)


def address_of(who: str) -> str:
    return f"{who}@example.test"


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": address_of,
    "in capitals": lambda who: address_of(who).upper(),
    "with spaces": lambda who: f" {address_of(who)} ",
    "in capitals, with spaces": lambda who: f" {address_of(who).upper()} ",
    "tagged": lambda who: address_of(f"{who}+tag"),
}
"""With a tag it is another address, which nobody has."""
ASKED = effort(
    [
        pytest.param("sqlite", "tagged", marks=[pytest.mark.slow, pytest.mark.nightly]),
        pytest.param("sqlite", "in capitals, with spaces", marks=[pytest.mark.slow, pytest.mark.nightly]),
        pytest.param("sqlite", "as it is"),
        pytest.param("postgresql", "as it is", marks=pytest.mark.slow),
    ],
    [pytest.param(database, spelling) for database in ("sqlite", "postgresql") for spelling in SPELLINGS],
)
"""On which database which spelling is tried: all that differ, or all on both."""


QUICK = {"sign-in", "sign-up", "register", "forgotten password", "a new email"}


def most_slowly(names: Iterable[str]) -> list[Any]:
    """Return the names as parameters of a test that is slow for all but those in QUICK."""
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


def make_everybody(work: Work) -> None:
    """Addresses are equally long: what is made of them may be compared byte for byte."""
    for who in ACCOUNTS:
        with work() as w:
            user_id = make_user(w, address_of(who), verified=who != "unv")
        with work() as w:
            if who == "sus":
                suspension.suspend(w, user_id=user_id, reason=None)
            if who == "lea":
                deletion.request_deletion(w, user_id=user_id)
            if who == "pas":
                compromise_report.report(w, user_id=user_id)
            if who == "two":
                seed = w.vault.encrypt(pyotp.random_base32().encode(), purpose=SEED, context=user_id)
                totp.add(w.db, TotpCredential(user_id, seed, w.now, 0))


@dataclass(frozen=True)
class Seen:
    """An answer without what differs from request to request; of that, the length is left."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


OF_THE_REQUEST = (
    r'(?<=name="csrf_token" value=")[^"]+',
    r"(?<=nonce-)[0-9a-f]+",
    r'(?<=nonce=")[0-9a-f]+',
    r"(?<=ticket=)[^&\"\s]+",
    r'(?<="ticket":")[^"]+',
    r'(?<="instance":")[^"]+',
    r'(?<="error_id":")[^"]+',
    r"(?<=__Host-signet-browser=)[^;]+",
)


def seen(response: httpx2.Response, typed: str) -> Seen:
    """`typed` is what stood in the form."""

    def plain(text: str) -> str:
        for pattern in OF_THE_REQUEST:
            text = re.sub(pattern, lambda found: f"<{len(found[0])}>", text)
        local, _, domain = typed.strip().partition("@")
        for form in (typed, typed.strip(), f"{local}@{domain.lower()}"):
            text = text.replace(form, "<typed>")
        return text

    headers = [
        (name, "<id>" if name == "x-request-id" else plain(value)) for name, value in response.headers.multi_items()
    ]
    return Seen(response.status_code, tuple(sorted(headers)), plain(response.text))


class Stranger:
    """A browser that was never here before; keeps every answer it got."""

    def __init__(self, app: Starlette, typed: str) -> None:
        self.http = TestClient(app, base_url=ISSUER, follow_redirects=False)
        self.typed = typed
        self.saw: list[Seen] = []
        self.page: httpx2.Response | None = None

    def open(self, url: str) -> "Stranger":
        return self._keep(self.http.get(url, headers={"accept": "text/html"}))

    def submit(self, action: str, **fields: str) -> "Stranger":
        """Our own form on the page that is open, whose action begins like this."""
        assert self.page is not None
        actions = [unescape(found) for found in re.findall(r'<form[^>]* action="([^"]+)"', self.page.text)]
        target = next(found for found in actions if urlsplit(found).path == action)
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.page.text)
        assert token is not None
        data = {"csrf_token": token[1], **fields}
        headers = {"sec-fetch-site": "same-origin", "accept": "text/html"}
        return self._keep(self.http.post(target, data=data, headers=headers))

    def _keep(self, response: httpx2.Response) -> "Stranger":
        self.saw.append(seen(response, self.typed))
        while response.status_code == 303:
            response = self.http.get(urljoin(ISSUER, response.headers["location"]), headers={"accept": "text/html"})
            self.saw.append(seen(response, self.typed))
        self.page = response
        return self


def assert_alike(saw: dict[str, Any]) -> None:
    """Everybody's answers are those for nobody."""
    for who, answers in saw.items():
        assert answers == saw[NOBODY], who
