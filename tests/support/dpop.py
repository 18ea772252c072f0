"""A client that proves that it holds a key (RFC 9449)."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.client_keys import Key, new_key, public, sign


def hash_of(access_token: str) -> str:
    """The claim `ath` (RFC 9449 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Prover:
    """A key pair and the proofs that it makes. `nonce`: what the server said last."""

    key: Key = field(default_factory=new_key)
    alg: str = "ES256"
    nonce: str | None = None
    now: Callable[[], float] = time.time

    @property
    def thumbprint(self) -> str:
        return self.key.thumbprint()

    def proof(
        self,
        method: str,
        url: str,
        access_token: str | None = None,
        *,
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A proof for one request; a claim or header member given as None is left out."""
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(self.now()),
            "ath": None if access_token is None else hash_of(access_token),
            "nonce": self.nonce,
            **changes,
        }
        given = {"alg": self.alg, "typ": "dpop+jwt", "jwk": public(self.key), **(header or {})}
        return sign({name: value for name, value in claims.items() if value is not None}, self.key, **given)

    def headers(self, method: str, url: str, access_token: str, **changes: Any) -> dict[str, str]:
        """The headers of a request to an API."""
        proof = self.proof(method, url, access_token, **changes)
        return {"authorization": f"DPoP {access_token}", "dpop": proof}
