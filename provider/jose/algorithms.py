"""The algorithms: of signatures (RFC 7518 section 3.1, RFC 8037, RFC 9864) with the key pair that each uses, and of
encryption (RFC 7518 sections 4 and 5). Pure, and without joserfc, which commands that only check names do not load.
"""

import hashlib
from collections.abc import Mapping

from provider.jose import base64url

RS256 = "RS256"
PS256 = "PS256"
ES256 = "ES256"
EDDSA = "EdDSA"
ED25519 = "Ed25519"
"""The name in RFC 9864 for the same signature as our EdDSA. A client gets the name it registered."""

KEY_PAIRS: Mapping[str, tuple[str, ...]] = {
    RS256: (RS256, PS256),
    ES256: (ES256,),
    EDDSA: (EDDSA, ED25519),
}
"""The kinds of key pairs: name to algorithms. The name is the first algorithm. Every installation has a current pair
of each.
"""

ON_REQUEST = frozenset({ED25519})
"""The algorithms whose keys are published once a client is registered for them. Some parsers, such as MinIO's, reject a
key set with a name of an algorithm that they don't know.
"""

SIGNING_ALGORITHMS = tuple(alg for algorithms in KEY_PAIRS.values() for alg in algorithms)
SIGNATURES = SIGNING_ALGORITHMS
"""The signature algorithms that clients may use."""
FAPI_SIGNATURES = tuple(alg for alg in SIGNATURES if alg != RS256)
"""The signature algorithms allowed by FAPI 2.0 Security Profile section 5.4.1."""
DPOP_SIGNATURES = FAPI_SIGNATURES
"""The signature algorithms of DPoP proofs. No client depends on an older one, so none is allowed (RFC 9449 section
11.6).
"""

RSA_OAEP_256 = "RSA-OAEP-256"
ECDH_ES = "ECDH-ES"
CURVES_OF: Mapping[str, tuple[str | None, ...]] = {
    RSA_OAEP_256: (None,),
    ECDH_ES: ("P-256", "P-384", "P-521", "X25519"),
}
"""The curves of each encryption algorithm's keys: algorithm to `crv`. An RSA key has none."""
ENCRYPTION_ALGORITHMS = tuple(CURVES_OF)
A256GCM = "A256GCM"
ENCRYPTION_METHODS = (A256GCM,)


def find_pair(alg: str) -> str | None:
    """Return the name of the key pair that signs with this algorithm, or None."""
    return next((name for name, algorithms in KEY_PAIRS.items() if alg in algorithms), None)


def half_hash(value: str, alg: str) -> str:
    """Return at_hash or c_hash for a token signed with this algorithm (OIDC Core sections 3.1.3.6, 3.3.2.11).

    Ed25519 hashes with SHA-512 (RFC 8032 section 5.1); all the others have their hash in their name.
    """
    made = hashlib.sha512 if alg in KEY_PAIRS[EDDSA] else hashlib.sha256
    digest = made(value.encode("ascii")).digest()
    return base64url.encode(digest[: len(digest) // 2]).decode()
