"""Operators change the brand in the console: its preview, what it changes, and what it must not."""

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Route
from starlette.testclient import TestClient

from provider.app import create_app
from provider.config.settings import Settings
from provider.database.engine import OUTAGES
from provider.installation import open_installation
from provider.operators import branding
from provider.operators.etags import ChangedMeanwhile
from provider.ratelimits.counter import LimitCounter
from provider.saved_settings import branding as saved_branding
from provider.saved_settings.branding import Saved, SavedBranding
from provider.work import Installation
from tests.admin.conftest import Console, events
from tests.branding.test_logo import SVG, png
from tests.support.chromium import NewPerson
from tests.support.installation import ISSUER, Work

PATH = "/admin/branding"
ACCENT = "#ffd500"
BRAND: dict[str, Any] = {
    "brand": "Kestrel",
    "support_email": "help@kestrel.example",
    "brand_accent": ACCENT,
    "brand_paper": "#fff8e1",
}


def send(console: Console, path: str = PATH, *, files: dict[str, bytes] | None = None, **typed: Any) -> httpx2.Response:
    """Send the form with these values in place of those it shows."""
    page = console.open("/branding")
    form = next(form for form in page.forms if form.action == PATH)
    data = {**dict(form.values()), **typed}
    uploads = {name: ("logo", content, "image/png") for name, content in (files or {}).items()} or {
        "none": ("", b"", "")
    }
    return console.browser.client.post(path, data=data, files=uploads, follow_redirects=False)


def test_what_is_saved_is_on_all_pages_and_emails(console: Console, work: Work, client: TestClient) -> None:
    saved = send(console, files={"brand_logo": SVG, "brand_logo_dark": png()}, why="new name", **BRAND)
    assert (saved.status_code, saved.headers["location"]) == (303, "/admin/branding?done=save")
    page = console.open("/branding?done=save")
    assert "Branding saved. All pages and emails use it." in page.text
    assert 'value="#ffd500"' in page.html
    sign_in = client.get("/login").text
    assert re.search(r'<img class="logo" src="/static/logo.svg\?v=\w+" alt="Kestrel">', sign_in)
    assert "mailto:help@kestrel.example" in sign_in
    assert 'name="theme-color" content="#fff8e1"' in sign_in
    assert f"--accent: {ACCENT};" in client.get("/static/brand.css").text
    assert client.get("/static/logo-dark.png").content == png()
    assert f'fill="{ACCENT}"' in client.get("/static/favicon.svg").text
    with work() as w:
        assert (w.settings.brand, w.settings.support_email) == ("Kestrel", "help@kestrel.example")
    [event] = events(work, "branding.changed")
    assert event["settings"] == [
        "brand",
        "brand_accent",
        "brand_logo",
        "brand_logo_dark",
        "brand_paper",
        "support_email",
    ]
    assert (event["operator"], event["why"]) == (f"user {console.user_id}", "new name")


def test_a_logo_stays_until_it_is_replaced_or_removed(console: Console, client: TestClient) -> None:
    send(console, files={"brand_logo": SVG})
    send(console, brand="Kestrel")
    assert client.get("/static/logo.svg").content == SVG
    send(console, remove_brand_logo="on")
    assert client.get("/static/logo.svg").status_code == 404


def test_wrong_values_are_explained_and_nothing_is_saved(console: Console, work: Work) -> None:
    """WCAG 2.2 SC 1.4.3: a background on which text cannot be read is refused."""
    answer = send(
        console,
        files={"brand_logo": b"GIF89a", "brand_logo_dark": b"x" * 70_000},
        brand="\u2066Kestrel",
        support_email="nobody",
        brand_accent="red",
        brand_accent_dark="#ff",
        brand_paper="#888888",
        brand_paper_dark="#ffffff",
        why="x" * 201,
    )
    assert answer.status_code == 400
    for words in (
        "Remove this character",
        "Enter an email address, like name@example.com.",
        "Enter a color as # and six hexadecimal digits, for example #24487a.",
        "Choose a lighter color. Text needs a contrast of at least 4.5:1, this has 1.92:1.",
        "Choose a darker color. Text needs a contrast of at least 4.5:1",
        "Choose an SVG or PNG file.",
        "Choose a file of at most 64 KB.",
        "Enter at most 200 characters.",
    ):
        assert words in answer.text, words
    assert "<title>Error: Branding" in answer.text
    assert 'value="red"' in answer.text  # what was typed stays
    with work() as w:
        assert saved_branding.find(w.read) == Saved()


