"""The world of the protocol tests: people at browsers, relying parties, and what must not have changed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import RSAKey
from starlette.applications import Starlette

from provider.oauth.explanations import find_explanation
from provider.oauth.store import RefusalRow
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import Installation
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import RelyingParty, sign_in_person
from tests.support.stored import stored

PRECIOUS = 4
"""How many RSA keys a test may make."""

Register = Callable[..., RelyingParty]
Explain = Callable[[str], RefusalRow]
Unchanged = Callable[[], AbstractContextManager[None]]
Person = Callable[..., WatchedClient]

NOT_THE_PROTOCOLS = {"audit_events", "refusals", "alembic_version"}
"""Tables that a refused request may add to."""


@pytest.fixture(scope="session")
def spare_rsa_keys() -> list[RSAKey]:
    return [RSAKey.generate_key(2048, private=True) for _ in range(PRECIOUS)]


@pytest.fixture
def rsa_keys_made_before(monkeypatch: pytest.MonkeyPatch, spare_rsa_keys: list[RSAKey]) -> None:
    """The RSA keys a test makes are the same few for every test: making one takes up to a second."""
    left = iter(spare_rsa_keys)
    monkeypatch.setattr(RSAKey, "generate_key", lambda *_, **__: next(left))


@pytest.fixture
def hosts() -> set[str]:
    """Where registered clients may be redirected to."""
    return set()


@pytest.fixture
def new_http(app: Starlette, hosts: set[str]) -> Callable[[], WatchedClient]:
    """Another cookie jar: another browser, or another program."""

    def make() -> WatchedClient:
        http = WatchedClient(app, ISSUER)
        http.may_go_to = hosts
        return http

    return make


@pytest.fixture
def http(new_http: Callable[[], WatchedClient]) -> WatchedClient:
    """A program that calls the provider: no cookies are kept between tests."""
    return new_http()


@pytest.fixture
def server(app: Starlette) -> AuthorizationServer:
    found: AuthorizationServer = app.state.oauth
    return found


@pytest.fixture
def register(work: Work, http: WatchedClient, hosts: set[str]) -> Register:
    """`register(public=True, scope=...)`: a relying party whose people need not be asked for consent."""

    def make(*, public: bool = False, client_id: str | None = None, **changes: Any) -> RelyingParty:
        given = {
            "first_party": True,
            "scope": "openid profile email address phone offline_access roles",
            "post_logout_redirect_uris": ("https://app.example.test/signed-out",),
            **changes,
        }
        with work() as w:
            client, secret = make_client(w, public=public, **given)
        for uri in client.metadata.redirect_uris + client.metadata.post_logout_redirect_uris:
            hosts.add(urlsplit(uri).netloc)
        return RelyingParty(http, client, secret)

    return make


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    return register()


@pytest.fixture
def ada(work: Work) -> str:
    """Ada, whose address is verified. Her id."""
    with work() as w:
        return make_user(w, "ada@example.test", name="Ada Lovelace", given_name="Ada")


@pytest.fixture
def person(new_http: Callable[[], WatchedClient], installation: Installation) -> Person:
    """`person(user_id)`: a browser in which this person is signed in; without an id, nobody is."""

    def make(user_id: str | None = None, *, amr: str = "pwd") -> WatchedClient:
        browser = new_http()
        if user_id is not None:
            sign_in_person(browser, installation, user_id, amr=amr)
        return browser

    return make


@pytest.fixture
def browser(person: Person, ada: str, clock: Clock) -> WatchedClient:
    """Ada's browser; she signed in a while ago."""
    browser = person(ada)
    clock.advance(seconds=40)
    return browser


@pytest.fixture
def explain(work: Work) -> Explain:
    """What `signet explain` would show."""

    def find(error_id: str) -> RefusalRow:
        with work() as w:
            row = find_explanation(w, error_id)
        assert row is not None, f"{error_id} is not explained"
        return row

    return find


@pytest.fixture
def unchanged(installation: Installation) -> Unchanged:
    """A context in which nothing may be stored but audit events and explanations."""

    def rows() -> dict[str, list[str]]:
        with installation.database.engine.connect() as db:
            return stored(db, but=NOT_THE_PROTOCOLS)

    @contextmanager
    def watch() -> Iterator[None]:
        before = rows()
        yield
        after = rows()
        changed = [name for name in before if before[name] != after[name]]
        assert not changed, f"stored in {changed}"

    return watch
