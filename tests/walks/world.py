"""The world of a walk: an installation, two applications, people with mailboxes and phones, and what was shown."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pyotp
from starlette.routing import Route

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.factors.recovery_codes import RECOVERY_CODE
from provider.accounts.factors.store import totp
from provider.accounts.factors.totp import open_seed
from provider.accounts.passwords.passwords import is_password_of
from provider.accounts.store import email_addresses
from provider.accounts.store.users import User
from provider.app import create_app
from provider.crypto.digests import digest
from provider.installation import open_installation
from provider.login.pages.email_code import ENTER
from provider.sessions.active import find_active, find_all_active
from provider.sessions.idle import idle_since
from provider.sessions.store import Session
from provider.web import cookies
from provider.web.endpoint import Endpoint
from provider.web.errors import as_page
from provider.web.routing import flattened
from provider.work import unit_of_work
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.inbox import Inbox, Letter
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import RelyingParty
from tests.walks.direct import Direct, without_threads

START = datetime(2031, 5, 5, 12, 0, 1, tzinfo=UTC)


class Boundless:
    """Limits per network count on the real clock, and are not what a walk is about."""

    def hit(self, limit: str, key: str) -> int | None:
        return None

    def look(self, limit: str, key: str) -> int | None:
        return None


@dataclass
class Human:
    """Somebody and what they remember."""

    mailboxes: tuple[str, ...]
    passwords: list[str]
    recovery_codes: list[str] = field(default_factory=list)


Typed = list[tuple[str, datetime]]
"""The passwords typed to sign up or to confirm an address, and when."""


@dataclass
class Shown:
    """Who showed what at one browser since somebody was last signed in there: user -> when."""

    password: dict[str, datetime] = field(default_factory=dict)
    code: dict[str, datetime] = field(default_factory=dict)


@dataclass
class Memory:
    """What is not in the database."""

    people: list[Human]
    sits_at: dict[int, int]
    """Browser -> which of the people."""
    shown: dict[int, Shown] = field(default_factory=dict)
    """By browser."""
    typed: dict[int, Typed] = field(default_factory=dict)
    """By browser: it is not forgotten when somebody signs out, because a link may sign in later."""
    keys: dict[str, list[str]] = field(default_factory=dict)
    """User -> every key a set-up page showed to them."""
    asked: dict[str, tuple[int, dict[str, str], str]] = field(default_factory=dict)
    """The `state` of an application's request -> which application, the request and its verifier."""
    id_tokens: list[tuple[int, str, str]] = field(default_factory=list)
    """What applications got: which one, the token, whose (`sub`)."""


