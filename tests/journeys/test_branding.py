"""A brand of an operator's own at a real browser: axe finds nothing, everything fits, nothing is missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from provider.demo.secrets import EMAIL
from tests.branding.test_logo import SVG, png
from tests.journeys.conftest import Account, Steps
from tests.journeys.test_accessibility import Inspector, axe, inspector
from tests.support.demo_process import Demo, running_demo

__all__ = ["axe", "inspector"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]


@pytest.fixture
def branded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """Yellow: no link can have this accent in the light scheme."""
    (tmp_path / "logo").write_bytes(SVG)
    (tmp_path / "logo-dark").write_bytes(png())
    for name, value in {
        "": "Kestrel",
        "_ACCENT": "#ffd500",
        "_PAPER": "#fff8e1",
        "_PAPER_DARK": "#000000",
        "_LOGO": str(tmp_path / "logo"),
        "_LOGO_DARK": str(tmp_path / "logo-dark"),
    }.items():
        monkeypatch.setenv(f"SIGNET_BRAND{name}", value)
    with running_demo(tmp_path / "demo") as demo:
        yield demo


def test_the_pages_of_another_brand(branded: Demo, inspector: Inspector) -> None:
    """WCAG 2.2 SC 1.4.3, 1.4.10; what the browser complains of (a file that is not there, the policy) fails it too."""
    person, see = inspector.person, inspector.see
    person.open(branded.web_app)
    person.follow("Sign in")
    see("brand-sign-in", "Sign in")
    logo = person.page.get_by_role("img", name="Kestrel")
    logo.wait_for()
    assert logo.evaluate("logo => logo.naturalWidth > 0")
    person.press("Sign in")
    see("brand-sign-in-error", "Sign in")
    steps = Steps(branded)
    steps.sign_in(person, Account(EMAIL, branded.secrets["password"]))
    see("brand-consent", "Quill wants to access your account")
    steps.allow(person)
    for path in ("", "/profile", "/email", "/delete"):
        person.open(f"{branded.provider}/account{path}")
        see(f"brand-account{path.replace('/', '-')}", person.heading)
    steps.turn_on_two_factor(person)
    person.open(f"{branded.provider}/account/two-factor")
    see("brand-two-factor-on", "Two-factor authentication")
    person.open(branded.mailbox)
    person.page.get_by_role("img", name="Kestrel").wait_for()
