"""An account with everything that can end: sessions, tokens, links, devices. And what of it has ended."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts import (
    known_devices,
    linked_identities,
    throttle,
)
from provider.accounts.access import Access, Cause
from provider.accounts.factors import remembered_devices
from provider.accounts.factors.store import passkeys, totp
from provider.accounts.factors.store.passkeys import Passkey
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.factors.totp import SEED
from provider.accounts.links import find_link, issue_link
from provider.accounts.registration import create_user
from provider.accounts.store import email_addresses, email_changes, failures, upstream_tokens, users
from provider.accounts.store import linked_identities as identities
from provider.accounts.store.email_changes import EmailChange
from provider.accounts.store.links import Purpose
from provider.accounts.store.upstream_tokens import UpstreamTokens
from provider.accounts.upstream_tokens.sealing import TokenPair, seal
from provider.crypto.digests import digest
from provider.database.base import new_id
from provider.sessions import store as sessions
from provider.sessions.active import find_active
from provider.sessions.idle import idle_since
from provider.sessions.store import Session
from provider.web import cookies
from provider.work import Installation, UnitOfWork
from tests.admin.conftest import Console, Program, program
from tests.cli.conftest import Signet
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS
from tests.support.relying_party import TWO_FACTORS, RelyingParty, Tokens, sign_in_person


@dataclass
class World:
    """Ada's account with everything that can end. She is signed in here, where she acts, and there."""

    user_id: str
    here: Browser
    there: Browser
    new_browser: Callable[[], Browser]
    work: Work
    clock: Clock
    installation: Installation
    rp: RelyingParty
    program: Callable[[], Program]
    console: Callable[[], Console]
    signet: Signet
    key: str
    """The secret of her authenticator app."""
    device: str
    """The cookie by which her account knows the browser here."""
    sid: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, Tokens] = field(default_factory=dict)
    links: dict[Purpose, str] = field(default_factory=dict)
    setup: str = ""
    """The secret of the authenticator app that she is setting up here."""

    def code(self) -> str:
        return pyotp.TOTP(self.key).at(self.clock.now)

    def session(self, w: UnitOfWork, place: str) -> Session:
        found = sessions.find(w.read, self.sid[place])
        assert found is not None
        return found

    def link(self, purpose: Purpose) -> str:
        """A link whose use is the cause; the one to look at afterwards is another."""
        with self.work() as w:
            address = email_addresses.find_of_user(w.read, self.user_id)
            assert address is not None
            return issue_link(w, purpose=purpose, address=address).token


