"""A preview of what an application would get for a user: the claims of each token and response, from the functions
that issue them.

Nothing is signed and no token is issued. The audit log records that the user's data was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from provider.accounts.users import NoSuchUser
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.oauth.scopes import OPENID, format_scope
from provider.oauth.tokens.access_tokens import ActiveToken, Authorization, access_token_claims
from provider.oauth.tokens.id_tokens import id_token_claims
from provider.oauth.tokens.introspected_claims import introspected_claims
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import people
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.userinfo import userinfo_claims
from provider.refusals import Refusal
from provider.work import UnitOfWork

OF_EACH_TOKEN = frozenset({"jti", "sid", "grant_id"})
"""The claims that are different in each token or session. A preview leaves them out."""
AMR = "pwd"


class InvalidPreview(Refusal):
    """Scopes that the application can't have."""

    code = "invalid-claims-preview"
    title = Text("Scope not registered")

    def __init__(self, scope: str) -> None:
        self.member = "scope"
        super().__init__(Text("This application isn't registered for the scope %(scope)s.", scope=scope[:100]))


@dataclass(frozen=True)
class Preview:
    """The claims that an application would get for a user now, by where they are."""

    scope: Sequence[str]
    id_token: Mapping[str, Any] | None
    """None without the scope openid."""
    access_token: Mapping[str, Any]
    userinfo: Mapping[str, Any] | None
    introspection: Mapping[str, Any]


def preview(
    work: UnitOfWork, server: AuthorizationServer, client: Client, *, user_id: str, scope: Sequence[str]
) -> Preview:
    """Return what the application would get if the user signed in with a password now. Without `scope`, it is that for
    every scope the application is registered for. Raises NoSuchUser or InvalidPreview.
    """
    granted = tuple(dict.fromkeys(scope)) or tuple(client.metadata.scope.split())
    for token in granted:
        if token not in client.metadata.scopes:
            raise InvalidPreview(token)
    person = people.find(work.read, user_id)
    if person is None:
        raise NoSuchUser
    grant = Grant(
        id=new_id(),
        user_id=user_id,
        client_id=client.client_id,
        session_id=new_id(),
        scope=format_scope(granted),
        claims={},
        offline=False,
        auth_time=work.now,
        amr=AMR,
        created_at=work.now,
        expires_at=work.now + timedelta(hours=1),
        revoked_at=None,
        revoke_reason=None,
    )
    audience = (server.issuer,)
    authorization = Authorization(client=client, scope=granted, grant=grant, person=person, audience=audience)
    access_token = access_token_claims(work, server, authorization)
    has_openid = OPENID in granted
    id_token = userinfo = None
    if has_openid:
        id_token = id_token_claims(work, server, client=client, grant=grant, scope=granted, person=person)
        active = ActiveToken(claims=access_token, grant=grant, person=person)
        userinfo = userinfo_claims(work, server, client, active, grant=grant, person=person)
    introspection = introspected_claims(work, server, access_token, person)
    record(work, Event.CLAIMS_PREVIEWED, user_id=user_id, client_id=client.client_id, scopes=list(granted))
    return Preview(
        scope=granted,
        id_token=None if id_token is None else _shown(id_token),
        access_token=_shown(access_token),
        userinfo=None if userinfo is None else _shown(userinfo),
        introspection=_shown(introspection),
    )


def _shown(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in OF_EACH_TOKEN}
