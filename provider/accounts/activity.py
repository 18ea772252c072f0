"""The activity page's data: a user's own audit events, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from provider.audit import store
from provider.audit.devices import device_name
from provider.audit.events import Event
from provider.audit.store import AuditEvent
from provider.languages.text import Text
from provider.work import UnitOfWork

MOST = 100

SENTENCES: Mapping[Event, Text] = {
    Event.ACCOUNT_REGISTERED: Text("The account was created"),
    Event.ACCOUNT_ACTIVATED: Text("The account became active without a confirmed email address"),
    Event.ACCOUNT_CREATED: Text("The account was created for you"),
    Event.ACCOUNT_SUSPENDED: Text("The account was suspended"),
    Event.ACCOUNT_RESTORED: Text("The suspension was lifted"),
    Event.DELETION_REQUESTED: Text("The deletion of the account was asked for"),
    Event.DELETION_CANCELLED: Text("The account was kept: its deletion was called off"),
    Event.INTRUSION_REPORTED: Text("You reported that somebody else used the account; everything was signed out"),
    Event.DATA_EXPORTED: Text("The data of the account was downloaded"),
    Event.PROFILE_CHANGED: Text("The profile was changed"),
    Event.PICTURE_CHANGED: Text("The profile picture was changed"),
    Event.ROLES_CHANGED: Text("Your roles were changed"),
    Event.INVITED: Text("You were invited to choose a password"),
    Event.LINK_ISSUED: Text("A one-time link was made for you"),
    Event.VERIFICATION_SENT: Text("A letter to confirm the email address was sent for you"),
    Event.EMAIL_VERIFIED: Text("The email address was confirmed"),
    Event.EMAIL_CHANGE_REQUESTED: Text("A new email address was asked for"),
    Event.EMAIL_CHANGE_CANCELLED: Text("The wish for a new email address was called off"),
    Event.EMAIL_CHANGED: Text("The email address was changed"),
    Event.EMAIL_CHANGE_UNDONE: Text("The change of the email address was undone"),
    Event.PASSWORD_RESET_REQUESTED: Text("A link for a new password was asked for"),
    Event.PASSWORD_RESET: Text("A new password was set with a link from a letter"),
    Event.PASSWORD_CHANGED: Text("The password was changed"),
    Event.TWO_FACTOR_ENABLED: Text("Two-factor sign-in was turned on"),
    Event.TWO_FACTOR_DISABLED: Text("Two-factor sign-in was turned off"),
    Event.TWO_FACTOR_LOCKED: Text("Codes from the app were locked after too many wrong ones"),
    Event.RECOVERY_CODE_USED: Text("A recovery code was used"),
    Event.RECOVERY_CODES_RENEWED: Text("New recovery codes were made"),
    Event.IDENTITY_LINKED: Text("An account with another provider was linked"),
    Event.IDENTITY_UNLINKED: Text("An account with another provider was unlinked"),
    Event.IDENTITY_USED: Text("A linked account with another provider was used to sign in"),
    Event.SIGNED_IN: Text("Signed in"),
    Event.NEW_DEVICE: Text("A device that was not used before signed in"),
    Event.SIGN_IN_FAILED: Text("A sign-in failed"),
    Event.SECOND_FACTOR_FAILED: Text("A wrong second factor was entered"),
    Event.STEPPED_UP: Text("Proved again who you are"),
    Event.SIGNED_OUT: Text("Signed out"),
    Event.SESSIONS_ENDED: Text("Devices were signed out"),
    Event.CONSENT_GRANTED: Text("You let an application in"),
    Event.CONSENT_WITHDRAWN: Text("You took back what you had allowed an application"),
    Event.CONSENT_DENIED: Text("You refused an application"),
    Event.DEVICE_ALLOWED: Text("You let a device in"),
    Event.CODE_REPLAYED: Text("A sign-in code of an application was used twice; what it had led to was ended"),
    Event.REFRESH_REUSED: Text("An application's token was used twice; the application was signed out"),
    Event.FAMILY_REVOKED: Text("An application was signed out"),
    Event.TOKEN_REVOKED: Text("An application gave back a token"),
    Event.TOKEN_EXCHANGED: Text("An application passed your permission on to another of its services"),
}
CODE_USED_BEFORE = Text("A code that was used before was entered again")


@dataclass(frozen=True)
class Entry:
    """One event in a user's activity. Without a device, an operator or the service itself caused it."""

    at: datetime
    sentence: Text
    device: str
    network: str
    client_id: str | None


def find_activity(work: UnitOfWork, user_id: str) -> list[Entry]:
    """Return the user's recent activity, latest first. Events without a sentence in `SENTENCES` are left out."""
    return [
        _entry(event, sentence)
        for event in store.find(work.read, user_id=user_id, limit=MOST)
        if (sentence := _sentence(event)) is not None
    ]


def _sentence(event: AuditEvent) -> Text | None:
    if event.name == Event.SECOND_FACTOR_FAILED and event.details.get("reason") == "used":
        return CODE_USED_BEFORE
    return SENTENCES.get(Event(event.name))


def _entry(event: AuditEvent, sentence: Text) -> Entry:
    device = device_name(event.user_agent) if event.network else ""
    return Entry(event.at, sentence, device, event.network, event.client_id)
