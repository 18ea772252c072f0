"""The public keys of clients: registered with them (`jwks`), or published by them (`jwks_uri`)."""

from dataclasses import dataclass, field
from typing import Any

from provider.jose.key_sets import PublicKey, parse_usable
from provider.jose.remote_key_sets import Copy, RemoteKeySets
from provider.oauth.clients.clients import Client
from provider.work import UnitOfWork

MOST = 10_000


@dataclass
class ClientKeys:
    """This process's copies of the public keys of clients."""

    _published: RemoteKeySets = field(default_factory=RemoteKeySets)
    _registered: dict[str, tuple[dict[str, Any], tuple[PublicKey, ...]]] = field(default_factory=dict)

    def find(self, work: UnitOfWork, client: Client, *, newer: bool = False) -> tuple[PublicKey, ...]:
        """Return the client's keys, which may be none; may ask its server (`RemoteKeySets.find`). Raises
        KeySetUnavailable.
        """
        metadata = client.metadata
        if metadata.jwks is not None:
            return self._parse(client.client_id, metadata.jwks)
        return () if metadata.jwks_uri is None else self._published.find(work, metadata.jwks_uri, newer=newer)

    def copy_of(self, jwks_uri: str) -> Copy | None:
        """Return this process's copy of a published key set, or None if it was not fetched yet."""
        return self._published.copy_of(jwks_uri)

    def forget(self) -> None:
        """Fetch each published key set again the next time."""
        self._published.forget()

    def _parse(self, client_id: str, jwks: dict[str, Any]) -> tuple[PublicKey, ...]:
        known, keys = self._registered.get(client_id, (None, ()))
        if known != jwks:
            keys = parse_usable(jwks)
            if len(self._registered) >= MOST:
                self._registered.clear()
            self._registered[client_id] = (jwks, keys)
        return keys
