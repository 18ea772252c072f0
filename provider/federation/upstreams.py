"""The upstreams of an installation: their discovery documents (OIDC Discovery section 4) and keys, cached per process.

If an upstream is down, only its button is affected. An outage is never taken as an answer about the user.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from provider.config.settings import Settings
from provider.crypto.vault import Vault
from provider.federation.configuration import load_upstreams
from provider.federation.issuers import discovery_url, is_issuer, share_an_issuer
from provider.federation.managed import read
from provider.federation.presets import endpoints_of
from provider.federation.upstream_settings import UpstreamSettings
from provider.jose.json_objects import read_object
from provider.jose.key_sets import KEY_OF
from provider.jose.remote_key_sets import RemoteKeySets
from provider.languages.text import Text
from provider.observability.logging import log
from provider.outbound.answers import OutboundFailed
from provider.outbound.client import Outbound
from provider.refusals import Unavailable
from provider.runtime import greenlets
from provider.saved_settings.upstreams import HomeRealm, SavedUpstream, SavedUpstreams
from provider.urls import is_web_address
from provider.work import UnitOfWork

KEPT_FOR = timedelta(hours=1)
"""How long the discovery document and the keys are cached. A withdrawn key is valid no longer than that."""
PAUSE = timedelta(seconds=10)
"""How long another document that could not be fetched is not asked for again."""
MOST_KEYS = 100
"""The most keys of one upstream. Large ones publish a key for each of their data centres."""
NEVER = datetime.min.replace(tzinfo=UTC)
TRUE = (True, "true")
"""The boolean, and as some providers write it."""


class UpstreamUnavailable(Unavailable):
    """The upstream is down or does not answer as a provider should. `reason` is for the operator."""

    code = "upstream-away"

    def __init__(self, upstream: str, reason: str, *, until: datetime | None = None) -> None:
        self.reason, self.until = reason, until  # as of OutboundFailed
        super().__init__(Text("%(name)s isn't working properly right now. Try again in a moment.", name=upstream))


@dataclass(frozen=True)
class Metadata:
    """The parts of the discovery document that are used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: tuple[str, ...]
    """The algorithms that the upstream signs ID tokens with and we support."""
    secret_in_header: bool
    """Whether to use client_secret_basic; otherwise client_secret_post."""
    names_itself: bool
    """Whether the upstream adds `iss` to every authorization response (RFC 9207)."""
    takes_claims: bool
    """Whether the upstream accepts requests for single claims in the ID token (OIDC Core section 5.5)."""
    userinfo_endpoint: str | None = None
    revocation_endpoint: str | None = None
    end_session_endpoint: str | None = None
    """Where a sign-out here goes on to (OpenID Connect RP-Initiated Logout 1.0 section 2.1)."""


def metadata_of_preset(settings: UpstreamSettings) -> Metadata:
    """Return the metadata of an upstream without OpenID Connect, which publishes none."""
    endpoints = endpoints_of(settings.preset or "", settings.issuer)
    return Metadata(
        authorization_endpoint=endpoints.authorization,
        token_endpoint=endpoints.token,
        userinfo_endpoint=endpoints.userinfo,
        revocation_endpoint=endpoints.revocation,
        jwks_uri="",
        algorithms=(),
        secret_in_header=False,
        names_itself=False,
        takes_claims=False,
    )


