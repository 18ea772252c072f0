"""Contents and signing of the ID token (OIDC Core section 2)."""

from typing import Any

from provider.oauth.algorithms import half_hash
from provider.oauth.claims import claims_of, names_for
from provider.oauth.clients import Client
from provider.oauth.keys import Keys, SignatureRefused
from provider.oauth.scopes import ROLES
from provider.oauth.server import AuthorizationServer
from provider.oauth.store.grants import Grant, Person
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
    access_token: str,
    nonce: str | None,
) -> str:
    """`auth_time` and `acr` are those of the sign-in the grant came from, also on refresh (OIDC Core section 12.2).

    Profile, email, address and phone claims come from userinfo, unless they were asked for by name or the client is
    registered with `claims_in_id_token`.
    """
    subject = server.subjects.of_grant(work, client, grant)
    signer = server.keys.signer(work, client.metadata.id_token_signed_response_alg)
    names = names_for(scope, ()) if client.metadata.claims_in_id_token else []
    if ROLES in scope:
        names.append(ROLES)
    allowed = [*names, *grant.claims.get("id_token", ())]
    claims: dict[str, Any] = claims_of(person, dict.fromkeys(allowed), client_id=client.client_id)
    issued = int(work.now.timestamp())
    claims |= {
        "iss": work.settings.issuer,
        "sub": subject.sub,
        "aud": client.client_id,
        "iat": issued,
        "exp": issued + int(work.settings.id_token_lifetime.total_seconds()),
        "auth_time": int(grant.auth_time.timestamp()),
        "acr": acr_of(grant.amr),
        "amr": grant.amr.split(),
        "sid": subject.sid,
        "at_hash": half_hash(access_token, signer.alg),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return signer.sign(claims, typ=TYP)


def read_hint(work: UnitOfWork, keys: Keys, hint: str) -> tuple[dict[str, Any], str]:
    """(claims, "") of an ID token of ours, expired or not, or ({}, what is wrong with it). Whose it is, the caller
    checks; `sub` and `sid` are what its client knows (`Subjects`).
    """
    try:
        claims = keys.verify(work, hint, typ=TYP.lower(), even_past=True)
    except SignatureRefused as refused:
        return {}, str(refused)
    if claims.get("iss") != work.settings.issuer:
        return {}, "another issuer"
    # A signed userinfo response has the same type, and no time at which anybody signed in (RFC 8725 section 3.12).
    return (claims, "") if claims.keys() >= {"sub", "aud", "auth_time", "exp"} else ({}, "not an ID token")
