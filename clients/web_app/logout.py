"""Logout tokens: the provider's word that somebody signed out (OpenID Connect Back-Channel Logout)."""

import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

ALGORITHMS = ["RS256"]
"""What this client is registered for: its logout tokens are signed like its ID tokens."""
EVENT = "http://schemas.openid.net/event/backchannel-logout"
SKEW = 60


def verify_logout_token(token: str, keys: Any, issuer: str, client_id: str) -> dict[str, Any]:
    """Return the claims of a logout token for this app, after the checks of section 2.6. Raises JoseError or
    ValueError.
    """
    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
    claims, now = decoded.claims, time.time()
    audience = claims.get("aud")
    checks = {
        "typ": decoded.header.get("typ", "").lower() == "logout+jwt",  # an ID token is never taken for one
        "iss": claims.get("iss") == issuer,
        "aud": client_id in (audience if isinstance(audience, list) else [audience]),
        "iat": claims.get("iat", now + 2 * SKEW) <= now + SKEW,
        "exp": claims.get("exp", 0) > now - SKEW,
        "events": EVENT in claims.get("events", {}),
        "nonce": "nonce" not in claims,
        "sub or sid": "sub" in claims or "sid" in claims,
    }
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        raise ValueError(f"the logout token's {', '.join(failed)}")
    return claims
