"""Proofs (RFC 9449): which show that a client holds a key, and which show nothing."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jws import JWSRegistry
from joserfc.util import json_b64encode, urlsafe_b64encode
from sqlalchemy import func, select

from provider.config.settings import Settings
from provider.crypto.vault import Vault
from provider.installation import open_installation
from provider.oauth.checks import Checks
from provider.oauth.errors import InvalidDpopProofError, OAuth2Error, UseDpopNonceError
from provider.oauth.sender_constraint import store as used_proofs_store
from provider.oauth.sender_constraint.confirmation import Confirmation, of_key
from provider.oauth.sender_constraint.dpop import LONGEST_HEADER, ProvenRequest, check_proof, is_same_url, spend_proof
from provider.oauth.sender_constraint.nonces import WINDOW, current_nonce
from provider.oauth.sender_constraint.store import used_proofs
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, UnitOfWork, unit_of_work
from provider.worker.jobs import purge
from tests.support.cases import in_one_world
from tests.support.client_keys import ALGORITHMS, mac, public, usual_key
from tests.support.clock import Clock
from tests.support.dpop import Prover, hash_of
from tests.support.installation import ISSUER, Work

URL = f"{ISSUER}/oauth2/token"
TOKEN = "an.access.token"
ASKED = ProvenRequest(method="POST", url=URL)

Prove = Callable[..., Confirmation]
Refused = Callable[..., OAuth2Error]


@pytest.fixture
def prover() -> Prover:
    return Prover(usual_key())


def show_once(work: UnitOfWork, *lines: str, asked: ProvenRequest = ASKED) -> Confirmation:
    """Check a proof and spend it, as our endpoints do."""
    checks = Checks("token")
    checked = check_proof(work, checks, lines, asked)
    spend_proof(work, checks, checked.proof, error=asked.error)
    return checked.confirmation


@pytest.fixture
def prove(work: Work) -> Prove:
    def show(*lines: str, asked: ProvenRequest = ASKED) -> Confirmation:
        with work() as w:
            return show_once(w, *lines, asked=asked)

    return show


@pytest.fixture
def refused(prove: Prove, work: Work) -> Refused:
    """The error of a proof that is refused, explained, and not used up."""

    def show(*lines: str, asked: ProvenRequest = ASKED) -> OAuth2Error:
        before = _used(work)
        with pytest.raises(OAuth2Error) as caught:
            prove(*lines, asked=asked)
        assert _used(work) == before
        last = caught.value.checks.done[-1]
        assert last.detail["section"].startswith("RFC ")
        assert (last.passed, bool(last.detail["fix"])) == (False, True)
        return caught.value

    return show


def _used(work: Work) -> int:
    with work() as w:
        return w.read.scalar(select(func.count()).select_from(used_proofs)) or 0


def test_a_proof_shows_the_key_that_signed_it(prove: Prove, prover: Prover) -> None:
    """RFC 9449 sections 4.2 and 6.1, RFC 7638."""
    assert prove(prover.proof("POST", URL)) == of_key(prover.thumbprint) == f"jkt:{prover.thumbprint}"


@pytest.mark.parametrize("alg", [alg for alg in ALGORITHMS if alg != "RS256"])
def test_each_algorithm_works(prove: Prove, alg: str) -> None:
    """RFC 9449 section 5.1: those in dpop_signing_alg_values_supported."""
    prover = Prover(usual_key(alg), alg)
    assert prove(prover.proof("POST", URL)) == of_key(prover.thumbprint)


@pytest.mark.parametrize(
    "changes",
    [
        {"nbf": int(time.time()) + 3600, "exp": 1},
        {"unknown": {"a": [1]}},
        {"header": {"kid": "mine", "x5t": "x"}},
        {"header": {"typ": "application/DPoP+JWT"}},
    ],
)
def test_what_the_rfc_does_not_name_is_ignored(prove: Prove, prover: Prover, changes: dict[str, Any]) -> None:
    """RFC 9449 section 4.2; check-dpop-proof-nbf-exp."""
    prove(prover.proof("POST", URL, **changes))


def test_the_hash_of_the_access_token_is_checked_where_one_is_sent(prove: Prove, prover: Prover) -> None:
    """RFC 9449 section 4.3 number 12."""
    prove(prover.proof("POST", URL, TOKEN), asked=ProvenRequest(method="POST", url=URL, access_token=TOKEN))


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_exactly_one_proof(refused: Refused, prover: Prover, count: int) -> None:
    """N-71: RFC 9449 section 4.3 number 1."""
    assert refused(*[prover.proof("POST", URL) for _ in range(count)]).error == "invalid_dpop_proof"


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "e30.e30.", "é.é.é", "a" * 70_000, "{}", "null.null.null"])
def test_what_is_no_jwt_is_no_proof(refused: Refused, text: str) -> None:
    """N-72: RFC 9449 section 4.3 number 2."""
    assert isinstance(refused(text), InvalidDpopProofError)


def test_claims_that_only_some_parsers_read_are_no_proof(refused: Refused, prover: Prover) -> None:
    """N-73: RFC 8725 section 3.7, RFC 9449 section 4.3 number 2."""
    good = prover.proof("POST", URL).split(".")
    for claims in ("[]", "null", '{"jti":"a","jti":"b"}', '{"iat":NaN}', '{"iat":1e400}', "{"):
        middle = urlsafe_b64encode(claims.encode()).decode()
        assert isinstance(refused(f"{good[0]}.{middle}.{good[2]}"), InvalidDpopProofError)


@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt", "dpop", "secevent+jwt", 1])
def test_a_jwt_of_another_type_is_no_proof(refused: Refused, prover: Prover, typ: object) -> None:
    """N-74: RFC 9449 section 4.3 number 4, RFC 8725 section 3.11."""
    header = {"alg": "ES256", "jwk": public(prover.key), **({} if typ is None else {"typ": typ})}
    text = _signed_with_header(prover, header)
    assert isinstance(refused(text), InvalidDpopProofError)


def _signed_with_header(prover: Prover, header: dict[str, Any]) -> str:
    """A proof whose header is exactly this."""
    claims = {"jti": "j", "htm": "POST", "htu": URL, "iat": int(time.time())}
    signed = json_b64encode(header) + b"." + json_b64encode(claims)
    return (signed + b"." + urlsafe_b64encode(JWSRegistry.algorithms["ES256"].sign(signed, prover.key))).decode()


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES384", "unsupported", "", 1, True, None])
def test_an_algorithm_that_is_not_in_the_list_proves_nothing(refused: Refused, prover: Prover, alg: object) -> None:
    """N-75: RFC 9449 section 4.3 number 5."""
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": public(prover.key)}
    first, claims, _ = _signed_with_header(prover, header).split(".")
    for signature in ("", "e30"):
        assert isinstance(refused(f"{first}.{claims}.{signature}"), InvalidDpopProofError)


def test_rs256_is_not_in_the_list(refused: Refused) -> None:
    """N-76: RFC 9449 section 11.6, FAPI 2.0 Security Profile section 5.4.1; dpop-negative-tests."""
    assert isinstance(refused(Prover(usual_key("RS256"), "RS256").proof("POST", URL)), InvalidDpopProofError)


def test_a_public_key_is_no_secret_of_an_hmac(refused: Refused, prover: Prover) -> None:
    """N-77: RFC 8725 section 3.1."""
    jwk = public(prover.key)
    claims = {"jti": "j", "htm": "POST", "htu": URL, "iat": int(time.time())}
    text = mac(claims, json.dumps(jwk), typ="dpop+jwt", jwk=jwk)
    assert isinstance(refused(text), InvalidDpopProofError)


def test_a_private_key_in_the_header_is_refused(refused: Refused, prover: Prover) -> None:
    """N-78: RFC 9449 section 4.3 number 7."""
    error = refused(prover.proof("POST", URL, header={"jwk": prover.key.as_dict(private=True)}))
    assert "private" in (error.description or "")
    assert str(prover.key.as_dict(private=True)["d"]) not in str(error.checks.done)


@pytest.mark.parametrize(
    "jwk",
    [
        "x",
        "",
        1,
        True,
        [],
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "P-256"},
        {"kty": "EC", "crv": "secp256k1", "x": "a", "y": "b"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
    ],
)
def test_what_is_no_public_signature_key_is_refused(refused: Refused, prover: Prover, jwk: object) -> None:
    """N-79: RFC 9449 section 4.2, RFC 7517."""
    assert isinstance(refused(prover.proof("POST", URL, header={"jwk": jwk})), InvalidDpopProofError)


def test_a_header_without_a_key_is_refused(refused: Refused, prover: Prover) -> None:
    """N-80: RFC 9449 section 4.2; neither `kid` nor a URL stands in for the key."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "kid": "key-1", "jku": "https://keys.example.test/"}
    assert isinstance(refused(_signed_with_header(prover, header)), InvalidDpopProofError)


