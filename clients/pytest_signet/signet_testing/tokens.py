"""Access tokens for tests: real ones with a session and a grant behind them, changed afterwards if a test wants that.

Introspection, userinfo, revocation and suspension work on them as on any other.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from provider.accounts.store import users
from provider.crypto.digests import digest
from provider.database.base import new_id
from provider.oauth.clients.clients import Client, client_of
from provider.oauth.clients.resources import whole_audience
from provider.oauth.clients.store import clients as stored_clients
from provider.oauth.scopes import parse_scope
from provider.oauth.tokens.access_tokens import TYP, Authorization, access_token_claims
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import grants, people
from provider.oauth.tokens.store.grants import Grant
from provider.sessions import lifecycle
from provider.sessions.active import find_active
from provider.sessions.idle import idle_since
from provider.work import Installation, UnitOfWork, unit_of_work
from signet_testing.changes import Change, sign_with

METHODS = {"aal1": "pwd", "aal2": "pwd otp mfa", "phr": "pwd hwk mfa"}
"""How the user signed in, by the `acr` that a test asks for."""


class Tokens:
    """Issues access tokens of one installation."""

    def __init__(self, installation: Installation, server: AuthorizationServer) -> None:
        self._installation = installation
        self._server = server

    def for_user(
        self,
        user_id: str,
        client_id: str,
        *,
        scope: str = "openid",
        audience: str | list[str] | None = None,
        acr: str = "aal1",
        auth_time: timedelta = timedelta(0),
        claims: Mapping[str, Any] | None = None,
        **wrong: Any,
    ) -> str:
        """Return an access token. `auth_time` is how long ago the user signed in.

        An `acr` that Signet does not have is written as it is. Raises LookupError for an unknown user.
        """
        with unit_of_work(self._installation) as work:
            client = self._client(work, client_id)
            user = users.find(work.read, user_id)
            if user is None:
                raise LookupError(f"there is no user {user_id}")
            named = parse_scope(scope)
            cookie = lifecycle.open_session(
                work,
                user_id=user_id,
                security_stamp=user.security_stamp,
                factor=METHODS.get(acr, "pwd"),
                auth_time=work.now - auth_time,
            )
            session = find_active(work.db, digest(cookie), now=work.now, idle_since=idle_since(work))
            assert session is not None  # noqa: S101  # it was just opened
            grant = Grant(
                id=new_id(),
                user_id=user_id,
                client_id=client_id,
                session_id=session.id,
                scope=" ".join(named),
                claims={},
                offline=True,
                auth_time=session.auth_time,
                amr=session.amr,
                created_at=work.now,
                expires_at=work.now + work.settings.refresh_absolute_lifetime,
                revoked_at=None,
                revoke_reason=None,
                security_stamp=session.security_stamp,
                acr=acr if acr not in {"aal1", "aal2"} else None,
            )
            grants.add(work.db, grant)
            authorization = Authorization(
                client=client,
                scope=tuple(named),
                grant=grant,
                person=people.find(work.db, user_id),
                audience=_audience(work, audience, named),
            )
            return self._signed(work, authorization, claims, wrong)

    def for_client(
        self,
        client_id: str,
        *,
        scope: str,
        audience: str | list[str] | None = None,
        claims: Mapping[str, Any] | None = None,
        **wrong: Any,
    ) -> str:
        """Return an access token of a client for itself."""
        with unit_of_work(self._installation) as work:
            named = tuple(parse_scope(scope))
            authorization = Authorization(
                client=self._client(work, client_id), scope=named, audience=_audience(work, audience, named)
            )
            return self._signed(work, authorization, claims, wrong)

    def sign(self, kid: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Sign a header and claims with the key of a `kid`."""
        ring = self._server.keys.ring()
        signer = next(one for one in ring.signers.values() if one.kid == kid)
        return sign_with(signer.key, header, claims)

    def _signed(
        self,
        work: UnitOfWork,
        authorization: Authorization,
        claims: Mapping[str, Any] | None,
        wrong: Mapping[str, Any],
    ) -> str:
        """Return the token, signed once: what is wrong with it is wrong before."""
        signer = self._server.keys.signer(work, authorization.client.metadata.usual_alg)
        said = access_token_claims(work, self._server, authorization)
        change = Change(claims=claims or {}, **wrong)
        if not change.changes_something:
            return signer.sign(said, typ=TYP)
        header = {"alg": signer.alg, "typ": TYP, "kid": signer.kid}
        return change.signed(header, said, lambda _kid, header, said: sign_with(signer.key, header, said))

    def _client(self, work: UnitOfWork, client_id: str) -> Client:
        """Return the client without its secrets, which no token needs. Raises LookupError."""
        row = stored_clients.find(work.read, client_id)
        if row is None:
            raise LookupError(f"there is no client {client_id}")
        return client_of(row)


def _audience(work: UnitOfWork, asked: str | list[str] | None, scope: Any) -> tuple[str, ...]:
    if asked is None:
        return whole_audience(work, granted=(), scope=scope)
    return (asked,) if isinstance(asked, str) else tuple(asked)
