"""The access that applications have to an account: consents and active token families."""

from datetime import datetime

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.api.endpoints.consents import Consents, consents_of
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.oauth.authorize.connected_apps import NotConnected, disconnect
from provider.oauth.http.server import server_of
from provider.oauth.tokens.store import active_grants, grants
from provider.oauth.tokens.store.grants import Grant
from provider.refusals import NotFound
from provider.web.call import Call


class NoSuchFamily(NotFound):
    code = "no-such-family"
    title = Text("Token family not found")
    message = Text("This user has no active token family with this ID.")


class TokenFamily(Body):
    """The tokens of one authorization: its access tokens and its refresh token."""

    id: str = Field(description="The token family's ID.")
    client_id: str = Field(description="The client that holds the tokens.")
    session_id: str = Field(description="The session (`sid`) in which the tokens were issued.")
    scope: str = Field(description="The scopes, separated by spaces.")
    offline: bool = Field(description="Whether the tokens stay valid after the session ends.")
    auth_time: datetime = Field(description="When the user last signed in.")
    created_at: datetime = Field(description="When the first token was issued.")
    expires_at: datetime = Field(description="When the token family expires.")


class TokenFamilies(Body):
    """A user's active token families."""

    token_families: list[TokenFamily] = Field(description="The token families, the newest first.")


@by_operator(needs=Permission.USERS_READ, gives=Consents, problems=(NoSuchUser,))
def consents_of_user(call: Call, _operator: Operator, _body: Body) -> Consents:
    """List a user's connected applications. These have the user's consent or active tokens, and are ordered by name."""
    return consents_of(call, user_id_of(call))


@by_operator(needs=Permission.USERS_WRITE, problems=(NoSuchUser, NotConnected))
def withdraw_consent_of_user(call: Call, _operator: Operator, _body: Body) -> None:
    """Revoke an application's access to a user. The consent is withdrawn and its tokens for the user are revoked. The
    user is asked again next time.
    """
    client_id = call.path_params["client_id"]
    disconnect(call.work, server_of(call), user_id=user_id_of(call), client_id=client_id)


@by_operator(needs=Permission.USERS_READ, gives=TokenFamilies, problems=(NoSuchUser,))
def token_families_of_user(call: Call, _operator: Operator, _body: Body) -> TokenFamilies:
    """List a user's token families. There is one for each active authorization; the newest comes first."""
    return TokenFamilies(token_families=[_describe(grant) for grant in _families(call, user_id_of(call))])


@by_operator(needs=Permission.USERS_WRITE, problems=(NoSuchUser, NoSuchFamily))
def revoke_token_family(call: Call, _operator: Operator, _body: Body) -> None:
    """Revoke a token family. Its access tokens and its refresh token stop working. The user's consent stays."""
    user_id, family_id = user_id_of(call), parse_id(call.path_params["family_id"])
    family = None if family_id is None else next(iter(_families(call, user_id, family_id)), None)
    work = call.work
    if family is None or not grants.revoke(work.db, family.id, reason="operator", now=work.now):
        raise NoSuchFamily
    record(work, Event.FAMILY_REVOKED, user_id=user_id, client_id=family.client_id, grant=family.id)


def _families(call: Call, user_id: str, family_id: str | None = None) -> list[Grant]:
    return active_grants.find_active(call.work.read, user_id, now=call.work.now, grant_id=family_id)


def _describe(grant: Grant) -> TokenFamily:
    return TokenFamily(
        id=grant.id,
        client_id=grant.client_id,
        session_id=grant.session_id,
        scope=grant.scope,
        offline=grant.offline,
        auth_time=grant.auth_time,
        created_at=grant.created_at,
        expires_at=grant.expires_at,
    )
