"""The pictures of pages in README.md and docs: taken here by `make pictures`, and none may be older than its page.

Each picture is of a page as this process renders it. `docs/pictures/pages.json` has the digest of that page and of the
picture, so that no browser is needed to see that a page has changed.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from urllib.parse import urlsplit

import httpx2
import pytest
from PIL import Image
from playwright.sync_api import Route
from sqlalchemy import update
from starlette.testclient import TestClient

from provider.audit import hourly
from provider.oauth.keys import store
from provider.observability import counters
from provider.work import Installation
from tests.support.chromium import NewPerson
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import TWO_FACTORS, RelyingParty, sign_in_person
from tests.support.server_process import REPOSITORY

PICTURES = REPOSITORY / "docs/pictures"
RECORD = PICTURES / "pages.json"
LINKED = re.compile(r'(?:href|src)="(/[^"]+\.(?:css|js|svg|png|woff2)[^"]*)"|url\("?(/[^")]+)"?\)')
UNSEEN = re.compile(
    r'\s(?:href|src|action|value|nonce|content|data-ask)="[^"]*"|/\*.*?\*/|<!--.*?-->',
    re.DOTALL,
)
"""What differs between two runs or is not seen: addresses, tokens and comments."""
AN_ORDINARY_DAY = (2, 1, 1, 0, 1, 3, 9, 21, 38, 44, 40, 31, 26, 33, 41, 43, 36, 25, 18, 14, 16, 12, 7, 4)
"""Sign-ins by the hour, the latest last."""


@dataclass(frozen=True)
class Shown:
    """A page with everything a browser loads for it, by path and query."""

    path: str
    files: dict[str, httpx2.Response]

    @property
    def digest(self) -> str:
        """The digest of what is seen: the page without what differs between two runs, and its styles and images."""
        seen = [UNSEEN.sub("", file.text) for path, file in sorted(self.files.items()) if ".js" not in path]
        return sha256("\0".join(seen).encode()).hexdigest()


@pytest.fixture
def clock() -> Clock:
    """Always at the same moment, because the pages show dates, ages and hours."""
    clock = Clock()
    clock.now = datetime(2026, 11, 10, 13, 25, tzinfo=UTC)
    return clock


def load(client: TestClient, path: str) -> Shown:
    files, wanted = {}, [path]
    while wanted:
        each = wanted.pop()
        files[each] = client.get(each)
        assert files[each].status_code == 200, each
        if each == path or ".css" in each:
            wanted += [one or other for one, other in LINKED.findall(files[each].text) if (one or other) not in files]
    return Shown(path, files)


def sign_in_page(client: TestClient, work: Work, _: Installation) -> Shown:
    with work() as w:
        quill, secret = make_client(w, client_name="Quill", redirect_uris=("https://quill.example.com/callback",))
    asked = RelyingParty(client, quill, secret).ask(client)
    return load(client, asked.response.headers["location"])


def console(client: TestClient, work: Work, installation: Installation) -> Shown:
    with work() as w:
        w.db.execute(update(store.signing_keys).values(signs_from=w.now - timedelta(days=20)))
        operator = make_user(w, "operator@example.com", roles=("admin",))
        for hours, count in enumerate(reversed(AN_ORDINARY_DAY)):
            for name, share in (
                (counters.SIGNED_IN, count),
                (counters.SIGN_IN_REFUSED, count // 9),
                (counters.TOKENS_ISSUED, count * 3),
                (counters.TOKENS_REFUSED, count // 6),
                (counters.MAIL_SENT, count // 2),
            ):
                hourly.add(w.db, hourly.hour_of(w.now - timedelta(hours=hours)), name, share)
    sign_in_person(client, installation, operator, amr=TWO_FACTORS)
    return load(client, "/admin")


PAGES: dict[str, tuple[Callable[[TestClient, Work, Installation], Shown], int, int]] = {
    "sign-in": (sign_in_page, 600, 800),
    "console": (console, 1280, 800),
}
"""Each picture: how its page comes about, and the size of the window."""


def test_no_picture_is_older_than_its_page(
    client: TestClient, work: Work, installation: Installation, request: pytest.FixtureRequest
) -> None:
    shown = {name: page(client, work, installation) for name, (page, _, _) in PAGES.items()}
    if os.environ.get("KEEP_PICTURES"):
        new_person: NewPerson = request.getfixturevalue("new_person")
        for name, (_, width, height) in PAGES.items():
            take(new_person, shown[name], name, width, height)
        RECORD.write_text(json.dumps(stated(shown), indent=1) + "\n")
    assert json.loads(RECORD.read_text()) == stated(shown), "run: make pictures"


def stated(shown: dict[str, Shown]) -> dict[str, dict[str, str]]:
    return {
        name: {"page": page.digest, "picture": sha256((PICTURES / f"{name}.png").read_bytes()).hexdigest()}
        for name, page in shown.items()
    }


def take(new_person: NewPerson, shown: Shown, name: str, width: int, height: int) -> None:
    """Show the page in Chromium, which gets every file from what was loaded, and keep a picture of it."""

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        file = shown.files.get(f"{address.path}?{address.query}" if address.query else address.path)
        if file is None:  # what a script asks
            route.fulfill(json={})
            return
        route.fulfill(status=200, headers={"content-type": file.headers["content-type"]}, body=file.content)

    person = new_person(viewport={"width": width, "height": height}, reduced_motion="reduce")
    person.page.route("**/*", answer)
    person.open(ISSUER + shown.path)
    drawn = Image.open(BytesIO(person.page.screenshot()))
    drawn.quantize(64).save(PICTURES / f"{name}.png", optimize=True)  # a third of the size


def test_every_picture_is_shown_and_small() -> None:
    texts = [path.read_text("utf-8") for path in (REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md"))]
    pictures = sorted(path.stem for path in PICTURES.glob("*.png"))
    assert pictures == sorted(PAGES)
    for name in pictures:
        assert any(f"pictures/{name}.png" in text for text in texts), f"{name}.png is in no document"
        assert (PICTURES / f"{name}.png").stat().st_size < 50_000, name
