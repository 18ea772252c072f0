"""The inspector on DPoP proofs, client assertions, device codes and client secrets."""

from collections.abc import Callable
from typing import Any

import pytest

from provider.inspection.findings import Inspection
from provider.inspection.inspector import inspect
from provider.inspection.reader import Reader
from provider.oauth.clients import clients
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.store import client_secrets
from provider.oauth.grants import device_requests
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import Installation
from tests.oauth.conftest import Register
from tests.support.client_keys import new_key, public, sign
from tests.support.clock import Clock
from tests.support.dpop import Prover
from tests.support.installation import ISSUER, Work

Look = Callable[..., Inspection]
USERINFO = f"{ISSUER}/oauth2/userinfo"


@pytest.fixture
def look(work: Work, server: AuthorizationServer) -> Look:
    def look_at(text: str, *, sees_users: bool = True) -> Inspection:
        with work() as w:
            return inspect(Reader(w, server, sees_users=sees_users), text)

    return look_at


def failed(found: Inspection) -> list[str]:
    return [fact.name for part in found.parts for fact in part.facts if fact.passed is False]


def test_a_dpop_proof_is_checked_with_its_own_key(look: Look, clock: Clock) -> None:
    """N-542: all that one proof shows (RFC 9449 section 4.3)."""
    prover = Prover(now=lambda: float(clock.now.timestamp()))
    sound = look(prover.proof("GET", USERINFO))
    assert (sound.kind, failed(sound)) == ("DPoP proof", [])
    assert prover.thumbprint in repr(sound)
    other = public(new_key())
    broken: dict[str, dict[str, Any]] = {
        "signature": {"header": {"jwk": other}},
        "htu": {"url": "https://api.example.com/x"},
        "age": {"iat": int(clock.now.timestamp()) - 600},
        "claims": {"jti": None},
    }
    for name, changes in broken.items():
        found = look(prover.proof("GET", changes.pop("url", USERINFO), **changes))
        assert (found.is_valid, name in failed(found)) == (False, True), name


def test_a_client_assertion_is_checked_with_the_keys_of_the_client(
    look: Look, register: Register, clock: Clock
) -> None:
    """N-543: nothing is fetched, and a forged one is not valid (RFC 7523 section 3)."""
    key = new_key()
    app = register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [public(key)]})
    now = int(clock.now.timestamp())
    claims = {"iss": app.client_id, "sub": app.client_id, "aud": ISSUER, "jti": "a", "iat": now, "exp": now + 60}
    header = {"alg": "ES256"} | ({"kid": public(key)["kid"]} if "kid" in public(key) else {})
    sound = look(sign(claims, key, **header))
    assert (sound.kind, failed(sound)) == ("client assertion", [])
    assert sound.client_id == app.client_id
    for name, token in {
        "signature": sign(claims, new_key(), **header),
        "aud": sign(claims | {"aud": "https://other.example"}, key, **header),
        "exp": sign(claims | {"exp": now - 60}, key, **header),
        "jti": sign({name: value for name, value in claims.items() if name != "jti"}, key, **header),
    }.items():
        found = look(token)
        assert (found.is_valid, name in failed(found)) == (False, True), name


def test_a_token_of_another_issuer_says_how_to_check_it(look: Look) -> None:
    found = look(sign({"iss": "https://op.example.com", "sub": "a"}, new_key(), alg="ES256"))
    assert "was not checked" in found.summary
    assert "https://op.example.com/.well-known/openid-configuration" in found.summary


def test_codes_of_devices_and_client_secrets_are_found_only_exactly_and_by_operators(
    look: Look, register: Register, work: Work, clock: Clock, installation: Installation
) -> None:
    """N-544."""
    app = register(grant_types=("authorization_code", DEVICE_CODE))
    with work() as w:
        client = clients.find_client(w, app.client_id)
        assert client is not None
        device_code, user_code = device_requests.begin(w, client, ("openid",))
    for text, kind in ((device_code, "device code"), (user_code.lower(), "user code")):
        found = look(text)
        assert (found.kind, found.is_valid, found.client_id) == (kind, True, app.client_id)
        assert text not in repr(found)
        assert look(text, sees_users=False).client_id is None
    secret = app.secret
    assert secret is not None
    found = look(secret)
    assert (found.kind, found.is_valid, found.secret, found.client_id) == ("client secret", True, True, app.client_id)
    assert secret not in repr(found)
    for guess in (secret[:-1], secret.swapcase(), secret[:19]):
        assert look(guess).kind == "unknown value"
    assert look(secret, sees_users=False).kind == "unknown value"
    with work() as w:
        client_secrets.retire(w.db, app.client_id, expires_at=w.now)
    clock.advance(hours=2)
    assert look(secret).is_valid is False
    assert look(device_code).is_valid is False
