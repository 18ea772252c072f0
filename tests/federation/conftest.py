"""An installation with one upstream, which the tests have in their hands."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provider.accounts.store import linked_identities
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.audit.store import AuditEvent
from provider.audit.store import find as find_events
from provider.config.settings import Settings
from provider.installation import open_installation
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation
from tests.federation.fake_provider import CLIENT_ID, CLIENT_SECRET, ISSUER, FakeProvider, Traveller
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import sign_in

EXAMPLE = {
    "name": "Example",
    "issuer": ISSUER,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "trust_email_verified": True,
    "may_create_accounts": True,
}

NewTraveller = Callable[[], Traveller]


def toml(tables: dict[str, dict[str, Any]]) -> str:
    """Texts, booleans and lists of texts look in TOML as in JSON."""
    lines = []
    for key, members in tables.items():
        lines.append(f"[{key}]")
        for name, value in members.items():
            pairs = value.items() if isinstance(value, dict) else ()
            table = ", ".join(f"{json.dumps(one)} = {json.dumps(other)}" for one, other in pairs)
            lines.append(f"{name} = {{{table}}}" if pairs else f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def write_upstreams(path: Path, tables: dict[str, dict[str, Any]]) -> Path:
    path.write_text(toml(tables))
    path.chmod(0o600)
    return path


@pytest.fixture
def configured() -> dict[str, dict[str, Any]]:
    """The tables of the file; a test class that needs others overrides this."""
    return {"example": EXAMPLE}


@pytest.fixture
def settings(settings: Settings, configured: dict[str, dict[str, Any]], tmp_path: Path) -> Settings:
    return settings.model_copy(update={"upstreams": write_upstreams(tmp_path / "upstreams.toml", configured)})


@pytest.fixture
def provider(clock: Clock) -> FakeProvider:
    return FakeProvider(clock)


@pytest.fixture
def installation(settings: Settings, clock: Clock, provider: FakeProvider) -> Iterator[Installation]:
    installation = open_installation(settings, clock=clock, counter=LimitCounter(), outbound=provider)
    yield installation
    installation.database.close()


@pytest.fixture
def traveller(browser: Browser, provider: FakeProvider) -> Traveller:
    return Traveller(browser, provider)


@pytest.fixture
def new_traveller(new_browser: Callable[[], Browser], provider: FakeProvider) -> NewTraveller:
    return lambda: Traveller(new_browser(), provider)


@pytest.fixture
def ada(work: Work) -> str:
    """Ada, who has an account with a password and a verified address. Her id."""
    with work() as w:
        return make_user(w)


@pytest.fixture
def linked(traveller: Traveller, ada: str) -> str:
    """Ada, who linked Example to her account and is signed out. Her id."""
    sign_in(traveller.browser)
    assert "Account linked" in traveller.link().text
    sign_out(traveller.browser)
    return ada


def sign_out(browser: Browser) -> None:
    browser.open("/account")
    browser.submit(action="/sign-out")


def identities_of(work: Work, user_id: str) -> list[LinkedIdentity]:
    with work() as w:
        return linked_identities.find_of_user(w.read, user_id)


def events_of(work: Work, user_id: str) -> list[AuditEvent]:
    """The oldest first."""
    with work() as w:
        return find_events(w.read, user_id=user_id)[::-1]
