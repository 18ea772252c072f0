"""What is special about Apple: the client secret is a JWT, and the name comes once, beside the code."""

from datetime import datetime, timedelta
from typing import Any

from provider.accounts.profile import full_name_of
from provider.federation.upstream_settings import UpstreamSettings
from provider.jose.json_objects import read_object

LIFETIME = timedelta(minutes=5)
"""The lifetime of a client secret. Each is used immediately; Apple allows six months."""
NAMES = {"firstName": "given_name", "lastName": "family_name"}


def client_secret(settings: UpstreamSettings, now: datetime) -> str:
    """Return a client secret: a JWT signed with the key that the operator downloaded from Apple (ES256)."""
    from joserfc import jwt  # noqa: PLC0415  # slow to load
    from joserfc.jwk import ECKey  # noqa: PLC0415

    issued_at = int(now.timestamp())
    claims = {
        "iss": settings.team_id,
        "iat": issued_at,
        "exp": issued_at + int(LIFETIME.total_seconds()),
        "aud": settings.issuer,
        "sub": settings.client_id,
    }
    key = ECKey.import_key(settings.secret)
    return jwt.encode({"alg": "ES256", "kid": settings.key_id}, claims, key, algorithms=["ES256"])


def names_of_form(user: str | None) -> dict[str, Any]:
    """Return the claims with the name in the parameter `user`, which Apple sends at the first sign-in only.

    It is not signed, so nothing else of it counts: the address is in the ID token.
    """
    try:
        name = read_object(user or "{}").get("name")
    except ValueError:
        return {}
    if not isinstance(name, dict):
        return {}
    given = {claim: name[member].strip() for member, claim in NAMES.items() if isinstance(name.get(member), str)}
    claims = {claim: text for claim, text in given.items() if text}
    full = full_name_of(claims)
    return claims if full is None else {"name": full, **claims}
