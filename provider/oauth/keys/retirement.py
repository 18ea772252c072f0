"""The end of a retired key: its private part is erased with its last token, and it leaves the key set once unused.

`expires_at` says until when nodes publish it. It is moved while valid tokens of the key are seen, so that without a
worker the key leaves in time.
"""

from provider.audit.events import Event
from provider.audit.hourly import KeyUse
from provider.audit.log import record
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys import waiting
from provider.oauth.keys.key_pairs import row_of
from provider.oauth.keys.refusals import StillUsed, TokensStillValid, UnknownKey
from provider.oauth.keys.store import SigningKeyRow
from provider.oauth.keys.uses import waited_for
from provider.work import UnitOfWork

MOST_NAMED = 10
"""How many clients or networks an audit event names at most."""


def follow(work: UnitOfWork, row: SigningKeyRow, uses: list[KeyUse]) -> None:
    """Erase the private part of a retired key with its last token, and remove the key once it is not used any more."""
    removal = waiting.removal_of(row, uses, work.settings)
    if removal is None or row.expires_at is None:
        return
    if row.private is not None and removal.due_at <= work.now:
        _erase(work, row)
    is_of_earlier_release = row.tokens_expire_at is None and row.private is None  # which erased it as it left
    if row.removed_at is not None or is_of_earlier_release:
        return
    if row.expires_at <= work.now:  # nodes do not publish it any more, so it is too late to wait
        _note_removed(work, row)
        return
    if removal.at != row.expires_at:
        signing_keys.move_removal(work.db, row, to=removal.at)
    if removal.due_at <= work.now < removal.at:
        used_by = note_delay(work, row, uses)
        if used_by is not None:
            until = removal.limit.isoformat()
            record(work, Event.KEY_REMOVAL_DELAYED, kid=row.kid, alg=row.alg, used_by=used_by, at_the_latest=until)


def remove(work: UnitOfWork, *, kid: str, even_if_used: bool = False) -> None:
    """Remove a retired key from the key set, whose last token has expired, without waiting any longer.

    Raises UnknownKey, TokensStillValid, and StillUsed unless `even_if_used`.
    """
    status = next((one for one in waiting.find_statuses(work) if one.row.kid == row_of(kid)), None)
    if status is None or status.removal is None:
        raise UnknownKey
    row, removal = status.row, status.removal
    if work.now < removal.due_at:
        raise TokensStillValid(row.kid, removal.due_at)
    if status.is_delayed and not even_if_used:
        raise StillUsed(f"The key {row.kid} is still used", status.waits_for, "To remove it now, use --even-if-used.")
    if not signing_keys.move_removal(work.db, row, to=work.now) or not _note_removed(work, row):
        raise UnknownKey
    if row.private is not None:
        _erase(work, row)


def note_delay(work: UnitOfWork, row: SigningKeyRow, uses: list[KeyUse]) -> list[str] | None:
    """Note that the next step of a key waits. Returns for whom, and None if it was noted before."""
    if row.delayed_at is not None or not signing_keys.note_delay(work.db, row.kid, now=work.now):
        return None
    seen = waiting.still_seen(waited_for(row, uses), work.settings, work.now)
    return list(dict.fromkeys(use.source for use in seen))[:MOST_NAMED]


def _note_removed(work: UnitOfWork, row: SigningKeyRow) -> bool:
    """Record that a retired key left the key set. Returns False if it was recorded before."""
    if not signing_keys.note_removed(work.db, row.kid, now=work.now):
        return False
    record(work, Event.KEY_REMOVED, kid=row.kid, alg=row.alg, was_delayed=row.delayed_at is not None)
    return True


def _erase(work: UnitOfWork, row: SigningKeyRow) -> None:
    """Erase the private part of a key, which is no longer needed."""
    if signing_keys.erase_private(work.db, row.kid):
        record(work, Event.KEY_ERASED, kid=row.kid, alg=row.alg)
