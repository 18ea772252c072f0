"""Access tokens: their form (RFC 9068), and the forgeries, leftovers and oddities that do not count."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from provider.accounts.store.users import Status
from provider.jose.algorithms import RS256
from provider.oauth.keys.key_ring import SignatureRefused
from provider.oauth.tokens.access_tokens import inactive_reason
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.grants import Grant, GrantState
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import RelyingParty, Tokens


@pytest.fixture
def tokens(rp: RelyingParty, browser: WatchedClient) -> Tokens:
    return rp.sign_in(browser, scope="openid email")


@pytest.fixture(scope="module")
def mine() -> RSAKey:
    """An attacker's key."""
    return RSAKey.generate_key(2048, private=True, auto_kid=True)


def b64(value: bytes | dict[str, Any]) -> str:
    raw = json.dumps(value).encode() if isinstance(value, dict) else value
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))


def assert_worthless(rp: RelyingParty, token: str) -> None:
    """Refused at userinfo, inactive at introspection, no hint at authorize, no error at revocation."""
    response = rp.userinfo(token)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert rp.introspect(token) == {"active": False}
    assert rp.revoke(token).status_code == 200


def test_a_grant_ends_at_the_moment_it_expires(clock: Clock) -> None:
    """RFC 9700 section 4.14.2: the maximum lifetime of a token family."""
    now = clock.now
    state = GrantState(Status.ACTIVE, True, None, None, None, True)
    grant = Grant("g", "u", "c", "s", "openid", {}, True, now, "pwd", now, now, None, None)
    assert inactive_reason(grant, state, now) is not None
    assert inactive_reason(grant, state, now - timedelta(microseconds=1)) is None


def assert_no_hint(rp: RelyingParty, browser: WatchedClient, token: str) -> None:
    assert rp.ask(browser, id_token_hint=token).error == "invalid_request"