@pytest.fixture
def build(
    app: Starlette,
    client: TestClient,
    work: Work,
    clock: Clock,
    installation: Installation,
    new_browser: Callable[[], Browser],
    signet: Signet,
) -> Callable[[Cause], World]:
    """Ada's account and everything that can end, made for one cause: the link it uses is not the one looked at."""

    def console() -> Console:
        with work() as w:
            user_id = make_user(w, "operator@example.test", roles=("admin",))
        browser = new_browser()
        sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
        return Console(browser, user_id)

    def make(cause: Cause) -> World:
        key = pyotp.random_base32()
        has_password = cause is not Cause.FIRST_PASSWORD
        with work() as w:
            user_id = create_user(w, email=ADDRESS, password=PASSWORD if has_password else None, verified=True)
            app_of_ours = make_client(w, first_party=True, scope="openid offline_access")
            seed = w.vault.encrypt(key.encode(), purpose=SEED, context=user_id)
            totp.add(w.db, TotpCredential(user_id, seed, w.now, last_step=0))
            device = known_devices.remember(w, user_id=user_id, value=None)
            assert remembered_devices.remember(w, user_id=user_id, device=device, before=None)
            passkeys.add(w.db, make_passkey(user_id, w.now))
            linked_identities.attach(w, user_id=user_id, issuer="https://op.test", subject="ada", email=None)
            [identity] = identities.find_of_user(w.db, user_id)
            upstream_tokens.replace(
                w.db,
                UpstreamTokens(
                    identity_id=identity.id,
                    upstream="example",
                    sealed=seal(w.vault, identity.id, TokenPair(access_token="a", token_type="Bearer")),
                    scope="",
                    expires_at=None,
                    stored_at=w.now,
                    generation=1,
                ),
            )
        for policy in (throttle.PASSWORD, throttle.SECOND_FACTOR):
            with work() as w:
                throttle.reserve(w, policy, user_id)
        world = World(
            user_id=user_id,
            here=new_browser(),
            there=new_browser(),
            new_browser=new_browser,
            work=work,
            clock=clock,
            installation=installation,
            rp=RelyingParty(client, *app_of_ours),
            key=key,
            device=device,
            program=lambda: program(work, client, "admin:write"),
            console=console,
            signet=signet,
        )
        for place, browser in (("here", world.here), ("there", world.there)):
            cookie = sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
            with work() as w:
                session = find_active(w.read, digest(cookie), now=w.now, idle_since=idle_since(w))
            assert session is not None
            world.sid[place] = session.id
            world.tokens[place] = world.rp.sign_in(browser.client)
        world.tokens["offline"] = world.rp.sign_in(world.here.client, scope="openid offline_access")
        world.here.cookies.set(
            cookies.cookie_name(installation.settings, cookies.DEVICE), device, domain="id.example.test", path="/"
        )
        world.here.open("/account/two-factor")
        begun = world.here.submit(action="/account/two-factor/begin")
        world.setup = begun.html.split('id="key">')[1].split("<")[0].replace(" ", "")
        for purpose in (Purpose.CHANGE, Purpose.UNDO, Purpose.RESET):
            world.links[purpose] = world.link(purpose)
            with work() as w:
                link = find_link(w, world.links[purpose], purpose)
                assert link is not None
                email_changes.add(w.db, EmailChange(link.id, f"{purpose}@example.test", f"{purpose}@example.test"))
        clock.advance(minutes=1)
        return world

    return make


def make_passkey(user_id: str, now: datetime) -> Passkey:
    """One that nobody can use: its key is empty."""
    return Passkey(
        id=new_id(),
        user_id=user_id,
        credential_id=new_id(),
        public_key=b"",
        sign_count=0,
        aaguid="",
        transports="",
        is_synced=True,
        is_backed_up=True,
        name="Phone",
        created_at=now,
        last_used_at=None,
    )


def ended(world: World, cause: Cause) -> set[Access]:
    """What no longer works, or is no longer there."""
    gone = set()
    with world.work() as w:
        user = users.find(w.read, world.user_id)
        there = sessions.find(w.read, world.sid["there"])
        if there is None or there.ended_at is not None:
            gone.add(Access.SESSIONS)
        # The status of a closed account ends tokens as well; the mark must be there too, for when it is open again.
        if user is None or user.not_before is not None:
            gone.add(Access.TOKENS)
        purpose = Purpose.RESET if cause is Cause.EMAIL_CHANGED else Purpose.CHANGE
        link = find_link(w, world.links[purpose], purpose)
        if link is None or not link.is_open(w.now):
            gone.add(Access.LINKS)
        if w.read.exec_driver_sql("SELECT count(*) FROM totp_setups").scalar() == 0:
            gone.add(Access.SETUPS)
        if known_devices.find_known(w, world.device, world.user_id) is None:
            gone.add(Access.KNOWN_DEVICES)
        if not remembered_devices.find_of_user(w, world.user_id):
            gone.add(Access.REMEMBERED_DEVICES)
        if not identities.find_of_user(w.read, world.user_id):
            gone.add(Access.LINKED_IDENTITIES)
        if not upstream_tokens.find_of_user(w.read, world.user_id):
            gone.add(Access.UPSTREAM_TOKENS)
        if not passkeys.find_of_user(w.read, world.user_id):
            gone.add(Access.PASSKEYS)
        if not failures.find_failures(w.read, throttle.PASSWORD.kind, world.user_id):
            gone.add(Access.PASSWORD_FAILURES)
        if not failures.find_failures(w.read, throttle.SECOND_FACTOR.kind, world.user_id):
            gone.add(Access.SECOND_FACTOR_FAILURES)
    return gone
