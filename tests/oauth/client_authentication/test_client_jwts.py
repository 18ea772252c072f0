"""JWTs that clients sign, read and measured (RFC 7515, RFC 7519, RFC 8725). Whose key it was: `test_client_keys.py`."""

import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.oauth.client_authentication.client_jwts import JwtRefused, has_mac, problem_with_times, read_jwt
from tests.support.client_keys import Signatory, mac

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
CLAIMS = {"iss": "me"}
SECRET = "s" * 43


def refusal(text: str) -> str:
    with pytest.raises(JwtRefused) as refused:
        read_jwt(text)
    return refused.value.reason


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


HEADER = b64(b'{"alg":"ES256"}')


def test_header_and_claims_are_read() -> None:
    jwt = read_jwt(Signatory().sign(CLAIMS, typ="JWT"))
    assert (jwt.alg, jwt.kid, jwt.typ, jwt.claims) == ("ES256", "key-1", "JWT", CLAIMS)


@pytest.mark.parametrize("extra", [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False}, {"zip": "DEF"}])
def test_what_would_change_the_meaning_is_refused(extra: dict[str, Any]) -> None:
    """RFC 7515 section 4.1.11, RFC 7797, RFC 8725 section 3.6; A-43."""
    assert "header" in refusal(Signatory().sign(CLAIMS, **extra))


@pytest.mark.parametrize("header", [{}, {"alg": 7}, {"alg": None}, {"alg": "ES256", "kid": 7}, {"alg": "X", "typ": []}])
def test_a_header_says_its_algorithm_in_text(header: dict[str, Any]) -> None:
    refusal(f"{b64(json.dumps(header).encode())}.{b64(b'{}')}.AAAA")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "e30.e30.",
        f"{b64(b'[]')}.e30.",
        b64(b'{"alg":"none","alg":"none"}') + ".e30.",
        HEADER + "." + b64(b'{"sub":"a","sub":"b"}') + ".AAAA",
        f"{HEADER}.A.AAAA",
        f"{HEADER}.e30.AAAA.AAAA.AAAA",
        f"{HEADER}.e30.AAAA\n",
        f" {HEADER}.e30.AAAA",
        f"{HEADER}==.e30.AAAA",
        '{"payload": "e30", "signatures": []}',
    ],
)
def test_what_is_no_jwt_in_the_compact_form_is_refused(text: str) -> None:
    """RFC 8725 sections 3.3, 3.7: nothing nested, encrypted or with members twice."""
    refusal(text)


@given(st.text(alphabet='abcAZ019_-.=+/{}" \n', max_size=200))
def test_no_text_is_more_than_refused(text: str) -> None:
    with contextlib.suppress(JwtRefused):
        read_jwt(text)


def test_a_secret_is_the_key_of_hs256_and_of_nothing_else() -> None:
    """OIDC Core section 10.1."""
    assert has_mac(read_jwt(mac(CLAIMS, SECRET)), ["t" * 43, SECRET])
    for alg in ("HS384", "HS512"):
        assert not has_mac(read_jwt(mac(CLAIMS, SECRET, alg=alg)), [SECRET])
    for secrets in ([], ["t" * 43]):
        assert not has_mac(read_jwt(mac(CLAIMS, SECRET)), secrets)


MINUTES = timedelta(minutes=10)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": AT + 60},
        {"exp": AT + 600},
        {"exp": AT - 8},
        {"exp": AT + 60, "iat": AT + 8},
        {"exp": AT + 60, "nbf": AT + 8},
        {"exp": AT + 60, "iat": AT - 86400},
    ],
)
def test_this_is_its_time(claims: dict[str, Any]) -> None:
    """A clock may differ by 8 seconds (FAPI 2.0 Security Profile section 5.3.2.1)."""
    assert problem_with_times(claims, NOW, longest=MINUTES) is None


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": AT - 10},
        {"exp": AT - 300},
        {"exp": AT + 611},
        {"exp": AT + 86400},
        {"exp": 10**300},
        {"exp": -(10**300)},
        {"exp": str(AT + 60)},
        {"exp": AT + 60.5},
        {"exp": True},
        {"exp": None},
        {"exp": [AT + 60]},
        {"exp": AT + 60, "iat": AT + 61},
        {"exp": AT + 60, "nbf": AT + 61},
        {"exp": AT + 60, "iat": str(AT)},
        {"exp": AT + 60, "nbf": float(AT)},
        {"exp": AT + 60, "nbf": False},
    ],
)
def test_this_is_not(claims: dict[str, Any]) -> None:
    """A-39."""
    assert problem_with_times(claims, NOW, longest=MINUTES) is not None


def test_where_it_need_not_expire_it_may_all_the_same() -> None:
    assert problem_with_times({}, NOW) is None
    assert problem_with_times({"exp": AT + 10**9}, NOW) is None
    assert problem_with_times({"exp": AT - 60}, NOW) is not None
