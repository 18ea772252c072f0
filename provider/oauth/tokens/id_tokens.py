"""The ID token: contents and signing (OIDC Core section 2)."""

from typing import Any

from provider.jose.algorithms import half_hash
from provider.oauth.claim_mapping.declarations import Place
from provider.oauth.clients.clients import Client
from provider.oauth.keys.key_ring import Keys, SignatureRefused
from provider.oauth.scopes import GROUPS, ROLES
from provider.oauth.tokens.attribute_claims import attributes_of
from provider.oauth.tokens.claims import bounded, names_for, released
from provider.oauth.tokens.encrypted_responses import encrypt_to
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.store.people import Person
from provider.sessions.assurance import acr_of
from provider.work import UnitOfWork

TYP = "JWT"


def make_id_token(
    work: UnitOfWork,
    server: AuthorizationServer,
    *,
    client: Client,
    grant: Grant,
    scope: tuple[str, ...],
    person: Person,
    nonce: str | None,
    access_token: str | None = None,
    code: str | None = None,
) -> str:
    """Return an ID token, signed, and encrypted for a client registered for that (`encrypt_to` lists the errors).

    `access_token` and `code` are issued beside it.
    """
    signer = server.keys.signer(work, client.metadata.id_token_signed_response_alg)
    alone = access_token is None and code is None
    claims = id_token_claims(work, server, client=client, grant=grant, scope=scope, person=person, alone=alone)
    if access_token is not None:
        claims["at_hash"] = half_hash(access_token, signer.alg)
    if code is not None:
        claims["c_hash"] = half_hash(code, signer.alg)
    if nonce is not None:
        claims["nonce"] = nonce
    token = signer.sign(claims, typ=TYP)
    alg, enc = client.metadata.id_token_encrypted_response_alg, client.metadata.id_token_encrypted_response_enc
    if alg is None or enc is None:
        return token
    return encrypt_to(work, server, client, token, alg=alg, enc=enc, nested=True)


def id_token_claims(
    work: UnitOfWork,
    server: AuthorizationServer,
    *,
    client: Client,
    grant: Grant,
    scope: tuple[str, ...],
    person: Person,
    alone: bool = False,
) -> dict[str, Any]:
    """Return the claims of an ID token, without those that depend on what is issued beside it. `auth_time` and `acr`
    are those of the sign-in the grant came from, also on refresh (OIDC Core section 12.2).

    Profile, email, address and phone claims normally come from userinfo. They are included if they were requested by
    name or the client is registered with `claims_in_id_token`. They are included too if it is issued alone: no access
    token will ever be issued for userinfo (section 5.4).
    """
    subject = server.subjects.of_grant(work, client, grant)
    has_all = client.metadata.claims_in_id_token or alone
    names = names_for(scope) if has_all else []
    names += [token for token in (ROLES, GROUPS) if token in scope]
    claims = released(
        person, names, grant.claims, "id_token", client_id=client.client_id, scopes=client.metadata.scopes
    )
    if has_all:
        claims = attributes_of(person, scope, granted_at=grant.created_at) | claims
    if ROLES in claims or GROUPS in claims:
        claims = bounded(claims)
    claims = server.claim_mappings.add_to(
        work, claims, Place.ID_TOKEN, person=person, client_id=client.client_id, scope=scope
    )
    issued = int(work.now.timestamp())
    return claims | {
        "iss": work.settings.issuer,
        "sub": subject.sub,
        "aud": client.client_id,
        "iat": issued,
        "exp": issued + int(work.settings.id_token_lifetime.total_seconds()),
        "auth_time": int(grant.auth_time.timestamp()),
        "acr": grant.acr or acr_of(grant.amr),
        "amr": grant.amr.split(),
        "sid": subject.sid,
    }


def read_hint(work: UnitOfWork, keys: Keys, hint: str, *, is_use: bool = True) -> tuple[dict[str, Any], str]:
    """Return (claims, "") of an ID token of ours, expired or not, or ({}, the problem).

    The caller checks the user it was issued for; `sub` and `sid` are those its client knows (`Subjects`). Without
    `is_use`, the token does not count as a use of its key.
    """
    try:
        claims = keys.verify(work, hint, typ=TYP.lower(), even_past=True, is_use=is_use)
    except SignatureRefused as refused:
        return {}, str(refused)
    if claims.get("iss") != work.settings.issuer:
        return {}, "it has another issuer"
    # A signed userinfo response has the same type, and no time at which anybody signed in (RFC 8725 section 3.12).
    return (claims, "") if claims.keys() >= {"sub", "aud", "auth_time", "exp"} else ({}, "it is not an ID token")
