"""The sample program for devices: it shows a code in a terminal, and somebody answers it at a browser elsewhere."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provider.resources import CLIENTS
from tests.journeys.conftest import Account, Steps
from tests.support.chromium import Person
from tests.support.demo_process import Demo
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextmanager
def television(demo: Demo) -> Iterator["subprocess.Popen[str]"]:
    """The sample, started as the summary of the demo says."""
    environ = {**os.environ, "ISSUER": demo.provider, "API_URL": demo.api}
    command = [sys.executable, str(CLIENTS / "device/sign_in.py")]
    with subprocess.Popen(command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]", pattern: str) -> str:
    """What the next line on its screen says at that place."""
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(pattern, line)
    assert found, line
    return found[1]


def test_somebody_types_the_code_and_the_device_greets_them(
    any_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    """RFC 8628 section 3.3, without scripts too; the code is typed small and without its dash."""
    person = any_person
    with television(demo) as process:
        code = said(process, r"and enter (\S+)")
        person.open(f"{demo.provider}/device")
        steps.sign_in(person, account)
        person.expect_heading("Connect a device")
        person.fill("Code", "bbbb-bbbb")
        person.press("Continue")
        person.page.get_by_role("alert").get_by_text("That code is wrong or has expired.").wait_for()
        person.fill("Code", code.replace("-", "").lower())
        person.press("Continue")
        person.expect_heading("Connect this device?")
        person.expect_text("Quill TV")
        person.expect_text(code)
        person.press("Allow")
        person.expect_heading("Device connected")
        said(process, "or open (.*)")
        assert said(process, "Hello, (.*)") == "Grace Hopper"
        assert "Hello from the API" in said(process, "The API says: (.*)")
        assert process.wait(PATIENCE) == 0
    person.follow("See which apps have access")
    person.page.get_by_role("listitem").filter(has_text="Quill TV").get_by_role("link", name="Manage").click()
    person.press("Remove access")
    person.page.get_by_text("Access removed.").wait_for()


def test_somebody_says_no_to_a_link_they_were_sent(person: Person, account: Account, demo: Demo, steps: Steps) -> None:
    """RFC 8628 sections 3.3.1, 5.4: the complete link asks like the typed code."""
    with television(demo) as process:
        said(process, r"and enter (\S+)")
        person.open(said(process, r"or open (\S+)"))
        steps.sign_in(person, account)
        person.expect_heading("Connect this device?")
        person.press("Deny")
        person.expect_heading("Device not connected")
        assert said(process, "(.*)") == "access_denied: The user declined access"
        assert process.wait(PATIENCE) == 1
