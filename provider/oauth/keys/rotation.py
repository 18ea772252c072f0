"""The life of signing keys: generated, published, current, retired, erased (OIDC Core section 10.1.1).

An upcoming key is always published. So relying apps know it long before it signs, and an emergency rotation has a key
they know. The process that promotes the upcoming key has done the rotation: one conditional UPDATE decides, however
many workers try.

The two steps that may break something, the next key signing and a retired key leaving the key set, wait for those who
still depend on the key (`waiting`). A revocation never waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from provider.audit.events import Event
from provider.audit.hourly import KeyUse
from provider.audit.log import record
from provider.config.settings import Settings
from provider.jose.algorithms import KEY_PAIRS, RS256, SIGNING_ALGORITHMS, find_pair
from provider.oauth.keys import retirement, waiting
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.key_pairs import generate, row_of
from provider.oauth.keys.refusals import StillUsed, TooSoon, UnknownKey
from provider.oauth.keys.store import SigningKeyRow, State
from provider.oauth.keys.uses import find_uses, waited_for
from provider.work import UnitOfWork

MARGIN = timedelta(minutes=5)
"""How long a retired key is kept after its last token expires: clocks differ, and verifiers allow some leeway."""


class Due(StrEnum):
    """The next action of the rotation schedule."""

    PUBLISH = "publish"
    ROTATE = "rotate"


@dataclass(frozen=True)
class KeyStates:
    """The keys of one pair that sign now and next."""

    current: SigningKeyRow | None
    upcoming: SigningKeyRow | None


def key_states_of(rows: list[SigningKeyRow], pair: str) -> KeyStates:
    mine = {row.state: row for row in rows if row.alg == pair}
    return KeyStates(mine.get(State.CURRENT), mine.get(State.UPCOMING))


def may_sign_from(upcoming: SigningKeyRow, settings: Settings) -> datetime:
    """Return when every cached copy of the key set contains this key."""
    return upcoming.created_at + settings.key_lead


def find_due_at(states: KeyStates, settings: Settings) -> datetime | None:
    """Return when the upcoming key is to sign by the schedule, or None if there is none. Pure."""
    current, upcoming = states.current, states.upcoming
    if current is None or upcoming is None or not settings.key_rotation:
        return None
    signs_since = current.signs_from or current.created_at
    return max(signs_since + settings.key_rotation, may_sign_from(upcoming, settings))


def find_due_step(states: KeyStates, settings: Settings, now: datetime, missed: Sequence[KeyUse] = ()) -> Due | None:
    """Return the action that is due, or None. Pure.

    With SIGNET_KEY_ROTATION=0 operators rotate keys, and an upcoming key is still published. `missed` is who was
    seen without knowing the upcoming key.
    """
    if states.upcoming is None:
        return Due.PUBLISH
    due_at = find_due_at(states, settings)
    if due_at is None or now < waiting.delayed_until(due_at, missed, settings):
        return None
    return Due.ROTATE


def follow_schedule(work: UnitOfWork, pair: str) -> Due | None:
    """Do what is due for a key pair. Returns None if nothing was due, or if another worker was faster."""
    rows = [row for row in signing_keys.find_all(work.read) if row.alg == pair]
    states, uses = key_states_of(rows, pair), find_uses(work)
    missed = [] if states.upcoming is None else waited_for(states.upcoming, uses.get(states.upcoming.kid, []))
    due = find_due_step(states, work.settings, work.now, missed)
    done = False
    if due is not None:
        fresh = generate(work, pair, State.UPCOMING)
        moved_on = states.upcoming is None or _take_over(work, states.upcoming, retiring=states.current)
        done = moved_on and _publish(work, fresh)
    due_at = find_due_at(states, work.settings)
    if due is None and states.upcoming is not None and due_at is not None and due_at <= work.now:
        row, until = states.upcoming, (due_at + work.settings.key_max_wait).isoformat()
        used_by = retirement.note_delay(work, row, missed)
        if used_by is not None:
            record(work, Event.KEY_ROTATION_DELAYED, kid=row.kid, alg=row.alg, used_by=used_by, at_the_latest=until)
    for row in rows:
        retirement.follow(work, row, uses.get(row.kid, []))
    return due if done else None


def create_missing(work: UnitOfWork) -> list[str]:
    """Create a current key for each pair that the installation never had one of; return their kids.

    If all keys of a pair are retired or revoked, something was lost: `serve` reports that.
    """
    had = {row.alg for row in signing_keys.find_all(work.read)}
    made = [generate(work, pair, State.CURRENT) for pair in KEY_PAIRS if pair not in had]
    for row in made:
        _add(work, row)
    return [row.kid for row in made]


def rotate(work: UnitOfWork, *, alg: str = RS256, at_once: bool = False) -> tuple[str, str]:
    """Rotate once: the upcoming key becomes current, and a new upcoming key is published.

    If there is no upcoming key, one is only published, unless `at_once`. Returns (the current kid, the upcoming kid).
    Raises UnknownKey, and TooSoon or StillUsed unless `at_once`.
    """
    pair = find_pair(alg)
    if pair is None:
        raise UnknownKey(f"The algorithms are {', '.join(SIGNING_ALGORITHMS)}.")
    states = key_states_of(signing_keys.find_all(work.read), pair)
    current, upcoming = states.current, states.upcoming
    if upcoming is None and current is not None and not at_once:
        fresh = generate(work, pair, State.UPCOMING)
        if not _publish(work, fresh):
            raise UnknownKey("Another rotation is under way.")
        return current.kid, fresh.kid
    if upcoming is not None and not at_once and work.now < may_sign_from(upcoming, work.settings):
        raise TooSoon(upcoming.kid, may_sign_from(upcoming, work.settings))
    if upcoming is not None and not at_once:
        _require_known(work, upcoming)
    taken = upcoming or generate(work, pair, State.UPCOMING)
    fresh = generate(work, pair, State.UPCOMING)
    published = upcoming is not None or _publish(work, taken)
    if not published or not _take_over(work, taken, retiring=current):
        raise UnknownKey("Another rotation is under way.")
    _publish(work, fresh)
    return taken.kid, fresh.kid


def _require_known(work: UnitOfWork, upcoming: SigningKeyRow) -> None:
    """Check that no app was seen lately that does not know the upcoming key. Raises StillUsed."""
    missed = waited_for(upcoming, find_uses(work).get(upcoming.kid, []))
    if seen := waiting.still_seen(missed, work.settings, work.now):
        problem = f"Apps were seen with copies of the key set that lack the upcoming key {upcoming.kid}"
        raise StillUsed(problem, seen, "To rotate now, use --at-once.")


def revoke(work: UnitOfWork, *, kid: str) -> None:
    """Revoke a key in an emergency, so that it verifies nothing any more. Raises UnknownKey.

    A current key is replaced first, so that signing continues: by the upcoming key, which apps know, else by a new one.
    """
    rows = signing_keys.find_all(work.read)
    row = next((row for row in rows if row.kid == row_of(kid)), None)
    if row is None or row.state == State.REVOKED:
        raise UnknownKey
    if row.state == State.CURRENT:
        rotate(work, alg=row.alg, at_once=True)
    fresh = generate(work, row.alg, State.UPCOMING) if row.state == State.UPCOMING else None
    if not signing_keys.revoke(work.db, row.kid):
        raise UnknownKey
    record(work, Event.KEY_REVOKED, kid=row.kid, alg=row.alg)
    if fresh is not None:
        _publish(work, fresh)


def list_keys(work: UnitOfWork) -> list[SigningKeyRow]:
    return signing_keys.find_all(work.read)


def _take_over(work: UnitOfWork, upcoming: SigningKeyRow, *, retiring: SigningKeyRow | None) -> bool:
    """Sign with the upcoming key from now on. Returns False if another process has already promoted it."""
    if not signing_keys.promote(work.db, upcoming.kid, now=work.now):
        return False
    signing_keys.retire(work.db, upcoming.alg, but=upcoming.kid, expires_at=_last_token_expires(work))
    retired = None if retiring is None else retiring.kid
    record(work, Event.KEY_ROTATED, retired=retired, current=upcoming.kid, alg=upcoming.alg)
    return True


def _last_token_expires(work: UnitOfWork) -> datetime:
    """Return when the last token of a key that retires now expires.

    Another process may sign with the key until it reads its ring again.
    """
    settings = work.settings
    longest = max(settings.access_token_lifetime, settings.id_token_lifetime)
    return work.now + timedelta(seconds=settings.key_cache) + longest + MARGIN


def _publish(work: UnitOfWork, row: SigningKeyRow) -> bool:
    """Publish an upcoming key. Returns False if there is one already."""
    if not signing_keys.publish(work.db, row):
        return False
    record(work, Event.KEY_CREATED, kid=row.kid, alg=row.alg, state=row.state)
    return True


def _add(work: UnitOfWork, row: SigningKeyRow) -> None:
    signing_keys.add(work.db, row)
    record(work, Event.KEY_CREATED, kid=row.kid, alg=row.alg, state=row.state)
