"""What each event of an upstream ends here: one table (docs/explanation/ending-access.md has it for operators).

An upstream ends no more than what was opened through it. A user with a password, a passkey or another linked identity
keeps what began with that. Where the upstream is the only way in, everything was opened through it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provider.accounts import linked_identities as ways_in
from provider.accounts.access import Cause, end_access
from provider.accounts.email.home_realms import must_sign_in_elsewhere
from provider.accounts.factors.store import passkeys
from provider.accounts.linked_identities import LastSignInMethod
from provider.accounts.store import email_addresses, linked_identities, passwords
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.accounts.upstream_tokens import ending
from provider.audit.events import Event
from provider.audit.log import record
from provider.federation.signals.subjects import Person
from provider.federation.store import upstream_sessions
from provider.federation.upstream_settings import UpstreamSettings
from provider.jose.times import UPSTREAM_LEEWAY
from provider.sessions import store as sessions
from provider.sessions.lifecycle import end_session
from provider.signals import event_types
from provider.work import UnitOfWork

REASON = Cause.UPSTREAM_SIGNAL.reason


@dataclass(frozen=True)
class Effect:
    """The access that an event ends. `name` is in the audit log."""

    name: str
    sessions: bool = False
    """The sessions that came from there, and the tokens without offline_access from them."""
    access: bool = False
    """The tokens with offline_access from those sessions, too. Where there is no other way in: everything."""
    stored_tokens: bool = False
    """The user's tokens of the upstream that are stored here."""
    proof: bool = False
    """The next sign-in there has to be a new one."""
    unlinks: bool = False


NOTHING = Effect("none")
TOKENS = Effect("tokens", stored_tokens=True)
SESSIONS = Effect("sessions", sessions=True)
ACCESS = Effect("access", sessions=True, access=True, stored_tokens=True)
DANGER = Effect("access_and_proof", sessions=True, access=True, stored_tokens=True, proof=True)
GONE = Effect("access_and_link", sessions=True, access=True, stored_tokens=True, unlinks=True)

_Choose = Callable[[UpstreamSettings, Mapping[str, Any]], Effect]


def _always(effect: Effect) -> _Choose:
    return lambda _settings, _event: effect


def _disabled(_settings: UpstreamSettings, event: Mapping[str, Any]) -> Effect:
    """RISC 1.0 section 2.3: of a hijacked account, who signs in next may be someone else."""
    return DANGER if event.get("reason") == "hijacking" else ACCESS


def _assurance(_settings: UpstreamSettings, event: Mapping[str, Any]) -> Effect:
    """CAEP 1.0 section 3.4."""
    return SESSIONS if event.get("change_direction") == "decrease" else NOTHING


def _compliance(_settings: UpstreamSettings, event: Mapping[str, Any]) -> Effect:
    """CAEP 1.0 section 3.5."""
    return SESSIONS if event.get("current_status") == "not-compliant" else NOTHING


def _claims(settings: UpstreamSettings, _event: Mapping[str, Any]) -> Effect:
    """CAEP 1.0 section 3.2: roles and groups from there are read again only at a sign-in."""
    return SESSIONS if settings.roles_claim is not None or settings.groups_claim is not None else NOTHING


EFFECTS: Mapping[str, _Choose] = {
    event_types.SESSION_REVOKED: _always(SESSIONS),
    event_types.SESSIONS_REVOKED: _always(SESSIONS),
    event_types.TOKENS_REVOKED: _always(ACCESS),
    event_types.TOKEN_REVOKED: _always(TOKENS),
    event_types.ACCOUNT_DISABLED: _disabled,
    event_types.ACCOUNT_ENABLED: _always(NOTHING),
    event_types.ACCOUNT_PURGED: _always(GONE),
    event_types.CREDENTIAL_CHANGE_REQUIRED: _always(DANGER),
    event_types.CREDENTIAL_COMPROMISE: _always(DANGER),
    # A change is no danger by itself: an upstream that ends its sessions with it says so in another signal.
    event_types.CREDENTIAL_CHANGE: _always(NOTHING),
    # Identities are found by issuer and `sub`, never by address.
    event_types.IDENTIFIER_CHANGED: _always(NOTHING),
    event_types.IDENTIFIER_RECYCLED: _always(NOTHING),
    event_types.ASSURANCE_LEVEL_CHANGE: _assurance,
    event_types.DEVICE_COMPLIANCE_CHANGE: _compliance,
    event_types.TOKEN_CLAIMS_CHANGE: _claims,
}
"""The effect of each event about a user. Others have none."""

