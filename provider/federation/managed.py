"""Rules for the upstreams that operators save: create, change, disable, enable and delete."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from provider.accounts.store import upstream_tokens
from provider.audit.events import Event
from provider.audit.log import record
from provider.changes import differences
from provider.config.settings import Settings
from provider.crypto.vault import Vault, VaultError
from provider.database import dialect
from provider.database.base import new_id
from provider.federation.configuration import InvalidUpstream, load_upstreams, parse_upstream
from provider.federation.directory_settings import host_and_port
from provider.federation.issuers import discovery_url, share_an_issuer
from provider.federation.presets import DIRECTORIES, secret_name
from provider.federation.store import signal_states
from provider.federation.upstream_settings import SECRETS, UpstreamSettings
from provider.languages.text import Text
from provider.observability.logging import log
from provider.outbound.addresses import literal, may_be_asked, may_be_reached, networks
from provider.refusals import NotFound, Refusal
from provider.saved_settings import upstreams as store
from provider.saved_settings.upstreams import SavedUpstream
from provider.work import UnitOfWork

PURPOSE = "upstream-secret"
MEMBERS = tuple(name for name in UpstreamSettings.model_fields if name not in {"key", *SECRETS})
"""The settings that are stored as they were given."""
LARGEST_POSITION = 9999
UNREACHABLE = "is at an address that this server may not connect to. Allow it with SIGNET_OUTBOUND_ALLOW"


class NoSuchUpstream(NotFound):
    code = "no-such-upstream"
    title = Text("Upstream provider not found")
    message = Text("There is no such upstream provider.")


class InvalidSettings(Refusal):
    """Settings that an upstream cannot have. `name` is the first wrong member, and the message says why."""

    code = "invalid-upstream"

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.name = problems[0][0]
        super().__init__(". ".join(f"{name}: {problem}" if name else problem for name, problem in problems))


def redirect_uri(settings: Settings, key: str) -> str:
    """Return the redirect URI for an upstream.

    Each upstream has its own, so that the response of one is never taken for another's (RFC 9700 section 4.4.2).
    """
    return f"{settings.issuer}/login/upstream/{key}/callback"


def post_logout_redirect_uri(settings: Settings, key: str) -> str:
    """Return where an upstream sends users after their sign-out there."""
    return f"{settings.issuer}/login/upstream/{key}/signed-out"


def backchannel_logout_uri(settings: Settings, key: str) -> str:
    """Return where an upstream reports the sign-out of its users."""
    return f"{settings.issuer}/login/upstream/{key}/backchannel-logout"


def signals_uri(settings: Settings, key: str) -> str:
    """Return where an upstream pushes shared signals about its users."""
    return f"{settings.issuer}/login/upstream/{key}/signals"


def uris_to_register(settings: Settings, key: str, *, preset: str | None = None) -> dict[str, Any]:
    """Return the URIs that an operator registers at an upstream, by the names of their metadata.

    A directory has none.
    """
    if preset in DIRECTORIES:
        return {}
    return {
        "redirect_uri": redirect_uri(settings, key),
        "post_logout_redirect_uri": post_logout_redirect_uri(settings, key),
        "backchannel_logout_uri": backchannel_logout_uri(settings, key),
        "signals_uri": signals_uri(settings, key),
    }


def of_file(work: UnitOfWork) -> tuple[UpstreamSettings, ...]:
    """Return the upstreams of the file. Where a key is in both, the file wins."""
    return load_upstreams(work.settings.upstreams)


def effective(row: SavedUpstream, secret: str) -> UpstreamSettings:
    """Return the settings of a saved upstream, with those of its preset. Raises InvalidUpstream."""
    return parse_upstream(row.key, {**row.settings, secret_name(row.settings.get("preset")): secret})


def open_secret(vault: Vault, row: SavedUpstream) -> str:
    """Return the secret. Raises VaultError if its key is no longer configured."""
    return vault.decrypt(row.sealed_secret, purpose=PURPOSE, context=row.id).decode()


def read(vault: Vault, row: SavedUpstream) -> UpstreamSettings | None:
    """Return the settings of a saved upstream. None, with the reason in the log, if this version or secret key cannot
    use it: then only its button is missing.
    """
    try:
        return effective(row, open_secret(vault, row))
    except (InvalidUpstream, VaultError) as invalid:
        log.error("upstream.ignored", upstream=row.key, reason=str(invalid))
        return None


def create(work: UnitOfWork, key: str, given: Mapping[str, Any], *, position: int | None = None) -> SavedUpstream:
    """Save an upstream. `given` are the members of its table in a file. Raises InvalidSettings."""
    settings, members = require_valid(work, key, given)
    dialect.queue_for(work.db, "upstreams")
    if store.find_by_key(work.db, key) is not None:
        raise InvalidSettings([("key", "exists already")])
    _require_own_issuer(work, settings)
    row_id = new_id()
    if position is None:
        position = max((row.position for row in store.find_all(work.db)), default=0) + 1
    row = SavedUpstream(
        id=row_id,
        key=key,
        position=_position(position),
        settings=members,
        sealed_secret=_seal(work, row_id, settings.secret),
        created_at=work.now,
        changed_at=work.now,
        disabled_at=None,
    )
    store.add(work.db, row)
    record(work, Event.UPSTREAM_CREATED, upstream=key, issuer=settings.issuer)
    _refresh(work)
    return row


def update(
    work: UnitOfWork, upstream_id: str, given: Mapping[str, Any], *, position: int | None = None
) -> SavedUpstream:
    """Replace the settings of an upstream. Without a secret, it keeps the one it has. Raises NoSuchUpstream or
    InvalidSettings.
    """
    store.lock(work.db, upstream_id)  # so that the event says what was there
    before = find(work, upstream_id)
    secret = secret_name(given.get("preset"))
    is_new = bool(given.get(secret))
    kept = {}
    if not is_new and secret == secret_name(before.settings.get("preset")):
        try:
            kept = {secret: open_secret(work.vault, before)}
        except VaultError:
            raise InvalidSettings([(secret, "cannot be decrypted with SIGNET_SECRET_KEY. Enter it again")]) from None
    settings, members = require_valid(work, before.key, {**given, **kept})
    dialect.queue_for(work.db, "upstreams")
    _require_own_issuer(work, settings)
    row = replace(
        before,
        settings=members,
        sealed_secret=_seal(work, before.id, settings.secret) if is_new else before.sealed_secret,
        position=before.position if position is None else _position(position),
        changed_at=work.now,
    )
    if not store.replace(work.db, row):
        raise NoSuchUpstream
    if not settings.store_tokens or before.settings.get("issuer") != members.get("issuer"):
        upstream_tokens.end_of_upstream(work.db, row.key, now=work.now)
    changed = differences(_shown(before), _shown(row))
    record(
        work,
        Event.UPSTREAM_UPDATED,
        upstream=before.key,
        changed=[*changed, *([secret] if is_new else [])],
        before=changed.before,
        after=changed.after,
    )
    _refresh(work)
    return row


def _shown(row: SavedUpstream) -> dict[str, Any]:
    """Return what the audit log shows of an upstream: no secrets."""
    return {**row.settings, "position": row.position}


def disable(work: UnitOfWork, upstream_id: str) -> None:
    """Stop offering the upstream. Linked identities stay and work again later; stored tokens end. Raises
    NoSuchUpstream.
    """
    row = find(work, upstream_id)
    if store.set_disabled(work.db, upstream_id, work.now):
        upstream_tokens.end_of_upstream(work.db, row.key, now=work.now)
        before, after = {"disabled": False}, {"disabled": True}
        record(work, Event.UPSTREAM_DISABLED, upstream=row.key, before=before, after=after)
        _refresh(work)


def enable(work: UnitOfWork, upstream_id: str) -> None:
    """Offer the upstream again. Raises NoSuchUpstream."""
    row = find(work, upstream_id)
    if store.set_disabled(work.db, upstream_id, None):
        before, after = {"disabled": True}, {"disabled": False}
        record(work, Event.UPSTREAM_ENABLED, upstream=row.key, before=before, after=after)
        _refresh(work)


def delete(work: UnitOfWork, upstream_id: str) -> None:
    """Delete the upstream. Linked identities stay, in case it is added again; stored tokens end. Raises
    NoSuchUpstream.
    """
    row = find(work, upstream_id)
    if not store.remove(work.db, upstream_id):
        raise NoSuchUpstream
    upstream_tokens.end_of_upstream(work.db, row.key, now=work.now)
    signal_states.remove(work.db, row.key)
    record(work, Event.UPSTREAM_DELETED, upstream=row.key)
    _refresh(work)


def find(work: UnitOfWork, upstream_id: str) -> SavedUpstream:
    """Return the saved upstream with this ID. Raises NoSuchUpstream."""
    row = store.find(work.read, upstream_id)
    if row is None:
        raise NoSuchUpstream
    return row


def find_by_key(work: UnitOfWork, key: str) -> SavedUpstream:
    """Return the saved upstream with this key. Raises NoSuchUpstream."""
    row = store.find_by_key(work.read, key)
    if row is None:
        raise NoSuchUpstream
    return row


def require_valid(work: UnitOfWork, key: str, given: Mapping[str, Any]) -> tuple[UpstreamSettings, dict[str, Any]]:
    """Return the settings, and the members as they are stored. Empty members count as left out. Raises
    InvalidSettings.
    """
    kept = {name: value for name, value in given.items() if value is not None and value not in ("", [], (), {})}
    try:
        settings = parse_upstream(key, kept)
    except InvalidUpstream as invalid:
        raise InvalidSettings(invalid.problems) from None
    allowed = networks(work.settings.outbound_allow)
    if settings.is_oidc and not may_be_asked(discovery_url(settings), allowed=allowed):
        raise InvalidSettings([("issuer", UNREACHABLE)])
    if settings.signals_configuration and not may_be_asked(settings.signals_configuration, allowed=allowed):
        raise InvalidSettings([("signals_configuration", UNREACHABLE)])
    hosts = [found[0] for url in settings.servers if (found := host_and_port(url)) is not None]
    addresses = [address for host in hosts if (address := literal(host)) is not None]
    if not all(may_be_reached(address, allowed=allowed, encrypted=True) for address in addresses):
        raise InvalidSettings([("servers", UNREACHABLE)])
    members = {name: value for name, value in kept.items() if name not in SECRETS}
    return settings, {name: list(value) if isinstance(value, tuple) else value for name, value in members.items()}


def _require_own_issuer(work: UnitOfWork, settings: UpstreamSettings) -> None:
    """Raise InvalidSettings if another upstream has the issuer, as a user's identity must not depend on the button,
    or one of the domains.
    """
    others = {row.key: read(work.vault, row) for row in store.find_all(work.db)}
    others |= {one.key: one for one in of_file(work)}
    for key, other in others.items():
        if key == settings.key or other is None:
            continue
        if share_an_issuer(other, settings):
            raise InvalidSettings([("issuer", f"is that of {key} already")])
        if taken := set(other.domains) & set(settings.domains):
            raise InvalidSettings([("domains", f"{min(taken)} belongs to {key} already")])


def _position(position: int) -> int:
    if not 0 <= position <= LARGEST_POSITION:
        raise InvalidSettings([("position", f"must be 0 to {LARGEST_POSITION}")])
    return position


def _seal(work: UnitOfWork, row_id: str, secret: str) -> str:
    return work.vault.encrypt(secret.encode(), purpose=PURPOSE, context=row_id)


def _refresh(work: UnitOfWork) -> None:
    """Use the change in this process immediately. The others follow within seconds."""
    installation = work.installation
    work.after_commit.append(lambda: installation.upstreams.refresh(installation.database))
