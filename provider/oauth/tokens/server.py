"""The protocol state of a process: the signing keys, its copies of clients and their keys, the subjects, the
declared types of authorization details, and the claim mappings.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from provider.accounts.upstream_tokens.fetching import Fetch, fetch_nothing
from provider.oauth.authorization_details.declared import DeclaredTypes
from provider.oauth.clients.client_cache import Clients
from provider.oauth.clients.client_keys import ClientKeys
from provider.oauth.clients.metadata_documents import MetadataDocuments
from provider.oauth.keys.key_ring import KeyRing, Keys
from provider.oauth.tokens.mapped_claims import ClaimMappings
from provider.oauth.tokens.subjects import Subjects
from provider.oauth.trusted_issuers.issuer_keys import IssuerKeys
from provider.work import Installation


@dataclass(frozen=True)
class AuthorizationServer:
    """The protocol state, one per process; `app.state.oauth`."""

    installation: Installation
    keys: Keys
    clients: Clients = field(default_factory=Clients)
    client_keys: ClientKeys = field(default_factory=ClientKeys)
    client_documents: MetadataDocuments = field(default_factory=MetadataDocuments)
    issuer_keys: IssuerKeys = field(default_factory=IssuerKeys)
    subjects: Subjects = field(default_factory=Subjects)
    details_types: DeclaredTypes = field(default_factory=DeclaredTypes)
    claim_mappings: ClaimMappings = field(default_factory=ClaimMappings)
    fetch_upstream_token: Fetch = fetch_nothing

    @property
    def issuer(self) -> str:
        return self.installation.settings.issuer

    def forget(self) -> None:
        """Use no copy any more of what clients and trusted issuers publish, nor of clients and mappings. The test kit
        does so between tests.
        """
        for copies in (self.clients, self.client_keys, self.client_documents, self.issuer_keys, self.claim_mappings):
            copies.forget()


@lru_cache(maxsize=1)
def server_of_worker(installation: Installation) -> AuthorizationServer:
    """Return the server, opened once for the life of a worker: opening the signing keys takes a while."""
    return open_server(installation)


def open_server(
    installation: Installation, *, known: KeyRing | None = None, fetch_upstream_token: Fetch = fetch_nothing
) -> AuthorizationServer:
    """Return the state of a new process. `known` are the keys that its parent read: it can publish them immediately."""
    return AuthorizationServer(installation, Keys(installation, known), fetch_upstream_token=fetch_upstream_token)
