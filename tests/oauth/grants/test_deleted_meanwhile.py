"""A user or a client is deleted while a token request runs: after the checks, and before the write."""

from collections.abc import Callable
from typing import Any

import pytest

from provider.accounts.users import delete_user
from provider.oauth.clients.clients import delete_client
from provider.oauth.grants import authorization_code, polling, refresh_token
from provider.oauth.tokens.access_tokens import token_response
from tests.oauth.conftest import Person, Register
from tests.oauth.devices import FOR_DEVICES, allow, start
from tests.oauth.grants.test_refresh_token import punctual, pushed
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.dpop import Prover
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty, Tokens

pytestmark = pytest.mark.both_databases

OFFLINE = "openid offline_access"
Begun = tuple[RelyingParty, Callable[[], Tokens]]
"""An app, and the token request that it is about to send."""
Begin = Callable[[Register, WatchedClient, Clock], Begun]


def refresh(register: Register, browser: WatchedClient, _clock: Clock) -> Begun:
    rp = register()
    tokens = rp.sign_in(browser, scope=OFFLINE)
    return rp, lambda: rp.refresh(tokens)


def refresh_with_proof(register: Register, browser: WatchedClient, clock: Clock) -> Begun:
    rp = register()
    rp.prover = Prover(now=lambda: clock().timestamp())
    tokens = rp.sign_in(browser, scope=OFFLINE)
    return rp, lambda: rp.refresh(tokens)


def refresh_without_rotation(register: Register, browser: WatchedClient, clock: Clock) -> Begun:
    rp = punctual(register, clock, profile="fapi2")
    tokens = pushed(rp, browser, scope=OFFLINE)
    return rp, lambda: rp.refresh(tokens)


def code(register: Register, browser: WatchedClient, _clock: Clock) -> Begun:
    rp = register()
    answer = rp.ask(browser, scope=OFFLINE)
    return rp, lambda: rp.redeem(answer)


def device(register: Register, browser: WatchedClient, _clock: Clock) -> Begun:
    rp = register(**FOR_DEVICES)
    begun = start(rp)
    allow(browser, begun)
    return rp, begun.poll


@in_one_world("deleted", ["user", "client"])
@in_one_world("begin", [refresh, refresh_with_proof, refresh_without_rotation, code, device])
def test_what_is_deleted_while_its_tokens_are_signed_gets_none(
    register: Register,
    person: Person,
    work: Work,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    begin: Begin,
    deleted: str,
) -> None:
    """N-592, RFC 6749 section 5.2."""
    with work() as w:
        user_id = make_user(w, f"{begin.__name__}-{deleted}@example.test")
    rp, send = begin(register, person(user_id), clock)

    def meanwhile(*given: Any, **options: Any) -> Any:
        with work() as w:
            if deleted == "user":
                delete_user(w, user_id=user_id)
            else:
                delete_client(w, rp.client_id)
        return token_response(*given, **options)

    with monkeypatch.context() as patched:
        for module in (authorization_code, polling, refresh_token):
            patched.setattr(module, "token_response", meanwhile)
        refused = send()
    known = begin in {refresh, refresh_with_proof, refresh_without_rotation}
    expected = (401, "invalid_client") if deleted == "client" and known else (400, "invalid_grant")
    assert (refused.status, refused.error) == expected
