"""The proof of a refresh is spent together with the refresh token, whatever becomes of the request (RFC 9449)."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import text

from provider.crypto.digests import digest, new_opaque
from provider.oauth.sender_constraint.store import Proof
from provider.oauth.tokens.store import refresh_tokens
from provider.oauth.tokens.store.refresh_tokens import Rotation
from provider.work import Installation, unit_of_work
from tests.oauth.conftest import Explain, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.dpop import Prover
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import TOKEN, RelyingParty, Tokens
from tests.support.waiting import PATIENCE

OFFLINE = "openid profile offline_access"
REPLAYED = (400, "invalid_dpop_proof")

pytestmark = pytest.mark.both_databases


class Once(Prover):
    """A prover that was copied together with one of its proofs: it sends the same one again and again."""

    def __init__(self, prover: Prover) -> None:
        super().__init__(prover.key)
        self._text = prover.proof("POST", ISSUER + TOKEN)

    def proof(self, *_arguments: Any, **_changes: Any) -> str:
        return self._text


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    """A public client, whose refresh tokens are bound to its key."""
    rp = register(public=True, scope=OFFLINE, grant_types=("authorization_code", "refresh_token"))
    rp.prover = Prover()
    return rp


def again(rp: RelyingParty) -> None:
    """Let the client send one proof with every request from now on."""
    assert rp.prover is not None
    rp.prover = Once(rp.prover)


def seen(tokens: Tokens) -> tuple[int, str | None]:
    return tokens.status, tokens.error


def test_a_proof_refreshes_one_token(rp: RelyingParty, browser: WatchedClient, explain: Explain) -> None:
    """RFC 9449 section 11.1. The token of the refused request is not used up."""
    first, second = (rp.sign_in(browser, scope=OFFLINE) for _ in range(2))
    mine = rp.prover
    again(rp)
    assert rp.refresh(first).status == 200
    refused = rp.refresh(second)
    assert seen(refused) == REPLAYED
    assert "used for the first time" in explain(refused.error_id).checks[-1]["name"]
    rp.prover = mine
    assert rp.refresh(second).status == 200


def test_a_replayed_refresh_revokes_nothing(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9449 section 11.1 comes before reuse of the refresh token (RFC 9700 section 4.14.2)."""
    tokens, mine = rp.sign_in(browser, scope=OFFLINE), rp.prover
    again(rp)
    successor = rp.refresh(tokens)
    replayed = rp.prover
    rp.prover = mine
    newest = rp.refresh(successor)
    rp.prover = replayed
    assert seen(rp.refresh(tokens)) == REPLAYED
    rp.prover = mine
    assert rp.refresh(newest).status == 200


@pytest.mark.parametrize(
    "changes", [{"scope": "admin:write"}, {"refresh_token": "unknown"}, {"refresh_token": None}, {"grant_type": "x"}]
)
def test_a_refused_refresh_spends_the_proof(
    rp: RelyingParty, browser: WatchedClient, changes: dict[str, str | None]
) -> None:
    """RFC 9449 section 11.1: a proof is accepted with one request, also if that is refused for something else."""
    tokens = rp.sign_in(browser, scope=OFFLINE)
    again(rp)
    assert rp.refresh(tokens, **changes).status == 400
    assert seen(rp.refresh(tokens)) == REPLAYED


def test_a_client_that_may_not_refresh_spends_the_proof(register: Register, rp: RelyingParty) -> None:
    other = register(grant_types=("client_credentials",), redirect_uris=())
    other.prover = rp.prover
    again(other)
    assert other.refresh("unknown").error == "unauthorized_client"
    assert seen(other.client_credentials()) == REPLAYED


def test_a_lost_response_can_be_fetched_with_a_new_proof(rp: RelyingParty, browser: WatchedClient) -> None:
    """Decision 3: the successor is the same."""
    tokens = rp.sign_in(browser, scope=OFFLINE)
    assert rp.refresh(tokens).refresh_token == rp.refresh(tokens).refresh_token


@pytest.mark.parametrize("rotated", [False, True])
def test_a_rotation_that_waits_for_another_request_spends_its_proof(
    rp: RelyingParty, browser: WatchedClient, installation: Installation, work: Work, *, rotated: bool
) -> None:
    """The row is locked, then changed or rotated, while a refresh with a new proof waits for it."""
    if installation.database.is_sqlite:
        pytest.skip("one writes at a time")
    old = digest(rp.sign_in(browser, scope=OFFLINE).refresh_token)
    with work() as w:
        row = refresh_tokens.find_plain(w.read, old)
        assert row is not None
        proof = Proof(digest("a key and a jti"), row.expires_at)
    successor = refresh_tokens.RefreshToken(digest(new_opaque()), row.grant_id, 2, row.expires_at, None, None)
    found: list[Rotation] = []

    def rotate() -> None:
        with unit_of_work(installation) as w:
            found.append(
                refresh_tokens.rotate_with_proof(w.autocommit, old, successor=successor, now=w.now, proof=proof)
            )

    waiting = threading.Thread(target=rotate)
    with work() as w:
        change = "rotated_at = expires_at" if rotated else "generation = 5"
        w.db.execute(text(f"UPDATE refresh_tokens SET {change} WHERE digest = :digest"), {"digest": old})
        waiting.start()
        time.sleep(0.2)
        assert not found
    waiting.join(PATIENCE)
    assert found == [Rotation(is_new=True, is_rotated=not rotated)]
    rotate()
    assert found[1] == Rotation(is_new=False, is_rotated=False)
