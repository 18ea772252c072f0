"""Keys that clients publish: fetched when needed, kept for a while, and a dead server is its client's problem."""

import json
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provider.config.settings import Settings
from provider.jose.remote_key_sets import ASKED_AGAIN_AFTER, FRESH_FOR, KEPT_FOR
from provider.outbound import connection
from provider.outbound.client import FAILURE_KEPT
from tests.oauth.conftest import Explain, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.client_keys import Signatory, asserting, assertion_claims, new_key, usual_key
from tests.support.clock import Clock
from tests.support.foreign_server import Behaviour, ForeignServer, Request, answer
from tests.support.installation import ISSUER, settings_for
from tests.support.relying_party import TOKEN, RelyingParty, basic
from tests.support.waiting import PATIENCE

PUBLISHED: dict[str, Any] = {
    "grant_types": ("client_credentials",),
    "redirect_uris": (),
    "scope": "api",
    "token_endpoint_auth_method": "private_key_jwt",
}
OLD, NEW = Signatory(kid="old"), Signatory(kid="new", key=new_key())

Ask = Callable[..., int]


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


@pytest.fixture
def rp(register: Register, foreign_server: ForeignServer) -> RelyingParty:
    """Publishes the old key."""
    foreign_server.behaviour = answer(OLD.jwks)
    return register(**PUBLISHED, jwks_uri=foreign_server.url("/jwks.json"))


@pytest.fixture
def ask(rp: RelyingParty, clock: Clock) -> Ask:
    """`ask(NEW)`: a token request with an assertion of this key; its status."""

    def send(signatory: Signatory, **header: Any) -> int:
        now = int(clock.now.timestamp())
        claims = assertion_claims(rp.client_id, ISSUER, iat=now, exp=now + 60)
        form = {"grant_type": "client_credentials", **asserting(signatory.sign(claims, **header))}
        status: int = rp.http.post(TOKEN, data=form).status_code
        return status

    return send


def test_the_set_is_fetched_once_and_then_known(ask: Ask, foreign_server: ForeignServer) -> None:
    """RFC 7591 section 2, jwks_uri; oidcc-registration-jwks-uri."""
    assert [ask(OLD) for _ in range(3)] == [200] * 3
    (request,) = foreign_server.requests
    assert (request.method, request.target) == ("GET", "/jwks.json")


def test_a_new_key_is_found_after_a_minute(ask: Ask, clock: Clock, foreign_server: ForeignServer) -> None:
    """oidcc-refresh-token-rp-key-rotation: the kid is new, the old one is gone, sixty seconds have passed."""
    assert ask(OLD) == 200
    foreign_server.behaviour = answer(NEW.jwks)
    clock.advance(ASKED_AGAIN_AFTER)
    assert ASKED_AGAIN_AFTER.total_seconds() <= 60
    assert ask(NEW) == 200
    assert ask(OLD) == 401


def test_unknown_kids_ask_no_more_often(ask: Ask, clock: Clock, foreign_server: ForeignServer) -> None:
    """Anybody can make them up."""
    assert ask(OLD) == 200
    for kid in ("a", "b", None):
        assert ask(NEW, kid=kid) == 401
    assert len(foreign_server.requests) == 1
    clock.advance(ASKED_AGAIN_AFTER)
    for kid in ("c", None, "d"):
        assert ask(NEW, kid=kid) == 401
    assert len(foreign_server.requests) == 2


def test_a_known_kid_with_a_wrong_signature_asks_nobody(ask: Ask, clock: Clock, foreign_server: ForeignServer) -> None:
    assert ask(OLD) == 200
    clock.advance(ASKED_AGAIN_AFTER)
    assert ask(NEW, kid="old") == 401
    assert len(foreign_server.requests) == 1


def test_a_key_that_was_taken_out_counts_no_longer_than_a_copy_is_fresh(
    ask: Ask, clock: Clock, foreign_server: ForeignServer
) -> None:
    assert ask(OLD) == 200
    foreign_server.behaviour = answer(NEW.jwks)
    clock.advance(FRESH_FOR - ASKED_AGAIN_AFTER)
    assert ask(OLD) == 200
    clock.advance(ASKED_AGAIN_AFTER)
    assert ask(OLD) == 401


