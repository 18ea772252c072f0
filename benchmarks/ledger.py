"""Users and apps that write down what they were told, and check after a crash that all of it still holds.

Each actor does one kind of operation, over and over, in a thread of its own. `act` writes an operation down before it
is sent and again when it is acknowledged. `check` runs when the service is back: an acknowledged operation must be
done, one without an answer must be done or undone as a whole, and nothing used, revoked or ended may work again.
"""

import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Any

import httpx2

from benchmarks.scratch import NoAnswer, Scratch
from provider.accounts.store import email_addresses
from provider.oauth.clients.clients import Client
from provider.work import unit_of_work
from tests.support.browser import Browser
from tests.support.factories import make_client, make_user
from tests.support.people import sign_in, sign_up
from tests.support.relying_party import Answer, RelyingParty, Tokens

SCOPE = "openid email offline_access"
CALLBACK = "https://app.example.test/callback"
GOODBYE = "https://app.example.test/bye"
SAMPLE = 12
"""How many facts of each kind are checked again in each round."""


class Known(Enum):
    """What is known of an operation."""

    SENT = "sent"
    DONE = "done"


class Broken(Exception):
    """An answer that the service may never give, or a promise that it did not keep."""


def expect(kept: object, what: str) -> None:
    """Raise Broken if a promise was not kept."""
    if not kept:
        raise Broken(what)


@dataclass(kw_only=True)
class Actor(ABC):
    """One user or app with a ledger."""

    scratch: Scratch
    app: tuple[Client, str | None]
    random: Random
    number: int
    acknowledged: Counter[str] = field(default_factory=Counter)
    """Operation -> how often it was acknowledged."""
    unanswered: int = 0
    checked: int = 0
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rp = RelyingParty(self.scratch.client(self.network()), *self.app, issuer=self.scratch.origin)
        self.email = f"{type(self).__name__.lower()}{self.number}@example.test"
        with unit_of_work(self.scratch.installation) as work:
            make_user(work, self.email)
        self.browser = self.signed_in()

    def network(self) -> str:
        return ".".join(["10", *(str(self.random.randrange(1, 255)) for _ in range(3))])

    def signed_in(self) -> Browser:
        """A new browser of the user's, signed in with the password. Raises Broken if that is refused."""
        browser = self.scratch.browser(self.network())
        page = sign_in(browser, self.email)
        expect(page.path == "/account", f"a correct password was refused: {page}")
        return browser

    def tokens(self) -> Tokens:
        """Those of a new code flow."""
        asked = self.rp.ask(self.browser.client, scope=SCOPE)
        return accepted(self.rp.redeem(asked), "a new code")

    def run(self, stop: threading.Event) -> None:
        """Act until stopped. An answer that never comes is the point of it; a wrong one is a problem."""
        while not stop.is_set():
            try:
                self.act()
            except (NoAnswer, httpx2.HTTPError):
                self.unanswered += 1
                stop.wait(0.05)
            except (Broken, AssertionError) as broken:
                self.problems.append(f"{type(self).__name__}, under load: {broken}"[:500])
                return

    def verify(self) -> None:
        """Check the ledger, with the service ready again.

        A busy machine may answer a check with 503, which says nothing. If it answers none, it is not ready.
        """
        before, unanswered = self.checked, 0
        for check in self.checks():
            try:
                check()
                self.checked += 1
            except (NoAnswer, httpx2.HTTPError):
                unanswered += 1
            except (Broken, AssertionError) as broken:
                self.problems.append(f"{type(self).__name__}, afterwards: {broken!r}"[:500])
        self.unanswered += unanswered
        if unanswered and self.checked == before:
            self.problems.append(f"{type(self).__name__}, afterwards: no check was answered")

    @abstractmethod
    def act(self) -> None:
        """Do one operation. Raises NoAnswer or httpx2.HTTPError without an answer, and Broken after a wrong one."""

    @abstractmethod
    def checks(self) -> Iterator[Any]:
        """Yield functions that raise Broken when a promise was not kept."""

    def some(self, facts: list[Any], count: int = SAMPLE) -> list[Any]:
        return self.random.sample(facts, min(count, len(facts)))


def accepted(tokens: Tokens, what: str) -> Tokens:
    """Return the tokens. Raises Broken if the answer is an error: an outage must never look like a verdict (R1)."""
    expect(tokens.status == 200, f"{what} was refused: {tokens.status} {tokens.body}")
    return tokens


@dataclass
class Family:
    """The refresh tokens of one grant in their order, and its newest access token."""

    refresh_tokens: list[str]
    access_token: str

    def add(self, tokens: Tokens) -> None:
        if tokens.refresh_token != self.refresh_tokens[-1]:
            self.refresh_tokens.append(tokens.refresh_token)
        self.access_token = tokens.access_token


