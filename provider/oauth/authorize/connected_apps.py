"""The applications with access to an account: those with a consent, an active token family, or a delegation.

Agents are among them: clients that act for the user by token exchange or with assertions, and those with a metadata
document, such as MCP clients.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.oauth.authorization_details.parsing import Detail
from provider.oauth.authorization_details.wording import DescribedDetail, describe_stored
from provider.oauth.authorize import consent
from provider.oauth.authorize.consent import Api, find_apis
from provider.oauth.authorize.permissions import Permission, permissions_of
from provider.oauth.authorize.store import consents, given_access
from provider.oauth.authorize.store.consents import Consent
from provider.oauth.clients.clients import Client
from provider.oauth.clients.scope_descriptions import UNDESCRIBED, ScopeDescriptions, find_descriptions
from provider.oauth.scopes import CLAIM_IN_WORDS
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import active_grants, delegations, grants
from provider.oauth.tokens.store.active_grants import Held, Use
from provider.oauth.tokens.store.delegations import Delegation
from provider.refusals import NotFound
from provider.work import UnitOfWork

MOST_USES = 100
"""How many sessions the page of an app shows."""


class NotConnected(NotFound):
    code = "not-connected"
    title = Text("App not found")
    message = Text("This app has no access to your account.")


@dataclass(frozen=True)
class ConnectedApp:
    client_id: str
    name: str
    host: str
    may: list[Text]
    """What the app was allowed to do, one phrase per permission."""
    scopes: list[str]
    granted_at: datetime | None
    """When the user consented. None if there is no stored consent: a first-party app, or one that asks each time."""
    families: int
    last_used: datetime | None
    described: ScopeDescriptions = UNDESCRIBED
    resources: Sequence[str] = ()
    """The APIs that its tokens may be for."""
    details: Sequence[Detail] = ()
    """The authorization details that the user allowed (RFC 9396)."""
    claims: frozenset[str] = frozenset()
    """The claims that the user allowed one by one."""
    logo_uri: str | None = None
    """The logo of a reviewed app. Others chose it themselves, so it isn't shown."""
    is_agent: bool = False
    """Whether it acts for the user without them: by a delegation, or as a client with a metadata document."""
    apis: tuple[Api, ...] = ()
    """The APIs that it uses for the user, of an agent."""
    until: datetime | None = None
    """When its current access ends, of an agent. None if it has none now."""
    delegation: Delegation | None = None


@dataclass(frozen=True)
class Access:
    """The access of one app to an account: what it may do, with which APIs, and where."""

    app: ConnectedApp
    permissions: list[Permission]
    apis: list[Api]
    details: list[DescribedDetail]
    uses: list[Use]
    """Where the user signed in to it and still is: the latest MOST_USES."""


@dataclass(frozen=True)
class _Given:
    """The consent, the active grants and the delegation that give one client access to an account."""

    consent: Consent | None
    held: Held | None
    delegation: Delegation | None

    @property
    def _all(self) -> list[Consent | Held | Delegation]:
        return [one for one in (self.consent, self.held, self.delegation) if one is not None]

    @property
    def scopes(self) -> list[str]:
        return list(dict.fromkeys(scope for one in self._all for scope in one.scopes))

    @property
    def resources(self) -> list[str]:
        return list(dict.fromkeys(uri for one in self._all for uri in one.resources or ()))

    @property
    def details(self) -> list[Detail]:
        consented = (self.consent.authorization_details or ()) if self.consent else ()
        every = [*consented, *(self.held.details if self.held else ())]
        return [each for place, each in enumerate(every) if each not in every[:place]]

    @property
    def claims(self) -> frozenset[str]:
        consented = self.consent.claims if self.consent else ()
        return frozenset([*consented, *(self.held.claims if self.held else ())])

    @property
    def last_used(self) -> datetime | None:
        held = [self.held.last_used] if self.held else []
        acted = [self.delegation.last_used_at] if self.delegation else []
        return max([*held, *acted], default=None)


def _find_given(work: UnitOfWork, user_id: str) -> dict[str, _Given]:
    """Return what gives each client access to the account, by client_id."""
    given, delegated = given_access.find_of_user(work.read, user_id)
    consented = {one.client_id: one for one in given}
    held = active_grants.find_held(work.read, user_id, now=work.now)
    acting = {one.client_id: one for one in delegated if one.ended_at is None}
    clients = consented.keys() | held.keys() | acting.keys()
    return {each: _Given(consented.get(each), held.get(each), acting.get(each)) for each in clients}


def find_connected(work: UnitOfWork, server: AuthorizationServer, user_id: str) -> list[ConnectedApp]:
    """Return the applications that have access to the account, sorted by name."""
    accesses = _find_given(work, user_id)
    described = find_descriptions(
        work,
        [scope for given in accesses.values() for scope in given.scopes],
        [uri for given in accesses.values() for uri in given.resources],
    )
    found = []
    for client_id, given in accesses.items():
        client: Client | None = server.clients.find(work, client_id)
        if client is not None:
            found.append(_with_agent(work, server, client, given, _connected_app(client, given, described)))
    return sorted(found, key=lambda app: (app.name.casefold(), app.client_id))


