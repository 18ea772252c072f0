"""Every quickstart, followed as printed: its files created, its commands typed, and Ada signed in with Chromium.

It installs from package registries, so pytest does not collect it by its name: `make test-quickstarts` runs it.
"""

import re

import pytest

from provider.demo.secrets import EMAIL
from tests.interop.quickstarts.conftest import Follow
from tests.interop.quickstarts.page import Block, Page
from tests.support.chromium import NewPerson
from tests.support.server_process import REPOSITORY
from tests.support.waiting import PATIENCE

WEB_APPS = (
    "flask", "spring-boot", "fastapi", "node-openid-client", "express-authjs", "nextjs", "oidc-client-ts", "react",
    "go", "django", "apache",
)  # fmt: skip
"""Apps with a link or a button "Sign in", a greeting, and "Sign out"."""
WITH_OWN_PAGES = {"express-authjs", "nextjs"}
"""Auth.js has a page of its own for both, and Signet asks before it ends its session."""
ACTIVATE = Block("sh", None, ". .venv/bin/activate")
"""What a terminal forgets in which the libraries were installed."""
OTHERS = ("connect/cli", "connect/service", "protect/fastapi")
RUN = {*(f"connect/{name}" for name in WEB_APPS), *OTHERS}


def page_of(name: str) -> Page:
    return Page(REPOSITORY / "docs" / f"{name}.md")


@pytest.mark.parametrize("name", WEB_APPS)
def test_a_web_app_shows_name_and_email_and_signs_out(name: str, follow: Follow, new_person: NewPerson) -> None:
    reader, person = follow(page_of(f"connect/{name}")), new_person()
    page = person.page

    def choose(what: str) -> None:
        found = page.get_by_role("link", name=what).or_(page.get_by_role("button", name=what))
        reader.expect(found)
        found.click()

    with reader.typing(reader.page.steps) as process:
        reader.wait_for_app(process)
        person.open(f"{reader.app}/")
        choose("Sign in")
        if name in WITH_OWN_PAGES:
            choose("Sign in with Signet")
        reader.sign_in(person)
        reader.expect(page.get_by_role("heading", name="Hello, Ada Lovelace", exact=True))
        assert page.get_by_text(EMAIL).is_visible()
        choose("Sign out")
        if name in WITH_OWN_PAGES:
            choose("Sign out")
            reader.expect(page.get_by_role("heading", name="Sign out?"))
            choose("Sign out")
        reader.expect(page.get_by_role("heading", name="Welcome", exact=True))
        choose("Sign in")
        if name in WITH_OWN_PAGES:
            choose("Sign in with Signet")
        reader.expect(page.get_by_label("Email address", exact=True))
    reader.record()


def test_a_command_line_tool_signs_in_with_a_browser_and_on_another_device(
    follow: Follow, new_person: NewPerson
) -> None:
    """RFC 8252 section 7.3 and RFC 8628 section 3.3."""
    reader, person = follow(page_of("connect/cli")), new_person()
    *install, with_browser, on_device = reader.page.steps
    greeting = f"Hello, Ada Lovelace <{EMAIL}>"
    with reader.typing([*install, with_browser]) as process:
        person.open(
            reader.wait_for(process, lambda: re.search(r"^http://localhost\S+$", reader.shown, re.MULTILINE))[0]
        )
        reader.sign_in(person)
        reader.expect(person.page.get_by_role("heading", name="You can close this window"))
        assert process.wait(PATIENCE) == 0, reader.shown
    assert greeting in reader.shown
    again = [step for step in install if step.file is None and "pip install" not in step.text]
    with reader.typing([ACTIVATE, *again, on_device]) as process:
        shown = reader.wait_for(process, lambda: re.search(r"Open (\S+) and enter the code (\S+)", reader.shown))
        person.open(shown[1])
        person.fill("Code", shown[2])
        person.press("Continue")
        person.press("Allow")
        assert process.wait(PATIENCE) == 0, reader.shown
    assert greeting in reader.shown
    reader.record()


def test_a_service_calls_an_api(follow: Follow) -> None:
    """RFC 6749 section 4.4."""
    reader = follow(page_of("connect/service"))
    expected = next(block.text for block in reader.page.blocks if block.language == "text")
    assert reader.type(reader.page.steps).endswith(expected)
    reader.record()


def test_an_api_accepts_its_tokens_and_no_others(follow: Follow) -> None:
    """RFC 9068 section 4 and RFC 6750 section 3.1."""
    reader = follow(page_of("protect/fastapi"))
    *api, token, call, refused = reader.page.steps
    with reader.typing(api) as process:
        reader.wait_for_app(process)
        accepted = reader.type([token, call])
        assert "200 OK" in accepted
        assert '"orders":["Tea","Biscuits"]' in accepted
        without, lacking = reader.type([token, refused]).split("HTTP/1.1")[1:]
        assert "401 Unauthorized" in without
        assert "www-authenticate: Bearer\n" in without
        assert "403 Forbidden" in lacking
        assert 'error="insufficient_scope"' in lacking
    reader.record()