@pytest.mark.parametrize("use", [{"use": "enc"}, {"alg": "PS256"}, {"key_ops": ["deriveBits"]}])
def test_a_key_for_something_else_is_refused(refused: Refused, prover: Prover, use: dict[str, Any]) -> None:
    """N-81: RFC 7517 section 4."""
    assert isinstance(refused(prover.proof("POST", URL, header={"jwk": public(prover.key, **use)})), OAuth2Error)


def test_the_key_in_the_header_must_be_the_one_that_signed(refused: Refused, prover: Prover) -> None:
    """N-82: RFC 9449 section 4.3 number 6."""
    other = Prover()
    assert isinstance(refused(prover.proof("POST", URL, header={"jwk": public(other.key)})), InvalidDpopProofError)


def test_nothing_of_a_proof_can_be_changed(refused: Refused, prover: Prover) -> None:
    """N-83: RFC 9449 section 4.3 number 6."""
    header, claims, signature = prover.proof("POST", URL).split(".")
    _, others, other_signature = prover.proof("POST", URL).split(".")
    for text in (f"{header}.{others}.{signature}", f"{header}.{claims}.{other_signature}", f"{header}.{claims}."):
        assert isinstance(refused(text), InvalidDpopProofError)


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": False}, {"zip": "DEF"}, {"x": "x" * LONGEST_HEADER}])
def test_extensions_and_endless_headers_are_refused(refused: Refused, prover: Prover, header: dict[str, Any]) -> None:
    """N-84: RFC 7515 section 4.1.11."""
    assert isinstance(refused(prover.proof("POST", URL, header=header)), InvalidDpopProofError)