@dataclass
class Upstream:
    """An upstream, with what this process has cached about it."""

    settings: UpstreamSettings
    _metadata: Metadata | None = None
    _metadata_at: datetime = NEVER
    key_sets: RemoteKeySets = field(default_factory=lambda: RemoteKeySets(fresh_for=KEPT_FOR, most_keys=MOST_KEYS))
    _lock: greenlets.Lock = field(default_factory=greenlets.Lock)
    _documents: dict[str, tuple[dict[str, Any], datetime]] = field(default_factory=dict)
    _failures: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def metadata(self, work: UnitOfWork) -> Metadata:
        """Return the upstream's metadata, fetched at most once per KEPT_FOR. Raises UpstreamUnavailable."""
        if not self.settings.is_oidc:
            return metadata_of_preset(self.settings)
        if self._metadata is None or not _is_within(KEPT_FOR, self._metadata_at, work.now):
            outbound = work.outbound
            with self._lock:
                if self._metadata is None or not _is_within(KEPT_FOR, self._metadata_at, work.now):
                    document = self._fetch(outbound, discovery_url(self.settings))
                    self._metadata = self._read_metadata(document)
                    self._metadata_at = work.now
        return self._metadata

    def document(self, work: UnitOfWork, url: str) -> dict[str, Any]:
        """Return another document of the upstream, fetched at most once per KEPT_FOR. Raises UpstreamUnavailable."""
        found = self._documents.get(url)
        if found is not None and _is_within(KEPT_FOR, found[1], work.now):
            return found[0]
        self._require_no_failure(url, work.now)
        outbound = work.outbound
        with self._lock:
            found = self._documents.get(url)
            if found is not None and _is_within(KEPT_FOR, found[1], work.now):
                return found[0]
            self._require_no_failure(url, work.now)
            try:
                document = self._fetch(outbound, url)
            except UpstreamUnavailable as failed:
                self._failures[url] = (failed.reason, work.now)
                raise
            self._documents[url] = (document, work.now)
        return document

    def _require_no_failure(self, url: str, now: datetime) -> None:
        """Raise UpstreamUnavailable if a document was asked for in vain a moment ago: anyone can make us ask."""
        reason, at = self._failures.get(url, ("", NEVER))
        if reason and _is_within(PAUSE, at, now):
            raise self.unavailable(reason)

    def _fetch(self, outbound: Outbound, url: str) -> dict[str, Any]:
        try:
            return read_object(outbound.fetch(url, accept=("application/json",)).body)
        except OutboundFailed as failed:
            raise self.unavailable(f"{url}: {failed}", until=failed.until) from None
        except ValueError as failed:
            raise self.unavailable(f"{url}: {failed}") from None

    def _read_metadata(self, document: dict[str, Any]) -> Metadata:
        issuer = self.settings.issuer
        if not is_issuer(self.settings, document.get("issuer")):  # OIDC Discovery section 4.3
            named = str(document.get("issuer"))[:200]
            raise self.unavailable(f"its discovery document says the issuer is {named!r}, not {issuer!r}")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        urls = {name: document[name] for name in names if document.get(name) is not None}
        for name in dict.fromkeys((*names[:3], *urls)):
            if not isinstance(urls.get(name), str) or not is_web_address(urls[name], like=issuer):
                raise self.unavailable(f"its {name} is no https URL")
        end_session = document.get("end_session_endpoint")
        if not isinstance(end_session, str) or not is_web_address(end_session, like=issuer):
            end_session = None  # a sign-in needs none
        revocation = document.get("revocation_endpoint")
        offered = _texts(document.get("id_token_signing_alg_values_supported", ["RS256"]))
        methods = _texts(document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]))
        return Metadata(
            **urls,
            algorithms=tuple(alg for alg in KEY_OF if alg in offered),
            secret_in_header="client_secret_basic" in methods or "client_secret_post" not in methods,
            names_itself=document.get("authorization_response_iss_parameter_supported") in TRUE,
            takes_claims=document.get("claims_parameter_supported") in TRUE,
            # One that cannot be used must not keep users from signing in.
            revocation_endpoint=revocation
            if isinstance(revocation, str) and is_web_address(revocation, like=issuer)
            else None,
            end_session_endpoint=end_session,
        )

    def forget(self) -> None:
        """Fetch everything about the upstream again the next time."""
        self._metadata = None
        self.key_sets.forget()
        self._documents.clear()
        self._failures.clear()

    def unavailable(self, reason: str, *, until: datetime | None = None) -> UpstreamUnavailable:
        log.warning("upstream.unavailable", upstream=self.settings.key, reason=reason)
        return UpstreamUnavailable(self.settings.name, reason, until=until)


