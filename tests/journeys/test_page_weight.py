"""What the pages of a sign-in cost a browser that has none of their files: bytes, stylesheets, and movement."""

import urllib.request
from typing import Any

import pytest

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import Demo

pytestmark = pytest.mark.browser

MOST_BYTES = 40 * 1024
"""The HTML, stylesheet, scripts, font and icon of a page, without the headers of the responses."""
WATCH = """
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((each) => each.value)))
      .observe({ type: "layout-shift", buffered: true });
"""
WHEN_DRAWN = """async () => {
    await document.fonts.ready;
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return {
        files: loaded.map((each) => [each.name, each.encodedBodySize]),
        stylesheets: document.styleSheets.length,
        icon: document.querySelector("link[rel=icon]").href,
        shifts: window.shifts,
    };
}"""


def weigh(person: Person) -> dict[str, Any]:
    """What the page that is shown took, when it is drawn."""
    person.page.wait_for_load_state()
    seen: dict[str, Any] = person.page.evaluate(WHEN_DRAWN)
    packed = urllib.request.Request(seen["icon"], headers={"accept-encoding": "gzip"})
    with urllib.request.urlopen(packed) as icon:  # which a browser without windows does not load
        seen["files"].append((seen["icon"], len(icon.read())))
    return seen


def test_pages_of_a_sign_in_are_light_and_do_not_move(
    new_person: NewPerson, account: Account, demo: Demo, steps: Steps
) -> None:
    seen = {}
    for path in ("/login", "/signup", "/forgot-password"):
        person = new_person()  # whose cache is empty
        person.context.add_init_script(WATCH)
        person.open(demo.provider + path)
        seen[path] = weigh(person)
    person = new_person()
    person.context.add_init_script(WATCH)
    person.open(demo.web_app)
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.expect_heading("Quill wants to access your account")
    seen["/consent"] = weigh(person)
    for path, page in seen.items():
        assert page["stylesheets"] == 1, path
        assert page["shifts"] == [], path
        assert all(size for _, size in page["files"]) or path == "/consent", path  # there they come from its cache
        assert sum(size for _, size in page["files"]) < MOST_BYTES, (path, page["files"])
