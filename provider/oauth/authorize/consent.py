"""Consent: what a user granted to a client, and how to grant, withdraw and describe it.

`granted` says what is remembered. Whether that is enough for a request, or the user is asked, is decided in
`oauth.authorize.interaction` (`_consent_needed`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from provider.accounts.store import user_attributes
from provider.audit.events import Event
from provider.audit.log import record
from provider.oauth.authorization_details.parsing import NO_DETAILS, Detail, RequestedDetails
from provider.oauth.authorize.permissions import Permission, permissions_of
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store import consents
from provider.oauth.authorize.store.consents import Consent
from provider.oauth.clients.clients import Client
from provider.oauth.clients.scope_descriptions import find_descriptions
from provider.oauth.clients.store import api_resources
from provider.oauth.scopes import SCOPES
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import grants
from provider.work import UnitOfWork

MOST_REMEMBERED = 50
"""How many authorization details are remembered for a user and a client."""


def granted(work: UnitOfWork, *, user_id: str, client: Client) -> Consent | None:
    """Return what the user granted this client before, or None.

    A public client cannot prove its identity, so nothing is remembered for it (RFC 6749 section 10.2). Nor is what was
    granted before a metadata document changed (Client ID Metadata Document section 6.3).
    """
    if client.metadata.is_public:
        return None
    return _still_valid(work, client, consents.find(work.read, user_id, client.client_id))


def _still_valid(work: UnitOfWork, client: Client, found: Consent | None) -> Consent | None:
    """Return what a consent allows now: nothing from before a metadata document changed, and no scopes that release
    attributes since, because users were not asked for them.
    """
    was_changed = found is not None and client.updated_at is not None and found.granted_at < client.updated_at
    if client.has_document and was_changed:
        return None
    others = [] if found is None else [scope for scope in found.scopes if scope not in SCOPES]
    if found is None or not others:
        return found
    released = user_attributes.find_of_scopes(work.read, others)
    late = {one.scope for one in released if one.released_since and one.released_since > found.granted_at}
    return replace(found, scopes=[scope for scope in found.scopes if scope not in late]) if late else found


def grant(
    work: UnitOfWork,
    *,
    user_id: str,
    client: Client,
    scopes: tuple[str, ...],
    claims: frozenset[str],
    resources: tuple[str, ...] = (),
    details: RequestedDetails = NO_DETAILS,
) -> None:
    """Add scopes, claims, APIs (`resources`) and authorization details to what the user granted the client before."""
    before = _still_valid(work, client, consents.find(work.db, user_id, client.client_id))
    all_scopes = sorted({*scopes, *(before.scopes if before else ())})
    all_claims = sorted({*claims, *(before.claims if before else ())})
    all_resources = sorted({*resources, *((before.resources or ()) if before else ())})
    all_details = _with_details((before.authorization_details or []) if before else [], details)
    consents.put(
        work.db, Consent(user_id, client.client_id, all_scopes, all_claims, work.now, all_resources, all_details)
    )
    if details.types:
        types = list(details.types)
        record(
            work,
            Event.CONSENT_GRANTED,
            user_id=user_id,
            client_id=client.client_id,
            scopes=list(scopes),
            authorization_details_types=types,
        )
    else:
        record(work, Event.CONSENT_GRANTED, user_id=user_id, client_id=client.client_id, scopes=list(scopes))


def _with_details(before: list[Detail], details: RequestedDetails) -> list[Detail] | None:
    """Return the details to remember: the latest ones, without those that users are asked for each time."""
    new = [one for one in details.values if not details.types[one["type"]].ask_each_time]
    return [*(one for one in before if one not in new), *new][-MOST_REMEMBERED:] or None


def withdraw(work: UnitOfWork, *, user_id: str, client_id: str) -> None:
    """Delete the consent and revoke every token family of this user and client."""
    consents.remove(work.db, user_id, client_id)
    families = grants.revoke_all(
        work.db, user_id=user_id, client_id=client_id, reason="consent withdrawn", now=work.now
    )
    record(work, Event.CONSENT_WITHDRAWN, user_id=user_id, client_id=client_id, families=families)


def deny(work: UnitOfWork, *, user_id: str, client_id: str) -> None:
    """Record that the user declined. Earlier consent stays in effect."""
    record(work, Event.CONSENT_DENIED, user_id=user_id, client_id=client_id)


def permissions_asked_for(work: UnitOfWork, request: AuthorizationRequest) -> list[Permission]:
    """List what the request asks for, as the consent page shows it."""
    described = find_descriptions(work, request.scope, request.resources)
    return permissions_of(request.scope, request.claims.names, described=described, resources=request.resources)


@dataclass(frozen=True)
class Api:
    """An API that tokens will be for, by the name that an operator gave it."""

    name: str
    identifier: str


def find_apis(work: UnitOfWork, server: AuthorizationServer, resources: Sequence[str]) -> list[Api]:
    """Return the APIs with these identifiers (RFC 8707 section 2), without our own: its scopes say it."""
    owners = api_resources.find_owners(work.read, resources) if resources else {}
    found = {identifier: server.clients.find(work, client_id) for identifier, client_id in owners.items()}
    return [Api(api.name, identifier) for identifier in resources if (api := found.get(identifier)) is not None]
