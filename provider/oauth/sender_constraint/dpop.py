"""DPoP proofs (RFC 9449): a JWT with which a client shows for one request that it holds a key.

The checks are those of section 4.3. Whether the proof was used before comes last, so that a rejected proof does not use
up its `jti`. A grant may do this in the statement that changes what is proven for (decision 293).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from provider.crypto.digests import digest, same
from provider.jose import base64url
from provider.jose.algorithms import DPOP_SIGNATURES
from provider.jose.json_objects import read_object
from provider.jose.key_sets import InvalidKey, PublicKey, choose_keys, parse_key
from provider.jose.signed_jwts import InvalidJwt, SignedJwt, read_jwt
from provider.jose.times import CLIENT_LEEWAY, is_numeric_date
from provider.oauth.checks import Checks
from provider.oauth.errors import InvalidDpopProofError, OAuth2Error, UseDpopNonceError
from provider.oauth.sender_constraint import store as used_proofs
from provider.oauth.sender_constraint.confirmation import Confirmation, of_key
from provider.oauth.sender_constraint.nonces import LIFETIME, is_current
from provider.oauth.sender_constraint.store import Proof
from provider.urls import origin_of
from provider.work import UnitOfWork

TYP = "dpop+jwt"
OLDEST = timedelta(seconds=60)
"""How old a proof without a nonce may be. One that comes from a clock that is ahead has CLIENT_LEEWAY."""
LONGEST_HEADER = 4096
"""The longest header of a proof, in characters: that of an RSA key of 4096 bits has about 1,000."""
SECTION = "RFC 9449 section 4.3"
NEW_PROOF = "Create a new proof for each request, with the method and URL of that request."


@dataclass(frozen=True, kw_only=True)
class ProvenRequest:
    """The request that a proof must be for, and the errors for one that is not."""

    method: str
    url: str
    """Without its query, as clients know it: below the issuer."""
    alias: str | None = None
    """The URL of the endpoint where certificates are asked for (RFC 8705 section 5), if there is one."""
    access_token: str | None = None
    error: type[OAuth2Error] = InvalidDpopProofError
    nonce_error: type[OAuth2Error] = UseDpopNonceError


class InvalidProof(Exception):
    """A proof that cannot be read. The text says why."""


class ProofKey(NamedTuple):
    """The key in the header of a proof."""

    key: PublicKey
    thumbprint: str


class CheckedProof(NamedTuple):
    """A proof that was checked, and the key that it proves."""

    confirmation: Confirmation
    proof: Proof


def check_proof(work: UnitOfWork, checks: Checks, lines: Sequence[str], request: ProvenRequest) -> CheckedProof:
    """Return the one proof among the header lines, for a caller who spends it. Raises the errors of
    `request`.
    """
    checks.require(
        len(lines) == 1,
        "The request has one DPoP proof",
        section=SECTION,
        error=request.error,
        description="Exactly one DPoP header is required",
        expected="one DPoP header",
        got=f"{len(lines)} DPoP headers",
        fix="Send one proof in the DPoP header of each request.",
    )
    jwt, key = _require_signature(checks, lines[0], request)
    claims = jwt.claims
    _require_same_request(checks, claims, request)
    with_nonce = _require_recent(work, checks, claims, request)
    jti = claims["jti"]
    expires_at = work.now + (LIFETIME if with_nonce else OLDEST + 2 * CLIENT_LEEWAY)
    return CheckedProof(of_key(key.thumbprint), Proof(digest(f"{key.thumbprint}.{jti}"), expires_at))


def spend_proof(
    work: UnitOfWork, checks: Checks, proof: Proof, *, error: type[OAuth2Error] = InvalidDpopProofError
) -> None:
    """Use up the proof, whatever becomes of the request. Raises `error` if it was used before.

    Does nothing if it was used up for this request already.
    """
    if not proof.is_spent:
        require_unused(checks, proof, is_new=spend(work, proof), error=error)


def require_unused(
    checks: Checks, proof: Proof, *, is_new: bool, error: type[OAuth2Error] = InvalidDpopProofError
) -> None:
    """Check that the proof, which was stored a moment ago, was not stored before."""
    proof.is_spent = True
    checks.require(
        is_new,
        "The DPoP proof is used for the first time",
        section="RFC 9449 section 11.1",
        error=error,
        description="The DPoP proof was used before",
        expected="a new jti in each proof",
        got="a jti that this key used before",
        fix="Create a new proof with a new jti for each request and each retry.",
    )


def _require_signature(checks: Checks, text: str, request: ProvenRequest) -> tuple[SignedJwt, ProofKey]:
    """Check the header and the signature, before any claim is used (RFC 8725 section 3.2)."""
    proof, problem = None, ""
    try:
        proof = _read(text)
    except (InvalidJwt, InvalidProof) as invalid:
        problem = str(invalid)
    return checks.found(
        proof,
        "The DPoP proof is a JWT that is signed by the key in its header",
        section=SECTION,
        error=request.error,
        description=f"The DPoP proof is invalid: {problem}",
        expected=f"typ {TYP}, alg {' or '.join(DPOP_SIGNATURES)}, the public key as jwk, and its signature",
        got=problem,
        fix="Use a DPoP library, and give it a key pair for one of the expected algorithms.",
    )


def _read(text: str) -> tuple[SignedJwt, ProofKey]:
    jwt = read_jwt(text, algorithms=DPOP_SIGNATURES)
    if jwt.typ is None or jwt.typ.lower().removeprefix("application/") != TYP:
        raise InvalidProof(f"its typ is not {TYP}")
    key = read_key(text.partition(".")[0])
    if not jwt.is_signed_by(key.key.key):
        raise InvalidProof("its jwk did not sign it")
    return jwt, key


@lru_cache(maxsize=512)
def read_key(header: str) -> ProofKey:
    """Return the key in the header of a proof, which is encoded, if it is one for its `alg`. Raises InvalidProof.

    A client sends the same header with each proof, so the keys of a few hundred clients are remembered.
    """
    if len(header) > LONGEST_HEADER:
        raise InvalidProof("its header is too long")
    given = read_object(base64url.decode(header))
    try:
        key = parse_key(given.get("jwk"))
    except InvalidKey as invalid:
        raise InvalidProof(f"its header {invalid}") from None
    if not choose_keys([key], alg=given["alg"], kid=None):
        raise InvalidProof(f"its jwk is not a key for {given['alg']}")
    return ProofKey(key, key.key.thumbprint())


def _require_same_request(checks: Checks, claims: dict[str, Any], request: ProvenRequest) -> None:
    """Check that the proof was made for this method and URL, and for this access token (section 4.3, numbers 3, 8, 9
    and 12).
    """
    jti, iat = claims.get("jti"), claims.get("iat")
    checks.require(
        isinstance(jti, str) and jti and is_numeric_date(iat),
        "The DPoP proof has jti and iat",
        section="RFC 9449 section 4.2",
        error=request.error,
        description="The DPoP proof must have a jti and an iat",
        expected="jti, a text, and iat, a number of seconds since 1970",
        got="one of them is missing, or of another type",
        fix="Use a DPoP library, or add both claims to the proof.",
    )
    checks.require(
        claims.get("htm") == request.method,
        "htm of the DPoP proof is the method of the request",
        section=SECTION,
        error=request.error,
        description="htm of the DPoP proof must be the method of the request",
        expected=request.method,
        got=claims.get("htm", "no htm"),
        fix=NEW_PROOF,
    )
    htu = claims.get("htu")
    checks.require(
        isinstance(htu, str)
        and (is_same_url(htu, request.url) or (request.alias is not None and is_same_url(htu, request.alias))),
        "htu of the DPoP proof is the URL of the request",
        section=SECTION,
        error=request.error,
        description="htu of the DPoP proof must be the URL of the request, without query and fragment",
        expected=request.url,
        got="no htu" if htu is None else htu,
        fix=NEW_PROOF + " The host is that of the issuer.",
    )
    if request.access_token is None:
        return
    ath = claims.get("ath")
    checks.require(
        isinstance(ath, str) and same(ath.encode("utf-8", "surrogatepass"), hash_of(request.access_token)),
        "ath of the DPoP proof is the hash of the access token",
        section=SECTION,
        error=request.error,
        description="ath of the DPoP proof must be the SHA-256 hash of the access token",
        expected="BASE64URL(SHA256(access token))",
        got="no ath" if ath is None else "another hash",
        fix="Create the proof with the access token that is sent.",
    )


def hash_of(access_token: str) -> bytes:
    """Return the `ath` of an access token (section 4.2)."""
    return base64url.encode(hashlib.sha256(access_token.encode("utf-8", "surrogatepass")).digest())


def is_same_url(htu: str, url: str) -> bool:
    """Return whether a proof was made for this URL.

    Query and fragment are ignored, and both are compared in their normal form (section 4.3 number 9, RFC 3986 section
    6.2): the case of scheme and host, the default port, dot segments, and characters that are encoded without need.
    """
    if htu == url:
        return True
    origin = origin_of(url)
    return origin is not None and origin_of(htu) == origin and _path_of(htu) == _path_of(url)


def _path_of(url: str) -> str:
    try:
        path = urlsplit(urljoin(url, urlsplit(url).path)).path
    except ValueError:
        return ""
    return unquote(path.replace("%2F", "%252F").replace("%2f", "%252F")) or "/"


def _require_recent(work: UnitOfWork, checks: Checks, claims: dict[str, Any], request: ProvenRequest) -> bool:
    """Check that the proof was made recently. Returns whether its nonce says so, and not its own clock.

    A proof of another time is refused with the error that asks for a nonce: with it, a device whose clock is wrong can
    use DPoP (section 4.3 number 11).
    """
    nonce = claims.get("nonce")
    if "nonce" in claims or work.settings.dpop_nonce_required:
        checks.require(
            isinstance(nonce, str) and is_current(work.vault, nonce, work.now),
            "The DPoP proof has a current nonce",
            section="RFC 9449 section 8",
            error=request.nonce_error,
            description="The DPoP proof must have the nonce of the DPoP-Nonce header of this response",
            expected="the latest nonce of a DPoP-Nonce header",
            got="no nonce" if "nonce" not in claims else "another nonce, or one that is no longer accepted",
            fix="Send the request again with a new proof that has the nonce of this response. DPoP libraries do so.",
        )
        return True
    age = work.now.timestamp() - claims["iat"]
    checks.require(
        -CLIENT_LEEWAY.total_seconds() <= age <= OLDEST.total_seconds() + CLIENT_LEEWAY.total_seconds(),
        "The DPoP proof is new",
        section=SECTION,
        error=request.nonce_error,
        description="iat of the DPoP proof is not the current time. Use the nonce of the DPoP-Nonce header",
        expected=f"iat within the last {OLDEST.seconds} seconds, or a nonce",
        got=f"an iat {abs(age):.0f} seconds in the {'past' if age > 0 else 'future'}",
        fix="Correct the clock of the client, and create a new proof for each request.",
    )
    return False


def spend(work: UnitOfWork, proof: Proof) -> bool:
    """Use up the proof before the first ordinary write. Returns whether it is new."""
    if work.installation.database.is_sqlite:
        with work.aside() as db:
            return used_proofs.spend(db, proof)
    return used_proofs.spend(work.autocommit, proof)