@in_one_world(
    "changes",
    [
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": ["a"]},
        {"iat": None},
        {"iat": "1"},
        {"iat": True},
        {"iat": 10**300},
        {"htm": None},
        {"htu": None},
        {"htu": 1},
        {"htu": "https://["},
    ],
)
def test_each_required_claim_is_there_and_of_its_type(
    refused: Refused, prover: Prover, changes: dict[str, Any]
) -> None:
    """N-85: RFC 9449 sections 4.2 and 4.3 number 3."""
    assert isinstance(refused(prover.proof("POST", URL, **changes)), InvalidDpopProofError)


@pytest.mark.parametrize("method", ["GET", "post", "Post", "PUT", "POST "])
def test_a_proof_is_for_one_method(refused: Refused, prover: Prover, method: str) -> None:
    """N-86: RFC 9449 section 4.3 number 8."""
    assert isinstance(refused(prover.proof(method, URL)), InvalidDpopProofError)


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example.test/oauth2/par",
        "https://id.example.test/oauth2/token/",
        "https://id.example.test/OAUTH2/token",
        "https://id.example.test/oauth2%2Ftoken",
        "https://id.example.test:8443/oauth2/token",
        "http://id.example.test/oauth2/token",
        "https://evil.example.test/oauth2/token",
        "https://id.example.test@evil.example.test/oauth2/token",
        "https://id.example.test.evil.example.test/oauth2/token",
        "//id.example.test/oauth2/token",
        "/oauth2/token",
        "https://id.example.test",
        ":::*;",
        "foo",
        "",
    ],
)
def test_a_proof_is_for_one_url(refused: Refused, prover: Prover, url: str) -> None:
    """N-87: RFC 9449 section 4.3 number 9, A-77."""
    assert isinstance(refused(prover.proof("POST", url)), InvalidDpopProofError)


@pytest.mark.parametrize(
    ("htu", "url"),
    [
        (f"{URL}?a=b", URL),
        (f"{URL}#here", URL),
        ("HTTPS://ID.example.TEST:443/oauth2/token", URL),
        ("https://id.example.test/oauth2/./x/../token", URL),
        ("https://id.example.test/%6Fauth2/tok%65n", URL),
        ("https://id.example.test/api/admin/clients/a%20b", f"{ISSUER}/api/admin/clients/a b"),
        ("http://[::1]:80/oauth2/token", "http://[::1]/oauth2/token"),
        (ISSUER, f"{ISSUER}/"),
    ],
)
def test_urls_are_compared_in_their_normal_form(htu: str, url: str) -> None:
    """RFC 9449 section 4.3 number 9, RFC 3986 sections 6.2.2 and 6.2.3."""
    assert is_same_url(htu, url)


@pytest.mark.parametrize("seconds", [-3600, -75, 15, 3600])
def test_a_proof_of_another_time_needs_a_nonce(refused: Refused, prover: Prover, clock: Clock, seconds: int) -> None:
    """N-88: RFC 9449 sections 4.3 number 11 and 11.1."""
    iat = int(clock.now.timestamp()) + seconds
    assert isinstance(refused(prover.proof("POST", URL, iat=iat)), UseDpopNonceError)