RevokeGrants = Callable[[UnitOfWork, Sequence[str], str], object]
"""Revokes the tokens that apps got in these sessions, also with offline_access. The text is the reason. Grants are
oauth's, beside this package: the composition root passes the function (`web.services.Services`).
"""


def apply_event(
    work: UnitOfWork,
    settings: UpstreamSettings,
    person: Person,
    event_type: str,
    event: Mapping[str, Any],
    *,
    at: datetime,
    revoke_grants: RevokeGrants,
) -> None:
    """Do what the table says, in this transaction. `at` is when it happened there: what began later stays."""
    effect = EFFECTS[event_type](settings, event)
    carry_out(work, settings, person, effect, what=event_type, at=at, revoke_grants=revoke_grants)


def carry_out(
    work: UnitOfWork,
    settings: UpstreamSettings,
    person: Person,
    effect: Effect,
    *,
    what: str,
    at: datetime,
    revoke_grants: RevokeGrants,
) -> None:
    """End what an effect ends. `what` is the cause in the audit log."""
    identity = person.identity
    ended = 0
    if effect.access and identity is not None and is_only_way_in(work, identity, at=at):
        ended = end_access(work, user_id=identity.user_id, cause=Cause.UPSTREAM_SIGNAL)
    elif effect.sessions:
        ended = _end_sessions(work, person, at=at, revoke_grants=revoke_grants if effect.access else None)
    if identity is None:
        return
    if effect.stored_tokens:
        ids = [identity.id]
        ending.end_of_identities(work, user_id=identity.user_id, identity_ids=ids, reason=REASON)
    if effect.proof:
        linked_identities.require_proof(work.db, identity.id, after=work.now)
    record(
        work,
        Event.SIGNAL_RECEIVED,
        user_id=identity.user_id,
        upstream=settings.key,
        type=what,
        effect=effect.name,
        count=ended,
    )
    if effect.unlinks:
        _unlink(work, settings, identity)


def is_only_way_in(work: UnitOfWork, identity: LinkedIdentity, *, at: datetime) -> bool:
    """Return whether the user has no other credential than this identity, and has not used it since. The mailbox is one
    where codes from emails sign in (SIGNET_EMAIL_CODE_SIGN_IN).
    """
    user_id = identity.user_id
    return (
        identity.last_used_at <= at + UPSTREAM_LEEWAY
        and len(linked_identities.find_of_user(work.db, user_id)) == 1
        and passwords.find(work.db, user_id) is None
        and not passkeys.find_of_user(work.db, user_id)
        and not _has_mailbox(work, user_id)
    )


def _has_mailbox(work: UnitOfWork, user_id: str) -> bool:
    """Return whether the user can sign in with a code from an email."""
    if not work.settings.email_code_sign_in:
        return False
    held = email_addresses.find_of_user(work.db, user_id)
    return held is not None and not must_sign_in_elsewhere(work, held.normal)


def _end_sessions(work: UnitOfWork, person: Person, *, at: datetime, revoke_grants: RevokeGrants | None) -> int:
    """End the sessions that came from this user or session there, and began before; with `revoke_grants`, also the
    tokens from them that outlive a session. Returns how many ended.
    """
    found = upstream_sessions.find_to_end(
        work.db, issuer=person.issuer, subject=person.subject, sid=person.sid, ended_too=revoke_grants is not None
    )
    before = [one for one in sessions.find_those(work.db, found) if one.created_at <= at + UPSTREAM_LEEWAY]
    ended = sum(end_session(work, one, reason=REASON) for one in before)
    if revoke_grants is not None and before:  # afterwards: what was being approved in a session is stored by then
        revoke_grants(work, [one.id for one in before], REASON)
    return ended


def _unlink(work: UnitOfWork, settings: UpstreamSettings, identity: LinkedIdentity) -> None:
    with suppress(LastSignInMethod):  # no one can use it any more; it shows operators what the account belonged to
        ways_in.unlink(work, user_id=identity.user_id, identity_id=identity.id, name_of=lambda _issuer: settings.name)
