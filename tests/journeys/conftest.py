"""The whole of `signet demo` on free ports, an account on it, an authenticator app, and somebody at a real browser."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import pyotp
import pytest

from provider.config.environment import load_settings
from provider.installation import open_installation
from provider.work import UnitOfWork, unit_of_work
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import CHEAP, Demo, running_demo
from tests.support.effort import SCRIPTS, named_scripts
from tests.support.factories import PASSWORD, make_user
from tests.support.waiting import wait_until

STEP = 30
_numbers = count(1)


@dataclass
class Account:
    email: str
    password: str = PASSWORD


@dataclass
class Authenticator:
    """The app on somebody's phone. The provider takes each time step once, and one step of drift either way."""

    key: str
    _last: int = field(default=0)

    def code(self) -> str:
        """The next one that has not been used."""
        wanted = max(self._last + 1, int(time.time() + 3) // STEP - 1)  # not one about to be too old
        while wanted > int(time.time()) // STEP + 1:
            time.sleep(0.2)
        self._last = wanted
        return pyotp.TOTP(self.key).at(wanted * STEP)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("journeys") / "demo") as demo:
        demo.wait_until_filled()
        yield demo


@pytest.fixture
def person(new_person: NewPerson) -> Person:
    return new_person()


@pytest.fixture
def newcomer() -> Account:
    """What somebody is about to sign up with."""
    return Account(f"newcomer{next(_numbers)}@example.test")


@pytest.fixture
def account(demo: Demo) -> Account:
    """Of somebody who signed up and confirmed their address earlier."""
    return _made(demo, f"person{next(_numbers)}@example.test")


@pytest.fixture
def operator(demo: Demo) -> Account:
    """Of somebody with the role `admin`."""
    return _made(demo, f"operator{next(_numbers)}@example.test", "admin")


def _made(demo: Demo, email: str, *roles: str) -> Account:
    account = Account(email)
    with work_of(demo) as work:
        make_user(work, account.email, password=account.password, roles=roles, name="Grace Hopper")
    return account


@contextmanager
def work_of(demo: Demo) -> Iterator[UnitOfWork]:
    """A unit of work on the demo's database."""
    settings = load_settings(
        {
            "SIGNET_ISSUER": demo.provider,
            "SIGNET_DATABASE_URL": f"sqlite:///{demo.folder.resolve() / 'signet.db'}",
            "SIGNET_BCRYPT_COST": CHEAP["SIGNET_BCRYPT_COST"],
        }
    )
    installation = open_installation(settings)
    with unit_of_work(installation) as work:
        yield work
    installation.database.close()


@dataclass(frozen=True)
class Steps:
    """What people do again and again at a demo."""

    demo: Demo

    def sign_in(self, person: Person, account: Account) -> None:
        """On the sign-in page: identifier and password."""
        person.expect_heading("Sign in")
        person.fill("Email address", account.email)
        person.fill("Password", account.password)
        person.press("Sign in")

    def sign_in_to_app(self, person: Person, account: Account) -> None:
        """From the app's own page to the page that greets them."""
        person.open(self.demo.web_app)
        person.follow("Sign in")
        self.sign_in(person, account)
        person.page.wait_for_url(re.compile(f"{self.demo.provider}/consent|{self.demo.web_app}/"))
        if person.page.url.startswith(self.demo.provider):  # it is asked once per person and app
            self.allow(person)

    def allow(self, person: Person) -> None:
        person.expect_heading("Quill wants to access your account")
        person.press("Allow")
        person.page.wait_for_url(f"{self.demo.web_app}/**")

    def read_letter(self, person: Person, subject: str, to: str) -> str:
        """The newest letter of this subject to this address, read on the mailbox page; it may take a moment to come."""
        letter = person.page.locator("li").filter(has_text=to).filter(has_text=subject).first

        def look() -> bool:  # the page reloads itself, but only every few seconds
            person.open(self.demo.mailbox)
            return letter.count() > 0

        wait_until(look, what=f"no letter {subject!r} to {to}", every=0.2)
        letter.get_by_role("link").click()
        person.page.get_by_role("heading", name=subject).wait_for()
        return person.page.locator(".letter").inner_text()

    def authenticator(self, key: str) -> Authenticator:
        """Somebody types the key into their phone."""
        return Authenticator(re.sub(r"\s", "", key))

    def turn_on_two_factor(self, person: Person) -> tuple[Authenticator, list[str]]:
        """For somebody who is signed in. Their authenticator app, and the recovery codes they were shown."""
        person.open(f"{self.demo.provider}/account/two-factor")
        person.press("Turn on two-factor authentication")
        person.expect_heading("Set up two-factor authentication")
        authenticator = self.authenticator(person.page.locator("#key").inner_text())
        person.fill("Code", authenticator.code())
        person.press("Turn on")
        person.expect_heading("Save your recovery codes")
        codes = person.page.locator("#codes li").all_inner_texts()
        person.follow("I've saved these codes")
        return authenticator, codes


@pytest.fixture
def steps(demo: Demo) -> Steps:
    return Steps(demo)


@pytest.fixture
def plain_person(new_person: NewPerson) -> Person:
    """With JavaScript off. Every page must work like that; where a script has a part in the story, see `any_person`."""
    return new_person(java_script_enabled=False)


@pytest.fixture(params=SCRIPTS, ids=named_scripts)
def any_person(request: pytest.FixtureRequest, new_person: NewPerson) -> Person:
    """With JavaScript; with `make test-all` once more with JavaScript off."""
    return new_person(java_script_enabled=request.param)