class World:
    """Everything around the browsers."""

    def __init__(self, folder: Path, template: Path, **more: object) -> None:
        """`more` are further settings. With any, browsers answer as if their scripts ran."""
        self.has_scripts = bool(more)
        self.file = Path(shutil.copy(template, folder / "walk.db"))
        self.clock = Clock()
        self.clock.now = START
        settings = settings_for(f"sqlite:///{self.file}", **more)
        self.settings = settings
        self.installation = open_installation(settings, clock=self.clock, counter=Boundless())
        self.app = without_threads(create_app(self.installation))
        self.transport = Direct(self.app)
        self.inbox = Inbox(self.installation)
        ada = Human(("ada@example.test", "ada.work@example.test"), ["velvet canyon sparrow"])
        bob = Human(("bob@example.test", "bob.home@example.test"), ["pewter lantern meadow"])
        eve = Human(("eve@example.test", "eve.new@example.test"), ["copper thistle harbor"])  # has no account yet
        self.memory = Memory([ada, bob, eve], {0: 0, 1: 1})
        with unit_of_work(self.installation) as work:
            for human in (ada, bob):
                make_user(work, human.mailboxes[0], password=human.passwords[0])
            third_party = make_client(work, post_logout_redirect_uris=("https://app.example.test/signed-out",))
            own = make_client(
                work,
                client_name="Home",
                first_party=True,
                redirect_uris=("https://home.example.test/in",),
                post_logout_redirect_uris=("https://home.example.test/out",),
            )
        self.apps = [RelyingParty(self.new_client(), *client) for client in (third_party, own)]

    def close(self) -> None:
        self.transport.close()
        self.installation.database.close()
        for left in self.file.parent.glob(f"{self.file.name}*"):
            left.unlink()

    def new_client(self) -> httpx2.Client:
        """Another cookie jar."""
        return httpx2.Client(transport=self.transport, base_url=ISSUER, follow_redirects=False)

    @contextmanager
    def as_if(self, *browsers: Browser) -> Iterator[None]:
        """What happens in here did not happen."""
        now, memory = self.clock.now, deepcopy(self.memory)
        jars = [(browser.cookies.jar, list(browser.cookies.jar)) for browser in browsers]
        kept = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(self.file)) as database:
            database.backup(kept)
        try:
            yield
        finally:
            with closing(sqlite3.connect(self.file)) as database, closing(kept):
                kept.backup(database)
            self.clock.now, self.memory = now, memory
            for jar, held in jars:
                jar.clear()
                for cookie in held:
                    jar.set_cookie(cookie)

    @property
    def work(self) -> Work:
        return partial(unit_of_work, self.installation)

    @property
    def pages(self) -> list[str]:
        """Every address of ours that a person could type, or keep as a bookmark."""
        found = [route for route in flattened(self.app.routes) if isinstance(route, Route) and "{" not in route.path]
        people = [route for route in found if isinstance(route.endpoint, Endpoint) and route.endpoint.render is as_page]
        return sorted({route.path for route in people})

    @property
    def exits(self) -> list[str]:
        """Where browsers may be sent to: what the applications registered."""
        metadata = [app.client.metadata for app in self.apps]
        return [uri for one in metadata for uri in (*one.redirect_uris, *one.post_logout_redirect_uris)]

    # What people know of themselves

    def account_of(self, human: Human) -> User | None:
        with self.work() as w:
            owners = [email_addresses.find_owner(w.read, mailbox) for mailbox in human.mailboxes]
        found = [owner for owner in owners if owner is not None]
        found.sort(key=lambda owner: owner[1].verified_at is None)
        return found[0][0] if found else None

    def address_of(self, human: Human) -> str:
        """What they sign in with."""
        user = self.account_of(human)
        with self.work() as w:
            address = None if user is None else email_addresses.find_of_user(w.read, user.id)
        return human.mailboxes[0] if address is None else address.address

    def password_of(self, human: Human) -> str | None:
        """The one that works, of all they ever chose; None when they need a new one."""
        user = self.account_of(human)
        with self.work() as w:
            right = [one for one in human.passwords if user and is_password_of(w, user.id, one)]
        return right[0] if right else None

    def code_of(self, user_id: str) -> str:
        """What their phone shows."""
        with self.work() as w:
            held = totp.find_of_user(w.read, user_id)
            return pyotp.TOTP(open_seed(w, user_id, held[0].seed)).at(w.now) if held else "000000"

    def letters(self, mailboxes: list[str]) -> list[Letter]:
        """The latest first."""
        return [letter for letter in reversed(self.inbox.letters()) if letter.to in mailboxes]

    # What is true

    def session_at(self, browser: Browser) -> Session | None:
        """Also one that still owes a factor."""
        value, _ = self._secrets_at(browser)
        if not value:
            return None
        with self.work() as w:
            since = idle_since(w)
            return find_active(w.read, digest(value), now=w.now, idle_since=since)

    def other_sessions_at(self, browser: Browser) -> Sequence[Session]:
        """Those of the other accounts that are signed in there."""
        _, others = self._secrets_at(browser)
        with self.work() as w:
            since, digests = idle_since(w), [digest(one) for one in others]
            return find_all_active(w.read, digests, now=w.now, idle_since=since)

    def _secrets_at(self, browser: Browser) -> tuple[str, list[str]]:
        """The secret of the current account and those of the others. A browser that was closed gets them back."""
        names = (cookies.SESSION, cookies.ACCOUNTS, cookies.KEPT)
        current, others, kept = (browser.cookies.get(cookies.cookie_name(self.settings, name)) or "" for name in names)
        if not current and not others:
            current, _, others = kept.partition(".")
        return current, others.split(".")

    def has_two_factor(self, user_id: str) -> bool:
        with self.work() as w:
            return bool(totp.find_owners(w.read, [user_id]))

    def note_what_is_shown(self, browser: Browser, shown: Shown, typed: Typed, url: str, body: bytes) -> None:
        """Before a form is sent: is there somebody's right password or code in it?"""
        fields, session = dict(parse_qsl(body.decode())), self.session_at(browser)
        with self.work() as w:
            user_id, password = None if session is None else session.user_id, fields.get("current", "")
            if urlsplit(url).path == "/login":
                address = parse_address(fields.get("username", ""))
                owner = None if address is None else email_addresses.find_owner(w.read, address.normal)
                user_id, password = None if owner is None else owner[0].id, fields.get("password", "")
            if user_id is not None and is_password_of(w, user_id, password):
                shown.password[user_id] = self.clock.now
        if urlsplit(url).path == ENTER:
            for user_id in self._readers_of(fields.get("code", "")):
                shown.password[user_id] = self.clock.now
        if urlsplit(url).path in {"/signup", "/verify-email/confirm"} and "password" in fields:
            typed.append((fields["password"], self.clock.now))
        if session is not None and self._is_code_of(session.user_id, fields.get("code", "")):
            shown.code[session.user_id] = self.clock.now

    def _readers_of(self, code: str) -> list[str]:
        """Whose mailboxes have a letter with this code. It signs in like the password."""
        readers = [
            human
            for human in self.memory.people
            for one in self.letters(list(human.mailboxes))
            if code and code in one.text
        ]
        return [user.id for user in map(self.account_of, readers) if user is not None]

    def password_shown_at(self, shown: Shown, typed: Typed, user_id: str) -> datetime | None:
        """When the user's password was typed at the browser; None if it was not."""
        with self.work() as w:
            for password, at in typed:
                if user_id not in shown.password and is_password_of(w, user_id, password):
                    shown.password[user_id] = at
        return shown.password.get(user_id)

    def _is_code_of(self, user_id: str, code: str) -> bool:
        keys = self.memory.keys.get(user_id, [])
        recovery_codes = {RECOVERY_CODE.read(one) for human in self.memory.people for one in human.recovery_codes}
        by_phone = any(pyotp.TOTP(key).verify(code, for_time=self.clock.now, valid_window=1) for key in keys)
        return by_phone or RECOVERY_CODE.read(code) in recovery_codes
