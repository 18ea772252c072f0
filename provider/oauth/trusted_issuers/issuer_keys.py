"""The public keys of trusted issuers: registered, at their `jwks_uri`, or found by discovery (OIDC Discovery
section 4).

Published keys are cached as those of clients (`jose.remote_key_sets`): fetched again after some minutes, or if a JWT
names a key that is not there, but not more than once a minute.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from provider.jose.json_objects import read_object
from provider.jose.key_sets import PublicKey, parse_usable
from provider.jose.remote_key_sets import Copy, KeySetUnavailable, RemoteKeySets
from provider.oauth.trusted_issuers.store import TrustedIssuer
from provider.observability.logging import log
from provider.outbound.answers import OutboundFailed
from provider.outbound.client import Outbound
from provider.work import UnitOfWork

DISCOVERED_FOR = timedelta(hours=1)
"""How long a discovery document is used without asking again."""
KEPT_FOR = timedelta(days=1)
"""How long the last discovery document is used while it cannot be fetched. The keys are fetched more often."""
MOST_KEYS = 100
MOST = 1000
LARGEST = 64 * 1024
"""The largest discovery document, in bytes."""


@dataclass
class IssuerKeys:
    """This process's copies of the public keys of trusted issuers."""

    _published: RemoteKeySets = field(default_factory=lambda: RemoteKeySets(most_keys=MOST_KEYS))
    _registered: dict[str, tuple[dict[str, Any], tuple[PublicKey, ...]]] = field(default_factory=dict)
    _discovered: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _asking: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def find(self, work: UnitOfWork, issuer: TrustedIssuer, *, newer: bool = False) -> tuple[PublicKey, ...]:
        """Return the issuer's keys; may ask its server (`RemoteKeySets.find`). Raises KeySetUnavailable."""
        if issuer.jwks is not None:
            return self._parse(issuer.issuer, issuer.jwks)
        try:
            url = issuer.jwks_uri or self._discover(work, issuer.issuer)
            return self._published.find(work, url, newer=newer)
        except KeySetUnavailable as unavailable:
            log.warning("trusted_issuer.unavailable", issuer=issuer.issuer, reason=unavailable.reason)
            raise

    def copy_of(self, issuer: TrustedIssuer) -> Copy | None:
        """Return this process's copy of a published key set, or None if it was not fetched yet."""
        url = issuer.jwks_uri or self._discovered.get(issuer.issuer, (None, ""))[1]
        return self._published.copy_of(url)

    def forget(self) -> None:
        """Fetch each discovery document and each published key set again the next time."""
        self._discovered.clear()
        self._published.forget()

    def _discover(self, work: UnitOfWork, issuer: str) -> str:
        """Return the jwks_uri in the discovery document. Raises KeySetUnavailable."""
        at, known = self._discovered.get(issuer, (work.now, ""))
        if known and abs(work.now - at) < DISCOVERED_FOR:
            return known
        outbound = work.outbound  # before the lock: in an ordinary thread nobody waits for it
        with self._asking[issuer]:
            seen = self._discovered.get(issuer, (work.now, ""))
            if seen[1] and seen != (at, known):
                return seen[1]  # another thread has just done it
            try:
                found = _fetch(outbound, issuer)
            except (OutboundFailed, ValueError) as failed:
                if known and abs(work.now - at) < KEPT_FOR:
                    return known
                raise KeySetUnavailable(f"the discovery document cannot be used: {failed}") from None
            if len(self._discovered) >= MOST:
                self._discovered.clear()
            self._discovered[issuer] = (work.now, found)
            return found

    def _parse(self, issuer: str, jwks: dict[str, Any]) -> tuple[PublicKey, ...]:
        known, keys = self._registered.get(issuer, (None, ()))
        if known != jwks:
            keys = parse_usable(jwks, most=MOST_KEYS)
            if len(self._registered) >= MOST:
                self._registered.clear()
            self._registered[issuer] = (jwks, keys)
        return keys


def _fetch(outbound: Outbound, issuer: str) -> str:
    """Return the jwks_uri of an issuer. Raises OutboundFailed, ValueError."""
    url = issuer.removesuffix("/") + "/.well-known/openid-configuration"
    document = read_object(outbound.fetch(url, accept=("application/json",), most=LARGEST).body)
    if document.get("issuer") != issuer:  # OIDC Discovery section 4.3
        raise ValueError(f"it says the issuer is {str(document.get('issuer'))[:200]!r}")
    found = document.get("jwks_uri")
    if not isinstance(found, str):
        raise ValueError("it has no jwks_uri")  # noqa: TRY004  # of what was sent, not of our types
    return found
