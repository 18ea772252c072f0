"""Verify RFC 9068 access tokens with the keys the issuer publishes, and nothing else: no call per request."""

import time
from typing import Any

import httpx2
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ALGORITHMS = ["RS256", "ES256"]
REFETCH_AFTER = 60.0
"""Seconds between two looks at the JWKS: a made-up `kid` must not make us hammer the issuer."""
LEEWAY = 30


class InvalidToken(Exception):
    """Not a token for us (any more). The text is safe to show to the client."""


class AccessTokens:
    """The tokens of one issuer for one audience."""

    def __init__(self, issuer: str, audience: str) -> None:
        self.issuer = issuer
        self.claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            client_id={"essential": True},
            jti={"essential": True},
        )
        self._keys: dict[str, Any] = {}
        self._fetched_at = -REFETCH_AFTER

    async def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid token (RFC 9068 section 4). Raises InvalidToken, or httpx2.HTTPError without
        keys.
        """
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
        except (JoseError, ValueError) as error:
            raise InvalidToken("The access token is not a signed JWT.") from error
        # Explicit typing keeps the issuer's ID Tokens out (RFC 9068 section 4, RFC 8725 section 3.11).
        if str(header.get("typ", "")).lower().removeprefix("application/") != "at+jwt":
            raise InvalidToken("This JWT is not an access token.")
        key = await self._key(header.get("kid"))
        try:
            claims: dict[str, Any] = jwt.decode(token, key, algorithms=ALGORITHMS).claims
            self.claims.validate(claims)
        except (JoseError, ValueError) as error:
            raise InvalidToken(
                "The access token has expired, is not for this API, or has an invalid signature."
            ) from error
        return claims

    async def _key(self, kid: object) -> Any:
        if not isinstance(kid, str):
            raise InvalidToken("The access token has no key ID (kid).")
        if kid not in self._keys and time.monotonic() - self._fetched_at >= REFETCH_AFTER:
            self._keys = await self._fetch()
            self._fetched_at = time.monotonic()
        if kid not in self._keys:
            raise InvalidToken("The key of the access token is unknown.")
        return self._keys[kid]

    async def _fetch(self) -> dict[str, Any]:
        async with httpx2.AsyncClient(timeout=5) as http:
            metadata = (await http.get(f"{self.issuer}/.well-known/openid-configuration")).raise_for_status().json()
            jwks = (await http.get(metadata["jwks_uri"])).raise_for_status().json()
        return {key.kid: key for key in KeySet.import_key_set(jwks).keys if key.kid}
