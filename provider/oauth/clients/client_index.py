"""What is stored beside the metadata of clients, so that it is found without reading every client."""

from provider.config.sign_up import readable
from provider.jose.algorithms import ON_REQUEST
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.redirect_uris import host_of
from provider.oauth.clients.resources import is_ours, spellings
from provider.oauth.clients.store import api_resources, api_scopes, client_origins, search_texts
from provider.oauth.keys import requested_algorithms
from provider.work import UnitOfWork


def replace(work: UnitOfWork, client_id: str, metadata: ClientMetadata, *, before: ClientMetadata | None) -> None:
    """Store the origins, resource identifiers, described scopes, algorithms and search text of a client. `before` is
    the metadata that it had.
    """
    client_origins.replace(work.db, client_id, metadata.origins)
    api_resources.replace(work.db, client_id, metadata.resource_identifiers)
    described = metadata.scope_descriptions or {}
    if described or (before is not None and before.scope_descriptions):
        api_scopes.replace(work.db, client_id, described)
    search_texts.replace(work.db, client_id, search_text(client_id, metadata))
    requested_algorithms.add(work.db, metadata.signing_algorithms & ON_REQUEST, now=work.now)


def search_text(client_id: str, metadata: ClientMetadata) -> str:
    """Return what operators find a client by, also the international form of hosts."""
    hosts = set(map(host_of, metadata.redirect_uris))
    return search_texts.text_of(client_id, metadata.client_name or "", hosts | set(map(readable, hosts)))


def require_free(work: UnitOfWork, metadata: ClientMetadata, *, client_id: str | None) -> None:
    """Raise InvalidMetadata if another API has one of these identifiers: each could use the other's tokens.

    `client_id` is that of the client if it is registered already.
    """
    identifiers = metadata.resource_identifiers
    looked_up = [one for uri in identifiers for one in spellings(uri)]
    owners = api_resources.find_owners(work.read, looked_up) if identifiers else {}
    taken = [uri for uri, owner in owners.items() if owner != client_id]
    taken += [uri for uri in identifiers if is_ours(work.settings.issuer, uri)]
    if taken:
        raise InvalidMetadata(f"resource_identifiers: {taken[0]!r} is already registered for another API.")
