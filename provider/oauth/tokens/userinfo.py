"""The userinfo response: its claims, and the JWT for clients registered for one (OIDC Core section 5.3.2)."""

import json
from typing import Any

from provider.oauth.claim_mapping.declarations import Place
from provider.oauth.clients.clients import Client
from provider.oauth.tokens.access_tokens import ActiveToken
from provider.oauth.tokens.attribute_claims import attributes_of
from provider.oauth.tokens.claims import names_for, released
from provider.oauth.tokens.encrypted_responses import encrypt_to
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.store.people import Person
from provider.work import UnitOfWork

TYP = "JWT"


def userinfo_claims(
    work: UnitOfWork, server: AuthorizationServer, client: Client, token: ActiveToken, *, grant: Grant, person: Person
) -> dict[str, Any]:
    """Return the claims that the scope of an access token and the claims parameter release (OIDC Core section 5.3)."""
    client_id, scope = client.client_id, token.scope
    claims = released(
        person, names_for(scope), grant.claims, "userinfo", client_id=client_id, scopes=client.metadata.scopes
    )
    claims = attributes_of(person, scope, granted_at=grant.created_at) | claims
    claims = server.claim_mappings.add_to(work, claims, Place.USERINFO, person=person, client_id=client_id, scope=scope)
    # The token's own subject is the one the client knows, and the one of the ID token that came with it.
    return {**claims, "sub": token.claims["sub"]}


def make_userinfo_jwt(
    work: UnitOfWork, server: AuthorizationServer, client: Client, claims: dict[str, Any]
) -> str | None:
    """Return the userinfo response as a JWT with `iss` and `aud`, or None for a client that gets plain JSON.

    It is signed, encrypted, or both, as the client is registered. Raises the errors of `encrypt_to`.
    """
    metadata = client.metadata
    signing = metadata.userinfo_signed_response_alg
    alg, enc = metadata.userinfo_encrypted_response_alg, metadata.userinfo_encrypted_response_enc
    jwt = None
    if signing is not None:
        signed_claims = {**claims, "iss": server.issuer, "aud": client.client_id}
        jwt = server.keys.signer(work, signing).sign(signed_claims, typ=TYP)
    if alg is None or enc is None:
        return jwt
    payload = json.dumps(claims, separators=(",", ":")) if jwt is None else jwt
    return encrypt_to(work, server, client, payload, alg=alg, enc=enc, nested=jwt is not None)