@pytest.mark.parametrize("seconds", [-60, -10, 0, 10])
def test_clocks_may_differ_a_little(prove: Prove, prover: Prover, clock: Clock, seconds: int) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.1; ensure-dpopproof-with-iat-10seconds-before-succeeds, -after-."""
    prove(prover.proof("POST", URL, iat=int(clock.now.timestamp()) + seconds))


@pytest.mark.both_databases
def test_a_proof_works_once_at_all_nodes(
    prove: Prove, refused: Refused, prover: Prover, installation: Installation
) -> None:
    """N-89: RFC 9449 section 11.1. Nothing in the memory of a node or in Redis knows it."""
    proof = prover.proof("POST", URL)
    prove(proof)
    assert refused(proof).description == "The DPoP proof was used before"
    another = open_installation(installation.settings, clock=installation.clock, counter=LimitCounter())
    try:
        with unit_of_work(another) as w, pytest.raises(InvalidDpopProofError):
            show_once(w, proof)
    finally:
        another.database.close()


def test_a_proof_of_the_near_future_is_known_until_it_expires(
    prove: Prove, refused: Refused, prover: Prover, clock: Clock, work: Work
) -> None:
    """N-314: RFC 9449 section 11.1: what is stored outlives the proof, also of a clock that is ahead. The minute for
    which the worker keeps it longer is for clocks of nodes that differ.
    """
    proof = prover.proof("POST", URL, iat=int(clock.now.timestamp()) + 10)
    prove(proof)
    clock.advance(seconds=79)
    with work() as w:
        used_proofs_store.purge(w.db, before=w.now, limit=10)
    assert isinstance(refused(proof), InvalidDpopProofError)
    clock.advance(seconds=2)
    assert isinstance(refused(proof), UseDpopNonceError)


def test_the_same_jti_under_another_key_is_another_proof(prove: Prove, prover: Prover) -> None:
    """N-90: RFC 9449 section 11.1, A-76: a client cannot use up the proofs of another one."""
    prove(prover.proof("POST", URL, jti="1"))
    prove(Prover().proof("POST", URL, jti="1"))


@pytest.mark.parametrize("ath", [None, "", 1, hash_of("another"), hash_of(TOKEN)[:-1], TOKEN, "\ud800"])
def test_a_proof_is_for_one_access_token(refused: Refused, prover: Prover, ath: object) -> None:
    """N-91: RFC 9449 section 4.3 number 12."""
    asked = ProvenRequest(method="POST", url=URL, access_token=TOKEN)
    assert isinstance(refused(prover.proof("POST", URL, ath=ath), asked=asked), InvalidDpopProofError)


# Nonces


@pytest.mark.parametrize("nonce", ["", "x", 1, ["a"], "A" * 43, "\u00e9"])
def test_a_nonce_that_is_not_ours_is_refused(refused: Refused, prover: Prover, nonce: object) -> None:
    """N-92: RFC 9449 section 8, also where none is required."""
    assert isinstance(refused(prover.proof("POST", URL, nonce=nonce)), UseDpopNonceError)


def test_a_nonce_that_is_null_is_refused(refused: Refused, prover: Prover) -> None:
    """N-313: RFC 9449 section 8, RFC 7519 section 4: a claim that is there has to be a text."""
    header = json_b64encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": public(prover.key)})
    claims = {"jti": "j", "htm": "POST", "htu": URL, "iat": int(time.time()), "nonce": None}
    signed = header + b"." + json_b64encode(claims)
    signature = urlsafe_b64encode(JWSRegistry.algorithms["ES256"].sign(signed, prover.key))
    assert isinstance(refused((signed + b"." + signature).decode()), UseDpopNonceError)


def test_a_nonce_of_another_installation_is_refused(refused: Refused, prover: Prover, clock: Clock) -> None:
    """N-93: RFC 9449 section 8."""
    prover.nonce = current_nonce(Vault(("another secret key of 32 characters or more",)), clock.now)
    assert isinstance(refused(prover.proof("POST", URL)), UseDpopNonceError)


def test_a_nonce_is_accepted_for_some_minutes(
    prove: Prove, refused: Refused, prover: Prover, clock: Clock, work: Work
) -> None:
    """N-94: RFC 9449 section 8.2. Its age counts, not what the proof says of its own time."""
    with work() as w:
        prover.nonce = current_nonce(w.vault, w.now)
    clock.advance(WINDOW)
    prove(prover.proof("POST", URL, iat=1))
    clock.advance(WINDOW)
    assert isinstance(refused(prover.proof("POST", URL)), UseDpopNonceError)


class TestWithRequiredNonces:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"dpop_nonce_required": True})

    def test_a_proof_without_a_nonce_is_refused(
        self, prove: Prove, refused: Refused, prover: Prover, work: Work
    ) -> None:
        """N-95: RFC 9449 section 8."""
        assert isinstance(refused(prover.proof("POST", URL)), UseDpopNonceError)
        with work() as w:
            prover.nonce = current_nonce(w.vault, w.now)
        prove(prover.proof("POST", URL))


def test_used_proofs_are_kept_only_as_long_as_they_could_be_used_again(
    prove: Prove, prover: Prover, clock: Clock, work: Work, installation: Installation
) -> None:
    """RFC 9449 section 11.1: so that what is stored stays small."""
    prove(prover.proof("POST", URL))
    purge(installation)
    assert _used(work) == 1
    clock.advance(minutes=3)
    purge(installation)
    assert _used(work) == 0