def test_an_operator_does_not_overwrite_what_another_one_saved(console: Console, work: Work) -> None:
    """RFC 9110 section 13.1.1."""
    page = console.open("/branding")
    version = dict(next(form for form in page.forms if form.action == PATH).values())["version"]
    send(console, brand="Kestrel")
    answer = send(console, brand="Merlin", version=version)
    assert answer.status_code == 412
    assert "Someone else has changed this since you opened it." in answer.text
    assert 'value="Merlin"' in answer.text
    assert len(events(work, "branding.changed")) == 1
    send(console)
    assert len(events(work, "branding.changed")) == 1  # nothing was different


@pytest.mark.both_databases
def test_of_two_changes_at_the_same_time_one_is_saved(work: Work) -> None:
    start = Barrier(2)

    def save(name: str) -> str | None:
        try:
            with work() as w:
                start.wait(30)
                branding.save(w, {"brand": name}, seen=branding.version(Saved()))
        except ChangedMeanwhile:
            return None
        return name

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(save, ("Kestrel", "Merlin")))
    assert done.count(None) == 1
    with work() as w:
        assert saved_branding.find(w.read).values == {"brand": next(filter(None, done))}


def test_everything_saved_can_be_reset(console: Console, work: Work, client: TestClient) -> None:
    assert "Reset branding" not in console.open("/branding").text
    assert console.open("/branding/saved/reset").path == PATH
    send(console, **BRAND)
    page = console.act("/branding/saved/reset", why="a trial")
    assert "Branding reset." in page.text
    assert "Kestrel" not in client.get("/login").text
    assert client.get("/static/brand.css").status_code == 404
    assert events(work, "branding.changed")[0]["why"] == "a trial"


class TestWithTheEnvironment:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"brand": "Acme", "brand_accent": "#0b3d2e"})

    def test_what_it_sets_is_shown_and_stays(self, console: Console, work: Work, client: TestClient) -> None:
        page = console.open("/branding")
        assert "Set by SIGNET_BRAND." in page.text
        assert "Set by SIGNET_BRAND_ACCENT." in page.text
        assert re.search(r'<input id="brand" name="brand" type="text" value="Acme"[^>]* readonly', page.html)
        assert send(console, **BRAND).status_code == 303
        with work() as w:
            saved = saved_branding.find(w.read)
            assert saved.values == {name: BRAND[name] for name in ("support_email", "brand_paper")}
            # A variable that was set after the value was saved goes before it.
            saved_branding.replace(w.db, {"brand": "Saved before"}, now=w.now)
        assert "Saved before" not in console.open("/branding").html
        assert " Acme</title>" in client.get("/login").text


class TestThePreview:
    def test_shows_what_is_in_the_form_and_changes_nothing(self, console: Console, work: Work) -> None:
        answer = send(console, f"{PATH}/preview", files={"brand_logo": SVG}, scheme="light", **BRAND)
        assert answer.status_code == 200
        logo = f"data:image/svg+xml;base64,{base64.b64encode(SVG).decode()}"
        assert f'<img class="logo" src="{logo}" alt="Kestrel">' in answer.text
        assert "<script" not in answer.text
        assert " autofocus" not in answer.text
        assert 'Links use <span dir="auto">#' in answer.text  # yellow cannot be read on white
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        styles = re.search(r'href="(/admin/branding/preview\.css[^"]+)"', answer.text)
        assert styles
        css = console.browser.client.get(styles[1].replace("&amp;", "&")).text
        assert f"--accent: {ACCENT};" in css
        with work() as w:
            assert saved_branding.find(w.read) == Saved()

    def test_has_the_colors_of_one_scheme_whatever_the_browser_prefers(self, console: Console) -> None:
        for scheme, other in (("light", "max-width: 0"), ("dark", "min-width: 0")):
            css = console.browser.client.get(f"{PATH}/preview.css?scheme={scheme}").text
            assert "prefers-color-scheme" not in css
            assert f"@media screen and ({other})" in css
            assert css.rstrip().endswith(f"color-scheme: {scheme}; }}")

    def test_says_what_is_wrong_in_the_form(self, console: Console) -> None:
        answer = send(console, f"{PATH}/preview", brand_paper="#888888", brand="Kestrel")
        assert "Background color: Choose a lighter color." in answer.text
        assert "Kestrel" in answer.text
        injected = console.browser.client.get(f"{PATH}/preview.css?brand_paper=%23fff%7D%20body%20%7B")
        assert "#fff}" not in injected.text

    def test_of_the_dark_scheme_has_the_dark_logo(self, console: Console) -> None:
        send(console, files={"brand_logo": SVG, "brand_logo_dark": png()})
        light, dark = (
            console.browser.client.get(f"{PATH}/preview?scheme={scheme}").text for scheme in ("light", "dark")
        )
        assert "data:image/svg+xml" in light
        assert "data:image/png" in dark
        assert "<source" not in dark


