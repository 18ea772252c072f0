"""Verify RFC 9068 access tokens with the keys the issuer publishes, and nothing else: no call per request."""

import asyncio
import re
import time
from typing import Any

import httpx2
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ALGORITHMS = ["RS256", "ES256"]
FRESH_FOR = 300.0
"""Seconds for which keys are used if their answer has no Cache-Control: the issuer may have revoked one by then."""
KEPT_FOR = 3600.0
"""Seconds for which the last keys are used while they cannot be fetched, and the most that Cache-Control can say."""
REFETCH_AFTER = 60.0
"""Seconds between two looks at the JWKS: a made-up `kid` must not make us hammer the issuer."""
RETRY_AFTER = 5.0
"""Seconds between two looks while there are no keys at all."""
LEEWAY = 30


class InvalidToken(Exception):
    """Not a token for us (any more). The text is safe to show to the client."""


class KeysUnavailable(Exception):
    """The keys of the issuer cannot be fetched, which says nothing about the token."""


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
        self._fetched_at = self._tried_at = -KEPT_FOR
        self._fresh_for = 0.0
        self._problem: Exception | None = None
        self._asking = asyncio.Lock()

    async def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid token (RFC 9068 section 4). Raises InvalidToken, or KeysUnavailable without the
        key.
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
        if "cnf" in claims:  # only good with a proof of its key, which we cannot check (RFC 9449 section 7.2)
            raise InvalidToken("The access token is bound to a key, and is no bearer token.")
        return claims

    async def _key(self, kid: object) -> Any:
        if not isinstance(kid, str):
            raise InvalidToken("The access token has no key ID (kid).")
        if self._is_due(kid):
            async with self._asking:
                if self._is_due(kid):  # one asks, the others wait for it
                    await self._refresh()
        if kid in self._keys:
            return self._keys[kid]
        if self._problem is not None:
            raise KeysUnavailable(str(self._problem)) from self._problem
        raise InvalidToken("The key of the access token is unknown.")

    def _is_due(self, kid: str) -> bool:
        """Say whether to look at the JWKS: a key is missing, or ours may be revoked by now (OIDC Core section
        10.1.1).
        """
        now = time.monotonic()
        if now - self._tried_at < (REFETCH_AFTER if self._keys else RETRY_AFTER):
            return False
        return kid not in self._keys or now - self._fetched_at >= self._fresh_for

    async def _refresh(self) -> None:
        """Fetch the keys. If that fails, those that we have are good for a while."""
        try:
            self._keys, self._fresh_for = await self._fetch()
            self._fetched_at, self._problem = time.monotonic(), None
        except (httpx2.HTTPError, JoseError, LookupError, TypeError, ValueError) as problem:
            self._problem = problem
            if time.monotonic() - self._fetched_at >= KEPT_FOR:
                self._keys = {}
        self._tried_at = time.monotonic()  # also of a failure: an outage must not make each request wait

    async def _fetch(self) -> tuple[dict[str, Any], float]:
        """Return the keys, and for how many seconds they are fresh."""
        async with httpx2.AsyncClient(timeout=5) as http:
            metadata = (await http.get(f"{self.issuer}/.well-known/openid-configuration")).raise_for_status().json()
            if metadata["issuer"] != self.issuer:  # OIDC Discovery section 4.3
                raise ValueError("Discovery speaks of another issuer.")
            answer = (await http.get(metadata["jwks_uri"])).raise_for_status()
        keys = {key.kid: key for key in KeySet.import_key_set(answer.json()).keys if key.kid}
        return keys, fresh_for(answer.headers.get("cache-control", ""))


def fresh_for(cache_control: str) -> float:
    """Return how many seconds an answer with this header may be used (RFC 9111 section 5.2.2.1)."""
    max_age = re.search(r"\bmax-age=(\d+)", cache_control)
    return min(float(max_age[1]), KEPT_FOR) if max_age else FRESH_FOR