def test_while_the_set_cannot_be_had_what_is_known_counts_for_a_while(
    ask: Ask, clock: Clock, foreign_server: ForeignServer
) -> None:
    assert ask(OLD) == 200
    foreign_server.behaviour = answer(b"", status="500 Oops")
    clock.advance(FRESH_FOR)
    assert [ask(OLD), ask(OLD), ask(NEW)] == [200, 200, 401]
    assert len(foreign_server.requests) == 2  # its server is left alone for a minute
    clock.advance(ASKED_AGAIN_AFTER)
    assert ask(OLD) == 200
    assert len(foreign_server.requests) == 3
    clock.advance(KEPT_FOR)
    assert ask(OLD) == 401
    foreign_server.behaviour = answer(OLD.jwks)
    clock.advance(FAILURE_KEPT)
    assert ask(OLD) == 200


def flood(stream: socket.socket, _request: Request) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b" " * 10_000_000)


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (answer(b"", status="404 Not Found"), "404"),
        (answer(b"", status="302 Found", Location="https://localhost/jwks.json"), "redirects"),
        (answer(b"<html>", "text/html"), "text/html"),
        (answer("keys"), "jwks_uri"),
        (answer("[]"), "jwks_uri"),
        (answer({"keys": []}), "jwks_uri"),
        (answer('{"keys": [], "keys": []}'), "twice"),
        (flood, "64 KiB"),
        (lambda _connection, _request: None, "HTTP"),
    ],
)
def test_a_set_that_cannot_be_had_is_invalid_client_and_said_to_be_the_clients_own_problem(
    rp: RelyingParty, foreign_server: ForeignServer, explain: Explain, behaviour: Behaviour, why: str
) -> None:
    """Never a 500; the answer tells nothing of the network, the explanation does."""
    foreign_server.behaviour = behaviour
    form = {"grant_type": "client_credentials", **asserting(OLD.sign(assertion_claims(rp.client_id, ISSUER)))}
    refused = rp.http.post(TOKEN, data=form)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert why not in refused.text
    check = explain(refused.json()["error_id"]).checks[-1]
    assert why in check["got"]
    assert "client's own server" in check["fix"]


def test_a_set_with_only_a_private_key_has_no_key(ask: Ask, foreign_server: ForeignServer) -> None:
    private = {**usual_key().as_dict(private=True), "kid": "old"}
    foreign_server.behaviour = answer(json.dumps({"keys": [private]}))
    assert ask(OLD) == 401


def test_many_at_once_fetch_it_once(rp: RelyingParty, foreign_server: ForeignServer, ask: Ask) -> None:
    with rp.http, ThreadPoolExecutor(8) as callers:
        statuses = [asked.result() for asked in [callers.submit(ask, OLD) for _ in range(8)]]
    assert statuses == [200] * 8
    assert len(foreign_server.requests) == 1


def test_a_dead_server_holds_up_nobody_but_its_own_client(
    rp: RelyingParty,
    register: Register,
    foreign_server: ForeignServer,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A-103: while every thread that may wait does so for one client, another one gets its token."""
    monkeypatch.setattr(connection, "TIMEOUT", 60)
    asked, released = threading.Event(), threading.Event()

    def never(_connection: socket.socket, _request: Request) -> None:
        asked.set()
        released.wait(PATIENCE)

    foreign_server.behaviour = never
    other = register(grant_types=("client_credentials",), redirect_uris=(), scope="api")
    with rp.http, ThreadPoolExecutor(20) as callers:
        waiting = [callers.submit(ask, OLD) for _ in range(20)]
        assert asked.wait(PATIENCE)
        header = {"authorization": basic(other.client_id, other.secret or "")}
        assert rp.http.post(TOKEN, data={"grant_type": "client_credentials"}, headers=header).status_code == 200
        assert not any(one.done() for one in waiting)
        released.set()
        assert {one.result() for one in waiting} <= {401, 429}
    assert len(foreign_server.requests) == 1  # the failure is kept


def test_registered_keys_are_used_as_registered(register: Register, http: WatchedClient) -> None:
    """`jwks` by value: nobody is asked, and a change counts at once."""
    rp = register(**PUBLISHED, jwks=OLD.jwks)
    form = {"grant_type": "client_credentials"}
    for signatory, status in ((OLD, 200), (NEW, 401)):
        made = asserting(signatory.sign(assertion_claims(rp.client_id, ISSUER)))
        assert http.post(TOKEN, data={**form, **made}).status_code == status