@pytest.fixture
def other(installation: Installation) -> Iterator[Installation]:
    """Another process on the same database."""
    opened = open_installation(installation.settings, clock=installation.clock, counter=LimitCounter())
    yield opened
    opened.database.close()


def test_other_processes_follow_and_an_outage_changes_nothing(
    console: Console, other: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(console, **BRAND)
    assert other.effective_settings.brand == "Signet"
    other.branding.refresh(other.database)
    assert other.effective_settings.brand == "Kestrel"
    assert other.effective_settings is other.effective_settings  # nothing is computed for each request

    def fail() -> None:
        raise OUTAGES[0]("away")

    monkeypatch.setattr(other.database, "connect", fail)
    other.branding.refresh(other.database)
    assert other.effective_settings.brand == "Kestrel"


def test_a_process_knows_what_is_saved_when_it_starts(console: Console, other: Installation) -> None:
    send(console, **BRAND)
    with TestClient(create_app(other), base_url=ISSUER) as started:
        assert " Kestrel</title>" in started.get("/login").text


def test_a_file_that_another_process_knows_is_found(console: Console, client: TestClient, other: Installation) -> None:
    """The page comes from one process, and its stylesheet may be asked of another."""
    send(console, **BRAND)
    url = re.search(r'href="(/static/brand\.css\?v=\w+)"', client.get("/login").text)
    assert url
    elsewhere = TestClient(create_app(other), base_url=ISSUER)
    answer = elsewhere.get(url[1])
    assert f"--accent: {ACCENT};" in answer.text
    assert "immutable" in answer.headers["cache-control"]
    outdated = elsewhere.get("/static/brand.css?v=000000000000")
    assert outdated.headers["cache-control"] == "no-cache"  # else a browser would keep it for a year under this URL


def test_a_saved_value_that_breaks_a_rule_is_ignored(work: Work) -> None:
    """It comes into a stylesheet: another version, or an import, may have saved what this version refuses."""
    with work() as w:
        values = {"brand": "Kestrel", "brand_accent": "red; }", "brand_logo": b"GIF89a"}
        saved_branding.replace(w.db, values, now=w.now)
        assert saved_branding.find(w.db).values == {"brand": "Kestrel"}


def test_the_copy_is_read_again_only_if_the_version_changed(installation: Installation, work: Work) -> None:
    copy = SavedBranding()
    with work() as w:
        saved_branding.replace(w.db, {"brand": "Kestrel"}, now=w.now)
    copy.refresh(installation.database)
    first = copy.applied_to(installation.settings)
    copy.refresh(installation.database)
    assert copy.applied_to(installation.settings) is first


def through(client: TestClient, route: Route) -> None:
    """Answer a request of the browser from this process."""
    request, url = route.request, urlsplit(route.request.url)
    answer = client.request(
        request.method,
        f"{url.path}?{url.query}" if url.query else url.path,
        content=request.post_data_buffer,
        headers={name: value for name, value in request.headers.items() if name in {"content-type", "origin"}},
        follow_redirects=True,  # the browser would follow them past the route
    )
    kept = {"content-type", "content-security-policy", "x-frame-options"}
    headers = {name: value for name, value in answer.headers.items() if name in kept}
    route.fulfill(status=answer.status_code, headers=headers, body=answer.content)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("scripts", [True, False])
def test_the_preview_in_a_browser(console: Console, new_person: NewPerson, *, scripts: bool) -> None:
    """As somebody types, and with its button where there are no scripts."""
    person = new_person(java_script_enabled=scripts)
    page = person.page
    page.route("**/*", lambda route: through(console.browser.client, route))
    person.open(f"{ISSUER}{PATH}")
    person.fill("Name", "Kestrel")
    person.fill("Accent color", ACCENT)
    if not scripts:
        page.get_by_role("button", name="Preview Light mode").click()
    frame = page.frame_locator("[name=preview-light]")
    frame.get_by_text("Kestrel").wait_for()
    button = frame.locator("#sign-in button.button")
    assert button.evaluate("button => getComputedStyle(button).backgroundColor") == "rgb(255, 213, 0)"
    if scripts:
        dark = page.frame_locator("[name=preview-dark]")
        dark.get_by_text("Kestrel").wait_for()
        assert dark.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(20, 23, 28)"
        assert page.get_by_role("button", name="Preview Light mode").count() == 0
    person.press("Save")
    page.get_by_text("Branding saved.").wait_for()