def _connected_app(client: Client, given: _Given, described: ScopeDescriptions) -> ConnectedApp:
    scopes, resources = given.scopes, given.resources
    return ConnectedApp(
        client_id=client.client_id,
        name=client.name,
        host=client.host,
        may=list(dict.fromkeys(text for scope in scopes for text in described.of(scope, resources))),
        described=described,
        resources=resources,
        details=given.details,
        claims=given.claims,
        scopes=scopes,
        granted_at=given.consent.granted_at if given.consent else None,
        families=given.held.families if given.held else 0,
        last_used=given.last_used,
        logo_uri=client.metadata.logo_uri if client.is_vouched_for else None,
        delegation=given.delegation,
    )


def _with_agent(
    work: UnitOfWork, server: AuthorizationServer, client: Client, given: _Given, app: ConnectedApp
) -> ConnectedApp:
    """Return the app with what a user wants to know about an agent."""
    use, delegation = given.held, given.delegation
    if delegation is None and not client.has_document:
        return app
    ends = [at for at in (use and use.expires_at, delegation and delegation.expires_at) if at and at > work.now]
    apis = tuple(find_apis(work, server, app.resources))
    return replace(app, is_agent=True, apis=apis, until=max(ends, default=None))


def revoke_grants_of_sessions(work: UnitOfWork, session_ids: Sequence[str], reason: str) -> None:
    """Revoke the tokens that apps got in these sessions, also with offline_access (`Services.revoke_grants`)."""
    grants.revoke_of_sessions(work.db, session_ids, reason=reason, now=work.now)


def find_stopped(work: UnitOfWork, server: AuthorizationServer, user_id: str) -> list[tuple[str, str, str]]:
    """Return the client_id, name and host of each client that the user stopped, the latest first."""
    stopped = [one for one in delegations.find_of_user(work.read, user_id) if one.ended_at is not None]
    return [(one.client_id, *name_and_host(server, work, one.client_id)) for one in stopped]


def find_access(work: UnitOfWork, server: AuthorizationServer, *, user_id: str, client_id: str) -> Access:
    """Return the access of this app to the account. Raises NotConnected."""
    app = next((one for one in find_connected(work, server, user_id) if one.client_id == client_id), None)
    if app is None:
        raise NotConnected
    claims = app.claims & CLAIM_IN_WORDS.keys()
    return Access(
        app=app,
        permissions=permissions_of(app.scopes, claims, described=app.described, resources=app.resources),
        apis=find_apis(work, server, app.resources),
        details=describe_stored(work, app.details),
        uses=active_grants.find_uses(work.read, user_id=user_id, client_id=client_id, now=work.now, limit=MOST_USES),
    )


def name_and_host(server: AuthorizationServer, work: UnitOfWork, client_id: str) -> tuple[str, str]:
    """Return the name and host of an app as users know it. Of a deleted app only the client_id is known."""
    client = server.clients.find(work, client_id)
    return (client_id, "") if client is None else (client.name, client.host)


def export(server: AuthorizationServer, work: UnitOfWork, user_id: str) -> list[dict[str, Any]]:
    """Return the connected applications for the user's data export."""
    return [
        {
            "client_id": app.client_id,
            "name": app.name,
            "scopes": app.scopes,
            "authorization_details": list(app.details),
            "granted_at": app.granted_at,
            "signed_in": app.families > 0,
            "last_used": app.last_used,
            "acts_for_you": app.is_agent,
        }
        for app in find_connected(work, server, user_id)
    ]


def is_connected(work: UnitOfWork, *, user_id: str, client_id: str) -> bool:
    """Return whether the application has the user's consent or an active token family."""
    if consents.find(work.read, user_id, client_id) is not None:
        return True
    delegation = delegations.find(work.read, user_id, client_id)
    if delegation is not None and delegation.ended_at is None:
        return True
    return bool(active_grants.find_holders(work.read, client_id, [user_id], now=work.now))


def disconnect(work: UnitOfWork, server: AuthorizationServer, *, user_id: str, client_id: str) -> None:
    """End the app's access to the account. Raises NotConnected."""
    if all(app.client_id != client_id for app in find_connected(work, server, user_id)):
        raise NotConnected
    _end(work, user_id=user_id, client_id=client_id)


def disconnect_agents(work: UnitOfWork, server: AuthorizationServer, *, user_id: str) -> int:
    """End the access of every agent, as `disconnect` does. Returns how many."""
    agents = [app for app in find_connected(work, server, user_id) if app.is_agent]
    for app in agents:
        _end(work, user_id=user_id, client_id=app.client_id)
    return len(agents)


def _end(work: UnitOfWork, *, user_id: str, client_id: str) -> None:
    """Withdraw the consent, revoke the token families, and stop the client from acting for the user."""
    if delegations.end(work.db, user_id, client_id, now=work.now):
        record(work, Event.DELEGATION_ENDED, user_id=user_id, client_id=client_id)
    consent.withdraw(work, user_id=user_id, client_id=client_id)


def resume(work: UnitOfWork, *, user_id: str, client_id: str) -> None:
    """Allow a client again that the user stopped. Its earlier tokens stay ended. Raises NotConnected."""
    if not delegations.resume(work.db, user_id, client_id, now=work.now):
        raise NotConnected
    record(work, Event.DELEGATION_RESUMED, user_id=user_id, client_id=client_id)
