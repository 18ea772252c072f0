"""The applications with access to an account: those with a consent or an active token family."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provider.languages.text import Text
from provider.oauth.authorization_details.parsing import Detail
from provider.oauth.authorization_details.wording import DescribedDetail, describe_stored
from provider.oauth.authorize import consent
from provider.oauth.authorize.consent import Api, find_apis
from provider.oauth.authorize.permissions import Permission, permissions_of
from provider.oauth.authorize.store import consents
from provider.oauth.authorize.store.consents import Consent
from provider.oauth.clients.clients import Client
from provider.oauth.clients.scope_descriptions import UNDESCRIBED, ScopeDescriptions, find_descriptions
from provider.oauth.scopes import CLAIM_IN_WORDS
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import active_grants
from provider.oauth.tokens.store.active_grants import Held
from provider.oauth.tokens.store.grants import Grant
from provider.refusals import NotFound
from provider.work import UnitOfWork


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
    logo_uri: str | None = None
    """The logo of a reviewed app. Others chose it themselves, so it isn't shown."""


@dataclass(frozen=True)
class Access:
    """The access of one app to an account: what it may do, with which APIs, and its active sign-ins."""

    app: ConnectedApp
    permissions: list[Permission]
    apis: list[Api]
    details: list[DescribedDetail]
    grants: list[Grant]


def find_connected(work: UnitOfWork, server: AuthorizationServer, user_id: str) -> list[ConnectedApp]:
    """Return the applications that have access to the account, sorted by name."""
    granted = {one.client_id: one for one in consents.find_of_user(work.read, user_id)}
    held = active_grants.find_held(work.read, user_id, now=work.now)
    accesses: list[Consent | Held] = [*granted.values(), *held.values()]
    scopes_of_all = [scope for one in accesses for scope in one.scopes]
    described = find_descriptions(work, scopes_of_all, [uri for one in accesses for uri in one.resources or ()])
    found = []
    for client_id in granted.keys() | held.keys():
        client: Client | None = server.clients.find(work, client_id)
        if client is None:
            continue
        one, use = granted.get(client_id), held.get(client_id)
        scopes = list(dict.fromkeys([*(one.scopes if one else ()), *(use.scopes if use else ())]))
        resources = list(dict.fromkeys(uri for each in (one, use) if each for uri in each.resources or ()))
        allowed = [*((one.authorization_details or ()) if one else ()), *(use.details if use else ())]
        found.append(
            ConnectedApp(
                client_id=client_id,
                name=client.name,
                host=client.host,
                may=list(dict.fromkeys(text for scope in scopes for text in described.of(scope, resources))),
                described=described,
                resources=resources,
                details=[each for place, each in enumerate(allowed) if each not in allowed[:place]],
                scopes=scopes,
                granted_at=one.granted_at if one else None,
                families=use.families if use else 0,
                last_used=use.last_used if use else None,
                logo_uri=client.metadata.logo_uri if client.is_vouched_for else None,
            )
        )
    return sorted(found, key=lambda app: (app.name.casefold(), app.client_id))


def find_access(work: UnitOfWork, server: AuthorizationServer, *, user_id: str, client_id: str) -> Access:
    """Return the access of this app to the account. Raises NotConnected."""
    app = next((one for one in find_connected(work, server, user_id) if one.client_id == client_id), None)
    if app is None:
        raise NotConnected
    one = consents.find(work.read, user_id, client_id)
    active = [
        grant for grant in active_grants.find_active(work.read, user_id, now=work.now) if grant.client_id == client_id
    ]
    asked = [name for grant in active for place in ("id_token", "userinfo") for name in grant.claims.get(place, ())]
    claims = {*asked, *(one.claims if one else ())} & CLAIM_IN_WORDS.keys()
    return Access(
        app=app,
        permissions=permissions_of(app.scopes, claims, described=app.described, resources=app.resources),
        apis=find_apis(work, server, app.resources),
        details=describe_stored(work, app.details),
        grants=active,
    )


@dataclass(frozen=True)
class AppUser:
    """A user to whose account an application has access."""

    user_id: str
    scopes: list[str]
    granted_at: datetime | None
    """When the user consented. None if there is no stored consent."""
    families: int
    last_used: datetime | None


def find_users(work: UnitOfWork, client_id: str, *, after: str | None, limit: int) -> tuple[list[AppUser], str | None]:
    """Return a page of the users to whose accounts the application has access, in the order of their ids, and the id
    after which the next page begins.
    """
    consented = consents.find_users(work.read, client_id, after=after, limit=limit + 1)
    with_tokens = active_grants.find_users(work.read, client_id, after=after, limit=limit + 1, now=work.now)
    found = sorted({*consented, *with_tokens})
    shown, further = found[:limit], found[limit - 1] if len(found) > limit else None
    granted = consents.find_of_client(work.read, client_id, shown)
    held = active_grants.find_holders(work.read, client_id, shown, now=work.now)
    return [_app_user(user_id, granted.get(user_id), held.get(user_id)) for user_id in shown], further


def _app_user(user_id: str, one: Consent | None, use: Held | None) -> AppUser:
    return AppUser(
        user_id=user_id,
        scopes=list(dict.fromkeys([*(one.scopes if one else ()), *(use.scopes if use else ())])),
        granted_at=one.granted_at if one else None,
        families=use.families if use else 0,
        last_used=use.last_used if use else None,
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
        }
        for app in find_connected(work, server, user_id)
    ]


def is_connected(work: UnitOfWork, *, user_id: str, client_id: str) -> bool:
    """Return whether the application has the user's consent or an active token family."""
    if consents.find(work.read, user_id, client_id) is not None:
        return True
    return bool(active_grants.find_holders(work.read, client_id, [user_id], now=work.now))


def disconnect(work: UnitOfWork, server: AuthorizationServer, *, user_id: str, client_id: str) -> None:
    """Withdraw the consent and revoke every token family. Raises NotConnected."""
    if all(app.client_id != client_id for app in find_connected(work, server, user_id)):
        raise NotConnected
    consent.withdraw(work, user_id=user_id, client_id=client_id)
