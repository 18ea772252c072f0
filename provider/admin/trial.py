"""Trial sign-ins from the console: what an application would get for the operator, decoded and revoked.

Tokens are never shown as they are, so they cannot be used elsewhere. They are revoked before they are shown.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.oauth.authorize.store import authorization_codes, consents
from provider.oauth.authorize.trials import Trial, redirect_uri_of
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.grants import authorization_code
from provider.oauth.grants.request import TokenRequest
from provider.oauth.scopes import OPENID
from provider.oauth.tokens.access_tokens import read_access_token
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import grants
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.userinfo import userinfo_claims
from provider.refusals import Forbidden
from provider.work import UnitOfWork

REASON = "trial"
"""Why the tokens of a trial are revoked (`grants.revoke_reason`)."""


@dataclass(frozen=True)
class DecodedToken:
    """The header and the claims of a JWT. The claims of an encrypted one are None: only the application can read
    them.
    """

    header: dict[str, Any]
    claims: dict[str, Any] | None


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial."""

    grant: Grant
    response: dict[str, Any]
    """The token response without the tokens."""
    access_token: DecodedToken
    id_token: DecodedToken | None
    has_refresh_token: bool
    userinfo: dict[str, Any] | None
    """The claims, or None without the scope openid."""


def finish(work: UnitOfWork, server: AuthorizationServer, trial: Trial, client: Client, code: str) -> Outcome:
    """Redeem the code as the application would, read userinfo, and revoke everything.

    Raises Forbidden if the code belongs to another user, and the OAuth2Error of the token endpoint.
    """
    found = authorization_codes.find(work.read, digest(code))
    if found is not None and found.grant.user_id != trial.user_id:
        raise Forbidden
    form = {
        "grant_type": authorization_code.GRANT_TYPE,
        "code": code,
        "redirect_uri": redirect_uri_of(work.settings),
        "code_verifier": trial.verifier,
    }
    checks = Checks("token", client_id=client.client_id)
    response = authorization_code.redeem(TokenRequest(work, server, client, form, checks))
    token = read_access_token(work, server, response["access_token"], with_person=True)
    grant, person = token.grant, token.person
    assert grant is not None  # noqa: S101  # a code has a grant
    userinfo = None
    if OPENID in token.scope and person is not None:
        userinfo = userinfo_claims(work, server, client, token, grant=grant, person=person)
    grants.revoke(work.db, grant.id, reason=REASON, now=work.now)
    if not trial.had_consent:
        consents.remove(work.db, trial.user_id, client.client_id)
    record(work, Event.CLIENT_TRIED, user_id=trial.user_id, client_id=client.client_id, scopes=list(token.scope))
    id_token = response.pop("id_token", None)
    return Outcome(
        grant=grant,
        access_token=decode(response.pop("access_token")),
        id_token=None if id_token is None else decode(id_token),
        has_refresh_token=response.pop("refresh_token", None) is not None,
        response=response,
        userinfo=userinfo,
    )


def decode(token: str) -> DecodedToken:
    """Return the parts of a JWT that was issued here. Its signature is not checked."""
    parts = token.split(".")
    return DecodedToken(_object(parts[0]), _object(parts[1]) if len(parts) == 3 else None)


def _object(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
