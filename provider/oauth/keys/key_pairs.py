"""One signing key pair: generated, stored with its private part encrypted, published (RFC 7517), parsed."""

import json
from collections.abc import Collection
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey

from provider.crypto.vault import Vault
from provider.jose import base64url
from provider.jose.algorithms import ES256, KEY_PAIRS, ON_REQUEST, RS256
from provider.oauth.keys.store import SigningKeyRow, State
from provider.work import UnitOfWork

RSA_BITS = 2048
PURPOSE = "signing-key"

Key = RSAKey | ECKey | OKPKey

KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def generate(work: UnitOfWork, pair: str, state: State) -> SigningKeyRow:
    """Generate a key pair; its `kid` is the thumbprint (RFC 7638).

    RSA is slow, so this is called before the write transaction opens.
    """
    kid = "-"
    while kid.startswith("-"):  # a shell takes it for an option: `signet key revoke KID`
        key = _generate(pair)
        kid = key.thumbprint()
    named: Any = {"kid": kid, "use": "sig", "alg": pair}
    private = json.dumps({**key.as_dict(private=True), **named})
    return SigningKeyRow(
        kid=kid,
        alg=pair,
        public={**key.as_dict(private=False), **named},
        private=work.vault.encrypt(private.encode(), purpose=PURPOSE, context=kid),
        state=state,
        created_at=work.now,
        signs_from=work.now if state == State.CURRENT else None,
        expires_at=None,
    )


def _generate(pair: str) -> Key:
    if pair == RS256:
        return RSAKey.generate_key(RSA_BITS)
    return ECKey.generate_key("P-256") if pair == ES256 else OKPKey.generate_key("Ed25519")


def published_keys(row: SigningKeyRow, requested: Collection[str]) -> list[dict[str, Any]]:
    """Return one JWK for each algorithm of the pair, so that each names its one algorithm (RFC 8725 section 3.1).

    Those of `ON_REQUEST` are left out unless they are in `requested`.
    """
    algorithms = (alg for alg in KEY_PAIRS[row.alg] if alg not in ON_REQUEST or alg in requested)
    return [{**row.public, "kid": kid_for(row.kid, alg), "alg": alg} for alg in algorithms]


def kid_for(kid: str, alg: str) -> str:
    """Return the `kid` under which a key pair signs with this algorithm.

    It is the thumbprint for the first algorithm, and `thumbprint.alg` for another.
    """
    return kid if alg in KEY_PAIRS else f"{kid}.{alg}"


def row_of(kid: str) -> str:
    """Return the `kid` of the stored key pair for a published `kid`."""
    return kid.partition(".")[0]


def open_private(vault: Vault, row: SigningKeyRow) -> Key:
    """Return the private key, for signing. Raises VaultError."""
    assert row.private is not None  # noqa: S101  # upcoming and current keys have one
    jwk = json.loads(vault.decrypt(row.private, purpose=PURPOSE, context=row.kid))
    return _rsa_key(jwk) if jwk["kty"] == "RSA" else import_key(jwk)


def _rsa_key(jwk: dict[str, Any]) -> RSAKey:
    """Return a private key that we generated. Whether its factors are prime is not tested again, which takes most of
    the time of an import: the vault has authenticated it.
    """
    n, e, d, p, q, dp, dq, qi = (
        int.from_bytes(base64url.decode(jwk[name])) for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi")
    )
    numbers = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n))
    return RSAKey(
        numbers.private_key(unsafe_skip_rsa_key_validation=True),
        {name: value for name, value in jwk.items() if name != "alg"},
    )


def open_public(row: SigningKeyRow) -> Key:
    """Return the public key, for verifying."""
    return import_key(row.public)


def import_key(jwk: dict[str, Any]) -> Key:
    """Parse a JWK without its `alg`, which our own tables decide.

    This takes 27 ms for RSA, so callers keep the result.
    """
    return KINDS[jwk["kty"]].import_key({name: value for name, value in jwk.items() if name != "alg"})