class Refresher(Actor):
    """An app that rotates refresh tokens."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ended: list[Family] = []
        self.family = self.new_family()

    def new_family(self) -> Family:
        tokens = self.tokens()
        return Family([tokens.refresh_token], tokens.access_token)

    def act(self) -> None:
        self.family.add(accepted(self.rp.refresh(self.family.refresh_tokens[-1]), "the newest refresh token"))
        self.acknowledged["refresh"] += 1

    def checks(self) -> Iterator[Any]:
        yield self.newest_works
        if len(self.family.refresh_tokens) > 3:
            yield self.rotated_one_is_refused
        for family in self.some(self.ended):
            yield lambda family=family: self.is_refused(family.refresh_tokens[-1])

    def newest_works(self) -> None:
        expect(self.rp.is_active(self.family.access_token), "an acknowledged access token is not active")
        self.family.add(accepted(self.rp.refresh(self.family.refresh_tokens[-1]), "the newest refresh token"))

    def rotated_one_is_refused(self) -> None:
        """Reuse of a rotated token ends the family (RFC 9700 section 4.14.2)."""
        family, self.family = self.family, self.new_family()
        self.ended.append(family)
        self.is_refused(self.random.choice(family.refresh_tokens[:-2]))
        self.is_refused(family.refresh_tokens[-1])
        expect(not self.rp.is_active(family.access_token), "an access token outlived its family")

    def is_refused(self, token: str) -> None:
        refused = self.rp.refresh(token)
        expect(refused.error == "invalid_grant", f"REVIVED: a dead refresh token works: {refused.status}")


@dataclass
class Code:
    """An authorization code, and what became of it."""

    answer: Answer
    redeemed: Known | None = None
    tokens: Tokens | None = None


class Redeemer(Actor):
    """An app that asks for codes, and redeems most of them immediately."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.codes: list[Code] = []
        self.used: list[Code] = []

    def act(self) -> None:
        answer = self.rp.ask(self.browser.client, scope=SCOPE)
        code = Code(answer)
        expect("code" in answer.parameters, f"no code: {answer.response.status_code} {answer.location}")
        self.codes.append(code)
        self.acknowledged["code issued"] += 1
        if self.random.random() < 0.8:
            code.redeemed = Known.SENT
            code.tokens = accepted(self.rp.redeem(answer), "a new code")
            code.redeemed = Known.DONE
            self.acknowledged["code redeemed"] += 1

    def checks(self) -> Iterator[Any]:
        codes, self.codes = self.codes, []
        open_ones = [code for code in codes if code.redeemed is not Known.DONE]
        for code in self.some(open_ones) + self.some([code for code in codes if code not in open_ones]):
            yield lambda code=code: self.works_once(code)
        for code in self.some(self.used):
            yield lambda code=code: self.is_refused(code)

    def works_once(self, code: Code) -> None:
        """A code is redeemed once. The second time ends its tokens (RFC 6749 section 4.1.2)."""
        if code.tokens is not None:
            expect(self.rp.is_active(code.tokens.access_token), "an acknowledged access token is not active")
        else:
            tokens = self.rp.redeem(code.answer)
            undone = code.redeemed is None
            expect(tokens.status == 200 or not undone, f"a code that was issued is refused: {tokens.body}")
            code.tokens = tokens if tokens.status == 200 else None
        self.is_refused(code)
        if code.tokens is not None:
            expect(self.rp.refresh(code.tokens).error == "invalid_grant", "tokens of a code used twice work")
        self.used = [*self.used, code][-300:]  # a code is forgotten some time after it expired

    def is_refused(self, code: Code) -> None:
        again = self.rp.redeem(code.answer)
        expect(again.error == "invalid_grant", f"REVIVED: a code works a second time: {again.status}")


@dataclass
class Revocation:
    """Tokens that were revoked, or were about to be."""

    tokens: Tokens
    known: Known = Known.SENT


class Revoker(Actor):
    """An app that revokes its refresh tokens."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.revocations: list[Revocation] = []

    def act(self) -> None:
        revocation = Revocation(self.tokens())
        self.revocations.append(revocation)
        done = self.rp.revoke(revocation.tokens.refresh_token)
        expect(done.status_code == 200, f"a revocation was refused: {done.status_code} {done.text}")
        revocation.known = Known.DONE
        self.acknowledged["revocation"] += 1

    def checks(self) -> Iterator[Any]:
        unknown = [one for one in self.revocations if one.known is Known.SENT]
        done = [one for one in self.revocations if one.known is Known.DONE]
        for one in unknown:
            yield lambda one=one: self.is_whole(one)
        for one in done[-SAMPLE:] + self.some(done[:-SAMPLE], 4):
            yield lambda one=one: self.is_revoked(one)

    def is_whole(self, one: Revocation) -> None:
        """Without an answer, access and refresh token both work or neither does."""
        active = self.rp.is_active(one.tokens.access_token)
        refreshed = self.rp.refresh(one.tokens)
        expect(active == (refreshed.status == 200), f"half revoked: active {active}, {refreshed.body}")
        expect(self.rp.revoke(one.tokens.refresh_token).status_code == 200, "a revocation was refused")
        one.known = Known.DONE

    def is_revoked(self, one: Revocation) -> None:
        expect(not self.rp.is_active(one.tokens.access_token), "REVIVED: a revoked access token is active")
        expect(self.rp.refresh(one.tokens).error == "invalid_grant", "REVIVED: a revoked refresh token works")


@dataclass
class Session:
    """A signed-in browser. `ended` is what is known of its sign-out."""

    browser: Browser
    id_token: Tokens
    ended: Known | None = None


class SignedIn(Actor):
    """A user who signs in with a password in new browsers, and signs out of some."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sessions: list[Session] = []

    def act(self) -> None:
        browser = self.signed_in()
        self.acknowledged["sign-in"] += 1
        self.browser = browser
        session = Session(browser, self.tokens())
        self.sessions.append(session)
        if self.random.random() < 0.4:
            session.ended = Known.SENT
            out = self.rp.log_out(browser.client, session.id_token)
            expect(out.is_redirect and out.headers["location"].startswith(GOODBYE), f"no sign-out: {out.status_code}")
            session.ended = Known.DONE
            self.acknowledged["sign-out"] += 1

    def checks(self) -> Iterator[Any]:
        for session in self.sessions[-SAMPLE:] + self.some(self.sessions[:-SAMPLE], 4):
            if session.ended is not Known.SENT:
                yield lambda session=session: self.is_as_known(session)
        self.sessions = self.sessions[-200:]

    def is_as_known(self, session: Session) -> None:
        path = session.browser.open("/account").path
        if session.ended is None:
            expect(path == "/account", "an acknowledged sign-in is gone")
        else:
            expect(path == "/login", "REVIVED: a session that was signed out works")