def test_an_access_token_has_the_form_of_the_profile(tokens: Tokens, rp: RelyingParty, ada: str) -> None:
    """RFC 9068 section 2."""
    header, claims = parts(tokens.access_token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
    assert set(header) == {"typ", "alg", "kid"}
    required = {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}
    assert required | {"scope", "auth_time", "acr", "amr", "sid", "grant_id"} == set(claims)
    assert (claims["iss"], claims["aud"], claims["sub"], claims["client_id"]) == (ISSUER, ISSUER, ada, rp.client_id)


def test_two_tokens_are_never_the_same(rp: RelyingParty, browser: WatchedClient) -> None:
    """RFC 9068 section 2.2: jti."""
    first, second = (parts(rp.sign_in(browser).access_token)[1]["jti"] for _ in range(2))
    assert first != second


# Forgeries


@in_one_world("alg", ["none", "None", "NONE", "nOnE", ""])
@in_one_world("signed", [True, False])
def test_a_token_with_alg_none_is_rejected(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens, alg: str, *, signed: bool
) -> None:
    """RFC 8725 section 3.1; A-40."""
    for token, check in ((tokens.access_token, assert_worthless), (tokens.id_token, None)):
        header, claims = parts(token)
        signature = token.rpartition(".")[2] if signed else ""
        forged = f"{b64({**header, 'alg': alg})}.{b64(claims)}.{signature}"
        if check is not None:
            check(rp, forged)
        else:
            assert_no_hint(rp, browser, forged)


def _public_forms(rp: RelyingParty) -> list[bytes]:
    jwk = next(key for key in rp.jwks()["keys"] if key["kty"] == "RSA")
    key = RSAKey.import_key(jwk)
    pem = key.as_pem(private=False)
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    modulus = base64.urlsafe_b64decode(jwk["n"] + "==")
    return [pem, pem.strip(), der, json.dumps(jwk).encode(), modulus, jwk["n"].encode(), b""]


def test_our_public_key_is_not_accepted_as_an_hmac_secret(
    rp: RelyingParty, browser: WatchedClient, tokens: Tokens
) -> None:
    """RFC 8725 section 2.1; A-41."""
    for token in (tokens.access_token, tokens.id_token):
        header, claims = parts(token)
        for secret in _public_forms(rp):
            signed = f"{b64({**header, 'alg': 'HS256'})}.{b64(claims)}"
            mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
            forged = f"{signed}.{b64(mac)}"
            if token == tokens.access_token:
                assert_worthless(rp, forged)
            else:
                assert_no_hint(rp, browser, forged)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A URL on loopback, and who called it."""
    calls: list[str] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.05)
        stop = threading.Event()

        def accept() -> None:
            while not stop.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                calls.append(str(address))
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/keys", calls
        stop.set()
        thread.join()


def test_the_header_does_not_say_which_key_to_trust(
    rp: RelyingParty, tokens: Tokens, mine: RSAKey, listener: tuple[str, list[str]]
) -> None:
    """RFC 8725 section 3.10; A-43: and nobody is called."""
    url, calls = listener
    header, claims = parts(tokens.access_token)
    theirs = {"jwk": mine.as_dict(private=False), "jku": url, "x5u": url, "x5c": [b64(b"certificate")]}
    for name, value in theirs.items():
        for kid in (header["kid"], mine.kid, None):
            changed = {"alg": "RS256", "typ": "at+jwt", "kid": kid, name: value}
            signed = f"{b64({key: value for key, value in changed.items() if value is not None})}.{b64(claims)}"
            assert_worthless(rp, f"{signed}.{_sign(mine, signed)}")
    assert calls == []


def _sign(key: RSAKey, signed: str) -> str:
    return b64(key.private_key.sign(signed.encode(), PKCS1v15(), SHA256()))  # type: ignore[union-attr]


@in_one_world(
    "extra",
    [{"crit": ["x"]}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"crit": []}, {"typ": "JWT"}, {"typ": None}],
)
def test_a_header_we_do_not_understand_is_refused(
    rp: RelyingParty, tokens: Tokens, server: AuthorizationServer, work: Work, extra: dict[str, Any]
) -> None:
    """RFC 7515 section 4.1.11, RFC 8725 section 3.11; A-43: even when we had signed it ourselves."""
    _, claims = parts(tokens.access_token)
    with work() as w:
        signer = server.keys.signer(w)
    header = {"alg": RS256, "typ": "at+jwt", "kid": signer.kid, **extra}
    signed = f"{b64(header)}.{b64(claims)}"
    assert isinstance(signer.key, RSAKey)
    assert_worthless(rp, f"{signed}.{_sign(signer.key, signed)}")


@in_one_world("kid", ["", "x", "x" * 43, "../../etc/passwd", "' OR 1=1 --", "\x00"])
def test_a_token_with_an_unknown_kid_is_rejected(rp: RelyingParty, tokens: Tokens, mine: RSAKey, kid: str) -> None:
    """A-108."""
    _, claims = parts(tokens.access_token)
    assert_worthless(rp, jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": kid}, claims, mine))


def test_a_token_signed_with_another_curve_under_our_kid_is_rejected(rp: RelyingParty, tokens: Tokens) -> None:
    """RFC 8725 section 3.1: the key decides the algorithm."""
    mine = ECKey.generate_key("P-256", private=True)
    header, claims = parts(tokens.access_token)
    for kid in (header["kid"], *(key["kid"] for key in rp.jwks()["keys"])):
        assert_worthless(rp, jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": kid}, claims, mine))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_with_any_changed_character_is_rejected(rp: RelyingParty, tokens: Tokens, part: int) -> None:
    """RFC 7515 section 5.2."""
    pieces = tokens.access_token.split(".")
    middle = len(pieces[part]) // 2
    letter = "A" if pieces[part][middle] != "A" else "B"
    pieces[part] = pieces[part][:middle] + letter + pieces[part][middle + 1 :]
    assert_worthless(rp, ".".join(pieces))


# Signed by us, and still not good


@in_one_world(
    "changes",
    [
        {"exp": -1},
        {"exp": 0},
        {"exp": "soon"},
        {"exp": None},
        {"exp": 1e400},
        {"iat": 4_070_908_800},
        {"iat": "now"},
        {"iat": None},
        {"nbf": 4_070_908_800},
        {"nbf": "now"},
        {"iss": "https://other.test"},
        {"iss": None},
        {"aud": None},
        {"aud": []},
        {"grant_id": "0190b6b6-0000-7000-8000-000000000000"},
        {"grant_id": None, "client_id": "nobody"},
    ],
)
def test_times_issuer_audience_and_family_must_be_right(
    rp: RelyingParty, tokens: Tokens, server: AuthorizationServer, work: Work, clock: Clock, changes: dict[str, Any]
) -> None:
    """RFC 9068 section 4, RFC 7519 section 4.1; A-57, A-108."""
    _, claims = parts(tokens.access_token)
    for name, value in changes.items():
        claims[name] = int(clock.now.timestamp()) + value if name == "exp" and value in {-1, 0} else value
    with work() as w:
        token = server.keys.signer(w).sign({k: v for k, v in claims.items() if v is not None}, typ="at+jwt")
    response = rp.userinfo(token)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert rp.introspect(token) == {"active": False}


def test_a_clock_a_little_ahead_is_forgiven(
    rp: RelyingParty, tokens: Tokens, server: AuthorizationServer, work: Work, clock: Clock
) -> None:
    """A-39's rule for our own tokens: two nodes may differ by some seconds."""
    _, claims = parts(tokens.access_token)
    with work() as w:
        token = server.keys.signer(w).sign({**claims, "iat": int(clock.now.timestamp()) + 8}, typ="at+jwt")
    assert rp.userinfo(token).status_code == 200


# No input crashes the reader


@in_one_world(
    "head",
    [
        b"[" * 40_000,
        b'{"a":' * 8_000,
        b"null",
        b"5",
        b'"x"',
        b"[]",
        b"\xff",
        b"{}",
        b'{"kid":[]}',
        b'{"kid":{}}',
        b"9" * 5000,
    ],
)
def test_no_header_crashes_the_reader(rp: RelyingParty, server: AuthorizationServer, work: Work, head: bytes) -> None:
    """A-40 to A-43: nested without end, no object, no text."""
    with work() as w, pytest.raises(SignatureRefused):
        server.keys.verify(w, f"{b64(head)}.e30.x", typ="at+jwt")
    assert rp.introspect(f"{b64(head)[:40_000]}.e30.x") == {"active": False}


json_headers = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "b64", "zip", "enc"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=50) | st.lists(st.text(max_size=5), max_size=2),
)


@given(
    text=st.text(max_size=60)
    | st.builds(
        lambda h, p, s: f"{b64(h)}.{b64(p)}.{b64(s)}", json_headers, st.binary(max_size=20), st.binary(max_size=20)
    )
)
def test_no_text_raises_anything_but_a_refusal(
    server: AuthorizationServer, work: Work, verify: Callable[[str], None], text: str
) -> None:
    with pytest.raises(SignatureRefused):
        verify(text)


@given(header=json_headers)
def test_no_header_with_our_kid_raises_anything_but_a_refusal(
    verify: Callable[[str], None], our_kid: str, header: dict[str, Any]
) -> None:
    with pytest.raises(SignatureRefused):
        verify(f"{b64({**header, 'kid': our_kid, 'typ': 'at+jwt'})}.{b64(b'{}')}.{b64(b'x' * 256)}")


@pytest.fixture
def verify(server: AuthorizationServer, work: Work) -> Callable[[str], None]:
    def run(token: str) -> None:
        with work() as w:
            server.keys.verify(w, token, typ="at+jwt")

    return run


@pytest.fixture
def our_kid(server: AuthorizationServer, work: Work) -> str:
    with work() as w:
        return server.keys.signer(w).kid
