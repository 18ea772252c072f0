"""The userinfo response as a JWT, for clients registered for one (OIDC Core section 5.3.2)."""

from typing import Any

from provider.oauth.server import AuthorizationServer
from provider.work import UnitOfWork

TYP = "JWT"


def make_userinfo_jwt(
    work: UnitOfWork, server: AuthorizationServer, *, client_id: str, claims: dict[str, Any]
) -> str | None:
    """Signed, with `iss` and `aud`. None when the client is to get plain JSON."""
    client = server.clients.find(work, client_id)
    alg = None if client is None else client.metadata.userinfo_signed_response_alg
    if alg is None:
        return None
    return server.keys.signer(work, alg).sign({**claims, "iss": server.issuer, "aud": client_id}, typ=TYP)
