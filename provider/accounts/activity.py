"""What happened on an account, in plain words: the audit events of one person as that person reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from provider.audit import store
from provider.audit.devices import device_name
from provider.audit.events import Event
from provider.audit.store import AuditEvent
from provider.work import UnitOfWork

MOST = 100

SENTENCES: Mapping[Event, str] = {
    Event.ACCOUNT_REGISTERED: "The account was created",
    Event.ACCOUNT_CREATED: "The account was created for you",
    Event.ACCOUNT_SUSPENDED: "The account was suspended",
    Event.ACCOUNT_RESTORED: "The suspension was lifted",
    Event.DELETION_REQUESTED: "The deletion of the account was asked for",
    Event.DELETION_CANCELLED: "The account was kept: its deletion was called off",
    Event.INTRUSION_REPORTED: "You reported that somebody else used the account; everything was signed out",
    Event.DATA_EXPORTED: "The data of the account was downloaded",
    Event.PROFILE_CHANGED: "The profile was changed",
    Event.PICTURE_CHANGED: "The profile picture was changed",
    Event.ROLES_CHANGED: "Your roles were changed",
    Event.EMAIL_VERIFIED: "The email address was confirmed",
    Event.EMAIL_CHANGE_REQUESTED: "A new email address was asked for",
    Event.EMAIL_CHANGED: "The email address was changed",
    Event.EMAIL_CHANGE_UNDONE: "The change of the email address was undone",
    Event.PASSWORD_RESET_REQUESTED: "A link for a new password was asked for",
    Event.PASSWORD_RESET: "A new password was set with a link from a letter",
    Event.PASSWORD_CHANGED: "The password was changed",
    Event.TWO_FACTOR_ENABLED: "Two-factor sign-in was turned on",
    Event.TWO_FACTOR_DISABLED: "Two-factor sign-in was turned off",
    Event.TWO_FACTOR_LOCKED: "Codes from the app were locked after too many wrong ones",
    Event.RECOVERY_CODE_USED: "A recovery code was used",
    Event.RECOVERY_CODES_RENEWED: "New recovery codes were made",
    Event.SIGNED_IN: "Signed in",
    Event.NEW_DEVICE: "A device that was not used before signed in",
    Event.SIGN_IN_FAILED: "A sign-in failed",
    Event.SECOND_FACTOR_FAILED: "A wrong second factor was entered",
    Event.STEPPED_UP: "Proved again who you are",
    Event.SIGNED_OUT: "Signed out",
    Event.SESSIONS_ENDED: "Devices were signed out",
    Event.CONSENT_GRANTED: "You let an application in",
    Event.CONSENT_WITHDRAWN: "You took back what you had allowed an application",
    Event.CONSENT_DENIED: "You refused an application",
    Event.CODE_REPLAYED: "A sign-in code of an application was used twice; what it had led to was ended",
    Event.REFRESH_REUSED: "An application's token was used twice; the application was signed out",
    Event.FAMILY_REVOKED: "An application was signed out",
    Event.TOKEN_REVOKED: "An application gave back a token",
}


@dataclass(frozen=True)
class Entry:
    """One line. Without a device it was an operator, or the service itself."""

    at: datetime
    sentence: str
    device: str
    network: str
    client_id: str | None


def find_activity(work: UnitOfWork, user_id: str) -> list[Entry]:
    """The latest first."""
    return [
        _entry(event, sentence)
        for event in store.find(work.read, user_id=user_id, limit=MOST)
        if (sentence := SENTENCES.get(Event(event.name))) is not None
    ]


def _entry(event: AuditEvent, sentence: str) -> Entry:
    device = device_name(event.user_agent) if event.network else ""
    return Entry(event.at, sentence, device, event.network, event.client_id)
