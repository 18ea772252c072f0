"""Authorization responses as JWTs: JWT Secured Authorization Response Mode for OAuth 2.0 (JARM)."""

from collections.abc import Mapping
from datetime import timedelta

from provider.oauth.clients.clients import Client
from provider.oauth.tokens.encrypted_responses import encrypt_to
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import UnitOfWork

TYP = "JWT"
LIFETIME = timedelta(minutes=10)
"""The longest that JARM section 2.1 recommends."""


def make_response_jwt(
    work: UnitOfWork, server: AuthorizationServer, client: Client, parameters: Mapping[str, str]
) -> str:
    """Return the parameters of a response as a signed JWT with `iss`, `aud` and `exp` (JARM section 2.1).

    It is also encrypted if the client is registered for that (section 2.2). Raises the errors of `encrypt_to`.
    """
    metadata = client.metadata
    claims = {
        **parameters,
        "iss": server.issuer,
        "aud": client.client_id,
        "exp": int((work.now + LIFETIME).timestamp()),
    }
    signing = metadata.authorization_signed_response_alg or metadata.usual_alg
    jwt = server.keys.signer(work, signing).sign(claims, typ=TYP)
    alg, enc = metadata.authorization_encrypted_response_alg, metadata.authorization_encrypted_response_enc
    if alg is None or enc is None:
        return jwt
    return encrypt_to(work, server, client, jwt, alg=alg, enc=enc, nested=True)