@dataclass
class Registration:
    """A client that registered itself. `deleted` is what is known of its deletion."""

    told: dict[str, str]
    deleted: Known | None = None


class Registrar(Actor):
    """An app that registers itself and deletes some registrations (RFC 7591, RFC 7592), and users who sign up."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.registrations: list[Registration] = []
        self.signed_up: list[str] = []
        self.count = 0

    def act(self) -> None:
        self.count += 1
        if self.count % 3 == 0:
            self.sign_up()
            return
        told = self.rp.http.post("/oauth2/register", json={"redirect_uris": [CALLBACK]})
        expect(told.status_code == 201, f"a registration was refused: {told.status_code} {told.text}")
        registration = Registration(told.json())
        self.registrations.append(registration)
        self.acknowledged["client registered"] += 1
        if self.random.random() < 0.3:
            registration.deleted = Known.SENT
            expect(self.manage(registration, "DELETE") == 204, "a client could not delete itself")
            registration.deleted = Known.DONE
            self.acknowledged["client deleted"] += 1

    def sign_up(self) -> None:
        email = f"new{self.number}.{self.count}@example.test"
        page = sign_up(self.scratch.browser(self.network()), email)
        expect(page.path.startswith("/verify-email"), f"a sign-up was refused: {page}")
        self.signed_up.append(email)
        self.acknowledged["sign-up"] += 1

    def manage(self, registration: Registration, method: str) -> int:
        headers = {"authorization": f"Bearer {registration.told['registration_access_token']}"}
        return self.rp.http.request(method, registration.told["registration_client_uri"], headers=headers).status_code

    def checks(self) -> Iterator[Any]:
        recent, older = self.registrations[-SAMPLE:], self.registrations[:-SAMPLE]
        for registration in recent + self.some(older, 4):
            if registration.deleted is not Known.SENT:
                yield lambda registration=registration: self.is_as_known(registration)
        for email in self.signed_up[-SAMPLE:] + self.some(self.signed_up[:-SAMPLE], 4):
            yield lambda email=email: self.is_signed_up(email)

    def is_as_known(self, registration: Registration) -> None:
        status = self.manage(registration, "GET")
        if registration.deleted is None:
            expect(status == 200, f"an acknowledged registration is gone: {status}")
        else:
            expect(status == 401, f"REVIVED: a deleted client works: {status}")

    def is_signed_up(self, email: str) -> None:
        with unit_of_work(self.scratch.installation) as work:
            expect(email_addresses.find_claims(work.read, email), "an acknowledged sign-up is gone")


KINDS: tuple[type[Actor], ...] = (Refresher, Redeemer, Revoker, SignedIn, Registrar)


def make_actors(scratch: Scratch, random: Random, *, each: int) -> list[Actor]:
    """Return so many actors of every kind. The service must run: they sign in."""
    with unit_of_work(scratch.installation) as work:
        app = make_client(
            work,
            first_party=True,
            redirect_uris=(CALLBACK,),
            post_logout_redirect_uris=(GOODBYE,),
            scope=f"{SCOPE} profile",
        )
    return [
        kind(scratch=scratch, app=app, random=Random(random.random()), number=number)
        for kind in KINDS
        for number in range(each)
    ]


@contextlib.contextmanager
def acting(actors: list[Actor]) -> Iterator[None]:
    """Within this, every actor acts in a thread of its own."""
    stop = threading.Event()
    threads = [threading.Thread(target=actor.run, args=(stop,)) for actor in actors]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def verify_all(actors: list[Actor]) -> float:
    """Check every ledger, each in a thread of its own. Returns how long that took, in seconds."""
    began = time.monotonic()
    threads = [threading.Thread(target=actor.verify) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began
