"""Sign in with another provider, in a real browser: a second Signet, on another host, is the upstream."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from provider.config.environment import load_settings
from provider.installation import open_installation
from provider.work import unit_of_work
from tests.federation.conftest import write_upstreams
from tests.journeys.looked_at import sees
from tests.journeys.test_accessibility import Inspector, axe, inspector
from tests.support.chromium import Person
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import SECRET_KEY
from tests.support.server_process import Serving, free_port, serving

__all__ = ["axe", "inspector"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OUR_PASSWORD = "quite another horse battery"
_numbers = count(1)


@dataclass
class TwoSites:
    """Ours and the upstream: cookies know hosts and not ports, so they have a host each."""

    ours: str
    upstream: str
    our_settings: dict[str, str]
    upstream_settings: dict[str, str]

    def add_person(self, *, here: bool) -> str:
        """Somebody with an account at the upstream and, `here`, one of ours with the same address."""
        email = f"traveller{next(_numbers)}@example.test"
        self._make(self.upstream_settings, email, PASSWORD)
        if here:
            self._make(self.our_settings, email, OUR_PASSWORD)
        return email

    def _make(self, settings: dict[str, str], email: str, password: str) -> None:
        installation = open_installation(load_settings(settings))
        with unit_of_work(installation) as work:
            make_user(work, email, password=password, name="Grace Hopper")
        installation.database.close()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[TwoSites]:
    with two_sites(tmp_path_factory.mktemp("two sites"), sqlite_template) as sites:
        yield sites


@pytest.fixture
def sites_that_tell(tmp_path: Path, sqlite_template: Path) -> Iterator[TwoSites]:
    """A sign-out at one is one at the other."""
    with two_sites(tmp_path, sqlite_template, signs_out_there=True) as sites:
        yield sites


@contextmanager
def two_sites(folder: Path, sqlite_template: Path, **more: Any) -> Iterator[TwoSites]:
    ports = free_port(), free_port()
    ours, upstream = f"http://127.0.0.1:{ports[0]}", f"http://localhost:{ports[1]}"

    def settings(name: str, issuer: str) -> dict[str, str]:
        return {
            "SIGNET_ISSUER": issuer,
            "SIGNET_DATABASE_URL": f"sqlite:///{shutil.copy(sqlite_template, folder / f'{name}.db')}",
            "SIGNET_SECRET_KEY": SECRET_KEY,
            "SIGNET_BRAND": "Ours" if name == "ours" else "Elsewhere",
            "SIGNET_BCRYPT_COST": "4",
            "SIGNET_ENV": "test",
            "SIGNET_OUTBOUND_ALLOW": "127.0.0.0/8",
        }

    sites = TwoSites(ours, upstream, settings("ours", ours), settings("upstream", upstream))
    installation = open_installation(load_settings(sites.upstream_settings))
    with unit_of_work(installation) as work:
        base = f"{ours}/login/upstream/elsewhere"
        client, secret = make_client(
            work,
            redirect_uris=(f"{base}/callback",),
            scope="openid email profile",
            first_party=True,
            post_logout_redirect_uris=(f"{base}/signed-out",),
            backchannel_logout_uri=f"{base}/backchannel-logout" if more else None,
        )
    installation.database.close()
    table = {
        "name": "Elsewhere",
        "issuer": upstream,
        "client_id": client.client_id,
        "client_secret": secret,
        "trust_email_verified": True,
        "may_create_accounts": True,
        **more,
    }
    sites.our_settings["SIGNET_UPSTREAMS"] = str(write_upstreams(folder / "upstreams.toml", {"elsewhere": table}))
    with ExitStack() as stack:
        servers: list[Serving] = []
        for given, port in ((sites.our_settings, ports[0]), (sites.upstream_settings, ports[1])):
            servers.append(stack.enter_context(serving(given, port=port)))
        yield sites


def go_to_upstream(person: Person, sites: TwoSites, *, button: str = "Sign in with Elsewhere") -> None:
    """The page in between goes on by itself."""
    person.press(button)
    person.page.wait_for_url(f"{sites.upstream}/login**")


def sign_in(person: Person, email: str, password: str) -> None:
    person.expect_heading("Sign in")
    person.fill("Email address", email)
    person.fill("Password", password)
    person.press("Sign in")


def sign_out(person: Person, sites: TwoSites) -> None:
    person.open(f"{sites.ours}/account")
    person.press("Sign out")
    person.expect_heading("You are signed out")


def test_a_first_sign_in_makes_an_account_and_the_next_one_is_a_single_press(
    any_person: Person, sites: TwoSites
) -> None:
    person, email = any_person, sites.add_person(here=False)
    person.open(f"{sites.ours}/account/profile")
    go_to_upstream(person, sites)
    sign_in(person, email, PASSWORD)
    person.page.wait_for_url(f"{sites.ours}/account/profile")
    sign_out(person, sites)
    person.follow("Sign in again")
    person.page.get_by_role("button", name="Sign in with Elsewhere").click()
    person.page.wait_for_url(f"{sites.ours}/account")
    person.expect_heading("Grace Hopper")
    person.back()  # the page in between is not in the history: nobody is sent on again
    assert "/login/upstream" not in person.page.url


def test_an_account_that_is_there_already_is_linked_once_its_owner_signed_in(
    plain_person: Person, sites: TwoSites
) -> None:
    person, email = plain_person, sites.add_person(here=True)
    person.open(f"{sites.ours}/login?return_to=/account/sessions")
    go_to_upstream(person, sites)
    sign_in(person, email, PASSWORD)
    person.expect_heading("You already have an account")
    person.expect_text(email)
    person.follow("Sign in and link Elsewhere")
    sign_in(person, email, OUR_PASSWORD)
    person.expect_heading("Link Elsewhere?")
    person.press("Link Elsewhere")
    person.page.wait_for_url(f"{sites.ours}/account/sessions")
    sign_out(person, sites)
    person.follow("Sign in again")
    person.press("Sign in with Elsewhere")
    person.page.wait_for_url(f"{sites.ours}/account")


def test_links_are_made_and_taken_away_on_the_accounts_page(person: Person, sites: TwoSites) -> None:
    email = sites.add_person(here=True)
    person.open(f"{sites.ours}/account/linked")
    sign_in(person, email, OUR_PASSWORD)
    person.expect_heading("Linked accounts")
    go_to_upstream(person, sites, button="Link Elsewhere")
    sign_in(person, email, PASSWORD)
    person.expect_heading("Linked accounts")
    person.expect_text("Account linked")
    person.press(f"Unlink Elsewhere {email}")
    person.page.get_by_text("Account unlinked").wait_for()
    person.expect_text("You haven't linked any accounts")


def test_whoever_thinks_better_of_it_is_led_on(person: Person, sites: TwoSites) -> None:
    email = sites.add_person(here=True)
    person.open(f"{sites.ours}/login?return_to=/account/sessions")
    go_to_upstream(person, sites)
    person.press("Cancel and go back to Example app")
    person.expect_heading("Couldn't sign in with Elsewhere")
    person.follow("Sign in another way")
    sign_in(person, email, OUR_PASSWORD)
    person.page.wait_for_url(f"{sites.ours}/account/sessions")


@pytest.mark.nightly
@sees("/login/upstream/sign-out")
def test_a_sign_out_at_one_is_a_sign_out_at_the_other(inspector: Inspector, sites_that_tell: TwoSites) -> None:
    person, see, sites = inspector.person, inspector.see, sites_that_tell
    email = sites.add_person(here=False)
    person.open(f"{sites.ours}/account")
    go_to_upstream(person, sites)
    sign_in(person, email, PASSWORD)
    person.page.wait_for_url(f"{sites.ours}/account")
    person.page.route(f"{sites.upstream}/**", lambda route: route.fulfill(status=204))  # the page stays
    person.press("Sign out")
    see("upstream-signing-out", "Sign out of Elsewhere")
    person.page.unroute_all()
    person.follow("Sign out of Elsewhere")
    person.page.wait_for_url(f"{sites.ours}/signed-out")
    person.expect_heading("You are signed out")
    person.open(f"{sites.upstream}/account")
    person.expect_heading("Sign in")
    person.open(f"{sites.ours}/account")
    person.page.get_by_role("button", name="Sign in with Elsewhere").click()  # and that it was used last
    sign_in(person, email, PASSWORD)
    person.page.wait_for_url(f"{sites.ours}/account")
    person.open(f"{sites.upstream}/account")
    person.press("Sign out")
    person.expect_heading("You are signed out")
    for _ in range(100):  # the message is on its way
        person.open(f"{sites.ours}/account")
        if person.heading == "Sign in":
            break
        person.page.wait_for_timeout(100)
    person.expect_heading("Sign in")


@pytest.mark.slow
@sees("/account/linked", "/account/linked/confirm")
def test_the_pages_on_the_way(inspector: Inspector, sites: TwoSites) -> None:
    person, see, email = inspector.person, inspector.see, sites.add_person(here=True)
    person.open(f"{sites.ours}/login")
    see("upstream-sign-in", "Sign in")
    person.page.route(f"{sites.upstream}/**", lambda route: route.fulfill(status=204))  # the page stays
    person.press("Sign in with Elsewhere")
    see("upstream-going-on", "Continue to Elsewhere")
    person.page.unroute_all()
    person.follow("Continue to Elsewhere")
    sign_in(person, email, PASSWORD)
    see("upstream-has-account", "You already have an account")
    person.follow("Sign in and link Elsewhere")
    sign_in(person, email, OUR_PASSWORD)
    see("upstream-offer", "Link Elsewhere?")
    person.press("Link Elsewhere")
    person.open(f"{sites.ours}/account/linked")
    see("account-linked", "Linked accounts")
    person.open(f"{sites.ours}/account/linked/confirm?ticket=nonsense")
    see("upstream-offer-over", "Account not linked")
    person.open(f"{sites.ours}/login/upstream/elsewhere/callback?state=nonsense")
    see("upstream-stopped", "This sign-in has expired")