class Upstreams:
    """The upstreams of this process (`app.state.upstreams`): those of the file in its order, then the saved ones.

    Where a key or an issuer is in both, the file wins.
    """

    def __init__(self, of_file: Sequence[UpstreamSettings], saved: SavedUpstreams, vault: Vault) -> None:
        self._of_file = {one.key: Upstream(one) for one in of_file}
        self._saved, self._vault = saved, vault
        saved.home_realm_of = self.home_realm_of
        saved.key_of_issuer = self.key_of_issuer
        self._built: tuple[Sequence[SavedUpstream], dict[str, Upstream]] = ((), self._of_file)

    def _all(self) -> dict[str, Upstream]:
        """Return every upstream by its key. What was cached about one stays until its settings change."""
        rows, before = self._built
        if self._saved.rows is not rows:
            rows, found = self._saved.rows, dict(self._of_file)
            for row in rows:
                settings = None if row.disabled_at or row.key in found else read(self._vault, row)
                if settings is None or any(share_an_issuer(one.settings, settings) for one in found.values()):
                    continue
                old = before.get(row.key)
                found[row.key] = old if old is not None and old.settings == settings else Upstream(settings)
            self._built = rows, found
        return self._built[1]

    def get(self, key: str) -> Upstream | None:
        """Return the upstream with this key, or None. A directory has no pages to send anybody to."""
        found = self._all().get(key)
        return None if found is None or found.settings.is_directory else found

    def home_realm_of(self, domain: str) -> HomeRealm | None:
        """Return the upstream that the users of a domain belong to, or None."""
        return next(
            (
                HomeRealm(settings.key, settings.name, settings.is_required_for_domains, settings.is_directory)
                for settings in self._settings
                if domain in settings.domains
            ),
            None,
        )

    def forget(self) -> None:
        """Fetch everything about each upstream again the next time. The test kit does so between tests."""
        for upstream in self._all().values():
            upstream.forget()

    @property
    def _settings(self) -> list[UpstreamSettings]:
        return [upstream.settings for upstream in self._all().values()]

    @property
    def shown(self) -> list[UpstreamSettings]:
        """The settings of each upstream with a button: all but directories."""
        return [settings for settings in self._settings if not settings.is_directory]

    @property
    def directories(self) -> list[UpstreamSettings]:
        """The settings of each directory."""
        return [settings for settings in self._settings if settings.is_directory]

    def of_issuer(self, issuer: str) -> UpstreamSettings | None:
        """Return the settings of the upstream with this issuer, or None if it is no longer configured."""
        return next((settings for settings in self._settings if is_issuer(settings, issuer)), None)

    def key_of_issuer(self, issuer: str) -> str | None:
        """Return the key of the upstream with this issuer, or None if it is no longer configured."""
        settings = self.of_issuer(issuer)
        return None if settings is None else settings.key

    def name_of(self, issuer: str) -> str:
        """Return the upstream's display name, or its host if it is no longer configured."""
        settings = self.of_issuer(issuer)
        return urlsplit(issuer).hostname or issuer if settings is None else settings.name


def open_upstreams(settings: Settings, saved: SavedUpstreams, vault: Vault) -> Upstreams:
    """Open the upstreams of the file and the saved ones. Raises SettingsError for the file.

    Makes no request, so an upstream that is down does not delay the start.
    """
    return Upstreams(load_upstreams(settings.upstreams), saved, vault)


def _is_within(span: timedelta, since: datetime, now: datetime) -> bool:
    return timedelta(0) <= now - since < span


def _texts(value: Any) -> list[str]:
    value = [value] if isinstance(value, str) else value
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
