"""The upstreams of an installation: their discovery documents (OIDC Discovery section 4) and keys, cached per process.

An upstream that is away is an outage of its own button: never a verdict, and nothing to any other way in.
"""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from provider.config.settings import Settings
from provider.federation.configuration import UpstreamSettings, is_web_address, load_upstreams
from provider.jose.json_objects import read_object
from provider.jose.key_sets import KEY_OF
from provider.jose.remote_key_sets import RemoteKeySets
from provider.languages.text import Text
from provider.observability.logging import log
from provider.outbound.client import Outbound
from provider.outbound.connection import OutboundFailed
from provider.refusals import Unavailable
from provider.work import UnitOfWork

KEPT_FOR = timedelta(hours=1)
"""Discovery document and keys; a key that the upstream withdrew counts no longer than that."""
MOST_KEYS = 100
"""Of one upstream; large ones publish a key for each of their data centres."""
NEVER = datetime.min.replace(tzinfo=UTC)


class UpstreamAway(Unavailable):
    """It does not answer, or not as a provider does. `reason` is for the operator."""

    code = "upstream-away"

    def __init__(self, upstream: str, reason: str) -> None:
        self.reason = reason
        super().__init__(Text("%(name)s does not answer as it should right now. Try again in a moment.", name=upstream))


@dataclass(frozen=True)
class Metadata:
    """What of the discovery document is used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: tuple[str, ...]
    """Those of ours that it signs ID tokens with."""
    secret_in_header: bool
    """client_secret_basic, else client_secret_post."""
    names_itself: bool
    """It adds `iss` to every authorization response (RFC 9207)."""
    takes_claims: bool
    """It can be asked for single claims in the ID token (OIDC Core section 5.5)."""


@dataclass
class Upstream:
    """One of them, and what this process knows of it."""

    settings: UpstreamSettings
    _metadata: Metadata | None = None
    _metadata_at: datetime = NEVER
    key_sets: RemoteKeySets = field(default_factory=lambda: RemoteKeySets(fresh_for=KEPT_FOR, most_keys=MOST_KEYS))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def metadata(self, work: UnitOfWork) -> Metadata:
        """Raises UpstreamAway."""
        if self._metadata is None or not _is_within(KEPT_FOR, self._metadata_at, work.now):
            outbound = work.outbound
            with self._lock:
                if self._metadata is None or not _is_within(KEPT_FOR, self._metadata_at, work.now):
                    url = self.settings.issuer.removesuffix("/") + "/.well-known/openid-configuration"
                    self._metadata = self._read_metadata(self._fetch(outbound, url))
                    self._metadata_at = work.now
        return self._metadata

    def _fetch(self, outbound: Outbound, url: str) -> dict[str, Any]:
        try:
            return read_object(outbound.fetch(url, accept=("application/json",)).body)
        except (OutboundFailed, ValueError) as failed:
            raise self.away(f"{url}: {failed}") from None

    def _read_metadata(self, document: dict[str, Any]) -> Metadata:
        issuer = self.settings.issuer
        if document.get("issuer") != issuer:  # OIDC Discovery section 4.3
            raise self.away("its discovery document is of another issuer")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        for name in names:
            if not isinstance(document.get(name), str) or not is_web_address(document[name], like=issuer):
                raise self.away(f"its {name} is no https URL")
        offered = _texts(document.get("id_token_signing_alg_values_supported", ["RS256"]))
        methods = _texts(document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]))
        return Metadata(
            **{name: document[name] for name in names},
            algorithms=tuple(alg for alg in KEY_OF if alg in offered),
            secret_in_header="client_secret_basic" in methods or "client_secret_post" not in methods,
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
            takes_claims=document.get("claims_parameter_supported") is True,
        )

    def away(self, reason: str) -> UpstreamAway:
        log.warning("upstream.away", upstream=self.settings.key, reason=reason)
        return UpstreamAway(self.settings.name, reason)


class Upstreams(dict[str, Upstream]):
    """By the key of their table, in the order of the file (`app.state.upstreams`)."""

    @property
    def shown(self) -> list[UpstreamSettings]:
        """For buttons."""
        return [upstream.settings for upstream in self.values()]

    def name_of(self, issuer: str) -> str:
        """What people know it by; its host, when it is not configured any more."""
        names = (settings.name for settings in self.shown if settings.issuer == issuer)
        return next(names, urlsplit(issuer).hostname or issuer)


def open_upstreams(settings: Settings) -> Upstreams:
    """Raises SettingsError. Asks nobody: an upstream that is away holds up no start."""
    return Upstreams({one.key: Upstream(one) for one in load_upstreams(settings.upstreams)})


def _is_within(span: timedelta, since: datetime, now: datetime) -> bool:
    return timedelta(0) <= now - since < span


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
