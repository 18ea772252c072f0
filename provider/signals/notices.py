"""What an audit event means to receivers: a notice of one event type, about a user or a session.

One audit event becomes at most one notice. Those that become none, sign-ins and tokens among them, cost nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provider.audit.events import Event
from provider.signals import event_types

USER, ADMIN, SYSTEM = "user", "admin", "system"
"""Who caused an event (CAEP 1.0 section 2)."""


@dataclass(frozen=True)
class Notice:
    """An event, before it is known which receivers hear of it."""

    event_type: str
    user_id: str
    at: datetime
    claims: Mapping[str, Any] = field(default_factory=dict)
    """The members of the event (CAEP 1.0 section 3, RISC 1.0 section 2)."""
    session_id: str | None = None
    """The session it is about. Then only receivers that got a grant in that session hear of it."""
    email: str | None = None
    """The address that identifies the user, instead of the `sub`. Then only receivers that may know it hear of it."""
    names: tuple[str, ...] = ()
    """The claims whose values the receiver gets, those that it may know. They are read when the signal is sent."""
    ends_sessions: bool = False
    """Whether it is about all sessions of the user that ended with it."""
    txn: str = ""
    """The id of the audit event."""

    def as_json(self) -> dict[str, Any]:
        return {
            "type": self.event_type,
            "user_id": self.user_id,
            "at": self.at.timestamp(),
            "claims": dict(self.claims),
            "session_id": self.session_id,
            "email": self.email,
            "names": list(self.names),
            "txn": self.txn,
        }


_Claims = tuple[str, dict[str, Any]]
_Make = Callable[[Mapping[str, Any]], _Claims | None]


def _credential(credential: str, change: str, why: str) -> _Make:
    def make(_details: Mapping[str, Any]) -> _Claims:
        return event_types.CREDENTIAL_CHANGE, {
            "credential_type": credential,
            "change_type": change,
            "reason_admin": {"en": why},
        }

    return make


def _plain(event_type: str, **claims: Any) -> _Make:
    return lambda _details: (event_type, dict(claims))


def _session_revoked(details: Mapping[str, Any]) -> _Claims:
    reason = str(details.get("reason") or "signed_out").replace("_", " ")
    return event_types.SESSION_REVOKED, {"reason_admin": {"en": f"Session ended: {reason}"}}


def _two_factor_enabled(details: Mapping[str, Any]) -> _Claims | None:
    """Return the notice of the first authenticator app. Passkeys that are asked for now were added before."""
    return None if details.get("method") else _credential("app", "create", "Authenticator app added")(details)


def _stepped_up(details: Mapping[str, Any]) -> _Claims | None:
    """Return the notice of a second factor in a session that had one. Others only showed theirs again."""
    if not details.get("method"):
        return None
    raised = {"current_level": "nist-aal2", "previous_level": "nist-aal1", "change_direction": "increase"}
    why = {"reason_admin": {"en": "Second factor shown"}}
    return event_types.ASSURANCE_LEVEL_CHANGE, {"namespace": "NIST-AAL", **raised, **why}


_OF_EVENT: Mapping[str, _Make] = {
    Event.SIGNED_OUT: _session_revoked,
    Event.SESSIONS_ENDED: _session_revoked,
    Event.PASSWORD_CHANGED: _credential("password", "update", "Password changed"),
    Event.PASSWORD_RESET: _credential("password", "update", "Password reset"),
    Event.STEPPED_UP: _stepped_up,
    Event.TWO_FACTOR_ENABLED: _two_factor_enabled,
    Event.AUTHENTICATOR_APP_ADDED: _credential("app", "create", "Authenticator app added"),
    Event.AUTHENTICATOR_APP_REMOVED: _credential("app", "delete", "Authenticator app removed"),
    Event.TWO_FACTOR_DISABLED: _credential("app", "revoke", "Two-factor authentication turned off"),
    Event.PASSKEY_ADDED: _credential("fido2-platform", "create", "Passkey added"),
    Event.PASSKEY_REMOVED: _credential("fido2-platform", "delete", "Passkey removed"),
    Event.ACCOUNT_SUSPENDED: _plain(event_types.ACCOUNT_DISABLED),
    Event.DELETION_REQUESTED: _plain(event_types.ACCOUNT_DISABLED),
    Event.ACCOUNT_RESTORED: _plain(event_types.ACCOUNT_ENABLED),
    Event.DELETION_CANCELLED: _plain(event_types.ACCOUNT_ENABLED),
    Event.COMPROMISE_REPORTED: _plain(event_types.CREDENTIAL_COMPROMISE, credential_type="password"),
    Event.ROLES_CHANGED: _plain(event_types.TOKEN_CLAIMS_CHANGE),
    Event.GROUPS_CHANGED: _plain(event_types.TOKEN_CLAIMS_CHANGE),
    Event.PROFILE_CHANGED: _plain(event_types.TOKEN_CLAIMS_CHANGE),
    Event.EMAIL_VERIFIED: _plain(event_types.TOKEN_CLAIMS_CHANGE),
}
WATCHED = frozenset(event.value for event in map(Event, _OF_EVENT))
"""The names of the audit events that become notices."""
_NAMES: Mapping[str, tuple[str, ...]] = {
    Event.ROLES_CHANGED: ("roles",),
    Event.GROUPS_CHANGED: ("groups", "roles"),
    Event.EMAIL_VERIFIED: ("email", "email_verified"),
}


def notice_of(event: Mapping[str, Any]) -> Notice | None:
    """Return the notice of an audit event, or None if it concerns no user or no receiver."""
    name, user_id, details = event["name"], event["user_id"], event["details"]
    make = _OF_EVENT.get(name)
    made = None if make is None or user_id is None else make(details)
    if made is None:
        return None
    event_type, claims = made
    at = datetime.fromisoformat(event["at"])
    if event_types.is_caep(event_type) or event_type == event_types.CREDENTIAL_COMPROMISE:
        claims = {"event_timestamp": int(at.timestamp()), **claims}
    if event_types.is_caep(event_type):
        claims["initiating_entity"] = _initiator(event)
    names = _NAMES.get(name, ())
    if name == Event.PROFILE_CHANGED:
        names = tuple(str(each) for each in details.get("changed") or ())
    return Notice(
        event_type,
        str(user_id),
        at,
        claims,
        session_id=details.get("session") if name in {Event.SIGNED_OUT, Event.STEPPED_UP} else None,
        names=names,
        ends_sessions=name == Event.SESSIONS_ENDED,
        txn=str(event["id"]),
    )


def _initiator(event: Mapping[str, Any]) -> str:
    if event["details"].get("operator") or event["details"].get("reason") == "operator":
        return ADMIN
    return USER if event.get("network") else SYSTEM
