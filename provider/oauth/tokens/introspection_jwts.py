"""The introspection response as a JWT, for a resource server that needs proof of the response later (RFC 9701)."""

import re
from typing import Any

from provider.oauth.clients.clients import Client
from provider.oauth.tokens.encrypted_responses import encrypt_to
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import UnitOfWork

TYP = "token-introspection+jwt"
MEDIA_TYPE = f"application/{TYP}"


def is_wanted(accept: str) -> bool:
    """Return whether the `Accept` header names the JWT media type (RFC 9701 section 4), other than to refuse it with
    `q=0` (RFC 9110 section 12.4.2).
    """
    for part in accept.lower().replace(" ", "").split(","):
        media_type, *parameters = part.split(";")
        if media_type == MEDIA_TYPE and not any(re.fullmatch(r"q=0(\.0*)?", one) for one in parameters):
            return True
    return False


def make_introspection_jwt(
    work: UnitOfWork, server: AuthorizationServer, client: Client, answer: dict[str, Any]
) -> str:
    """Return the response as a JWT, signed for this client, and encrypted if it is registered for that (RFC 9701
    section 5).

    `sub` and `exp` are only inside `token_introspection`, so that it is never taken for an ID token or an access token.
    Raises the errors of `encrypt_to`.
    """
    metadata = client.metadata
    claims = {
        "iss": server.issuer,
        "aud": client.client_id,
        "iat": int(work.now.timestamp()),
        "token_introspection": answer,
    }
    jwt = server.keys.signer(work, metadata.introspection_signed_response_alg or metadata.usual_alg).sign(
        claims, typ=TYP
    )
    alg, enc = metadata.introspection_encrypted_response_alg, metadata.introspection_encrypted_response_enc
    if alg is None or enc is None:
        return jwt
    return encrypt_to(work, server, client, jwt, alg=alg, enc=enc, nested=True)
