"""Taking signals: each token once, in the transaction of what it ends, so that it can be sent again after an outage."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from provider.crypto.digests import digest
from provider.federation.signals.effects import EFFECTS, RevokeGrants, apply_event
from provider.federation.signals.subjects import find_person
from provider.federation.signals.tokens import ACCESS_DENIED, OLDEST, InvalidSet, SecurityEvents, read_set
from provider.federation.store import signal_states, used_states
from provider.federation.upstreams import Upstream
from provider.jose.json_objects import is_whole_number
from provider.jose.times import TOO_FAR, UPSTREAM_LEEWAY, is_numeric_date
from provider.observability.logging import log
from provider.signals import event_types
from provider.work import UnitOfWork

MILLISECONDS = 10**11
"""From here on a time is in milliseconds, as in CAEP before version 1.0."""
LONGEST_NAME = 60
STATE = "upstream-signals-state"
"""The purpose of the sealed state of verification events. It needs no row, which the event could overtake."""


def take(work: UnitOfWork, upstream: Upstream, text: str, *, revoke_grants: RevokeGrants) -> None:
    """Check a token and do what it says. One that came before, or that is about no one here, changes nothing.

    Raises InvalidSet, or UpstreamUnavailable.
    """
    settings = upstream.settings
    if not settings.receives_signals:
        raise InvalidSet(ACCESS_DENIED, "signals of this upstream are turned off")
    taken = read_set(work, upstream, text)
    key = digest(f"security event\n{settings.key}\n{taken.issuer}\n{taken.jti}")
    if not used_states.spend(work.db, key, expires_at=taken.issued_at + OLDEST + UPSTREAM_LEEWAY):
        return
    for event_type, event in taken.events.items():
        _handle(work, upstream, taken, event_type, event, revoke_grants=revoke_grants)
    names = " ".join(name_of(event_type) for event_type in taken.events)
    signal_states.note(work.db, settings.key, received_at=work.now, received=names[: signal_states.LONGEST])


def reject(work: UnitOfWork, upstream: Upstream, invalid: InvalidSet) -> None:
    """Note why a token was not taken, for operators."""
    key = upstream.settings.key
    log.warning("upstream.signal_rejected", upstream=key, error=invalid.error, reason=invalid.reason)
    if upstream.settings.receives_signals:
        problem = f"{invalid.error}: {invalid.reason}"[: signal_states.LONGEST]
        signal_states.note(work.db, key, problem_at=work.now, problem=problem)


def name_of(event_type: str) -> str:
    """Return the short name of an event type."""
    return event_type.rpartition("/")[2][:LONGEST_NAME]


def _handle(
    work: UnitOfWork,
    upstream: Upstream,
    taken: SecurityEvents,
    event_type: str,
    event: Mapping[str, Any],
    *,
    revoke_grants: RevokeGrants,
) -> None:
    key = upstream.settings.key
    if event_type in {event_types.VERIFICATION, event_types.RISC_VERIFICATION}:
        _verified(work, upstream, event)
    elif event_type == event_types.STREAM_UPDATED:
        status = str(event.get("status"))[:20]
        if status != "enabled":
            signal_states.note(work.db, key, problem_at=work.now, problem=f"the upstream changed the stream: {status}")
    elif event_type in EFFECTS:
        # SSF 1.0 has the subject in the token, its drafts in the event.
        person = find_person(work, upstream.settings, taken.subject or event.get("subject"))
        if person is not None:
            at = _when(taken, event)
            apply_event(work, upstream.settings, person, event_type, event, at=at, revoke_grants=revoke_grants)
    log.info("upstream.signal", upstream=key, type=event_type[:200])


def _verified(work: UnitOfWork, upstream: Upstream, event: Mapping[str, Any]) -> None:
    """Note that a test arrived that was requested here: one with our state (SSF 1.0 section 8.1.4). A transmitter may
    also send some of its own accord.
    """
    key, state = upstream.settings.key, event.get("state")
    if isinstance(state, str) and work.vault.unseal(state, purpose=STATE, now=work.now) == {"upstream": key}:
        signal_states.note(work.db, key, verified_at=work.now)


def _when(taken: SecurityEvents, event: Mapping[str, Any]) -> datetime:
    """Return when it happened (CAEP 1.0 section 2, RFC 8417 section 2.2), at the latest when the token was issued."""
    for given in (event.get("event_timestamp"), taken.toe):
        seconds = given / 1000 if is_whole_number(given) and MILLISECONDS <= given < 1000 * TOO_FAR else given
        if is_numeric_date(seconds) and seconds > 0:
            return min(datetime.fromtimestamp(seconds, UTC), taken.issued_at)
    return taken.issued_at
