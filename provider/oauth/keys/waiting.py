"""How long the rotation waits for those who still use a key. The worker and operators follow this one rule.

A step that is due waits until nothing that it would break was seen for SIGNET_KEY_IDLE, at most SIGNET_KEY_MAX_WAIT.
The two steps are that the next key signs (copies of the key set may lack it) and that a retired key is removed (valid
tokens may need it), which never happens before its last token has expired.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from provider.audit.hourly import KeyUse
from provider.config.settings import Settings
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.store import SigningKeyRow, State
from provider.oauth.keys.uses import find_uses, waited_for
from provider.work import UnitOfWork


def delayed_until(due_at: datetime, uses: Sequence[KeyUse], settings: Settings) -> datetime:
    """Return when a step happens that is due at this time, if what it waits for is not seen again. Pure."""
    if not settings.key_idle or not uses:
        return due_at
    last_used_at = max(use.last_used_at for use in uses)
    return min(max(due_at, last_used_at + settings.key_idle), due_at + settings.key_max_wait)


def still_seen(uses: Sequence[KeyUse], settings: Settings, now: datetime) -> list[KeyUse]:
    """Return the uses within SIGNET_KEY_IDLE. Pure."""
    return [use for use in uses if now - use.last_used_at < settings.key_idle]


@dataclass(frozen=True)
class Removal:
    """The removal of a retired key from the key set."""

    due_at: datetime
    """When the last token of the key has expired. It is never removed before."""
    at: datetime
    """When it is removed, if it is not used again."""
    limit: datetime
    """When it is removed at the latest."""


def removal_of(row: SigningKeyRow, uses: Sequence[KeyUse], settings: Settings) -> Removal | None:
    """Return the removal of a retired key that has these uses, or None for keys with another status. Pure."""
    due_at = row.tokens_expire_at or row.expires_at
    if row.state != State.RETIRED or due_at is None:
        return None
    at = delayed_until(due_at, waited_for(row, uses), settings)
    return Removal(due_at, at, due_at + settings.key_max_wait if settings.key_idle else due_at)


@dataclass(frozen=True)
class KeyStatus:
    """A signing key, who used it in the last day, and its removal."""

    row: SigningKeyRow
    uses: list[KeyUse]
    waits_for: list[KeyUse]
    """The uses that its next step waits for now, or would wait for if it were due."""
    removal: Removal | None
    """The removal, if it is a retired key that is still published."""
    rotation_limit: datetime | None
    """When an upcoming key that others should know first signs at the latest; None if nothing waits for them."""
    now: datetime

    @property
    def waits_until(self) -> datetime | None:
        """When the next step is taken at the latest, if it was due and waits."""
        if self.removal is not None:
            return self.removal.limit if self.is_delayed else None
        return self.rotation_limit

    @property
    def is_delayed(self) -> bool:
        """Whether the removal was due and waits."""
        return self.removal is not None and self.removal.due_at <= self.now < self.removal.at

    @property
    def can_be_removed(self) -> bool:
        """Whether an operator can remove it now: it is published, and its last token has expired."""
        return self.removal is not None and self.removal.due_at <= self.now


def find_statuses(work: UnitOfWork) -> list[KeyStatus]:
    """Return the keys in the order of their creation."""
    found = find_uses(work)
    statuses = []
    for row in signing_keys.find_all(work.read):
        uses = found.get(row.kid, [])
        is_published = row.removed_at is None and row.expires_at is not None and row.expires_at > work.now
        removal = removal_of(row, uses, work.settings) if is_published else None
        waits_for = still_seen(waited_for(row, uses), work.settings, work.now)
        is_waiting = row.state == State.UPCOMING and row.delayed_at is not None
        limit = row.delayed_at + work.settings.key_max_wait if is_waiting and row.delayed_at else None
        statuses.append(KeyStatus(row, uses, waits_for, removal, limit, work.now))
    return statuses


def name_sources(uses: Sequence[KeyUse], *, most: int = 5) -> str:
    """Return by whom these uses were, in any language: `shop, 192.0.2.0/24 curl, …`."""
    sources = list(dict.fromkeys(use.source for use in uses))
    return ", ".join([*sources[:most], "…"] if len(sources) > most else sources)


def describe(uses: list[KeyUse], *, most: int = 5) -> str:
    """Return who uses a key, for an operator: `shop (12 times, last 2026-11-30 17:02 UTC), …`."""
    said = [
        f"{use.source} ({use.count} time{'s' * (use.count != 1)}, last {use.last_used_at:%Y-%m-%d %H:%M} UTC)"
        for use in uses[:most]
    ]
    return ", ".join([*said, f"and {len(uses) - most} more"] if len(uses) > most else said)
