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
    Event.ACCOUNT_REGISTERED: Text("Account created"),
    Event.ACCOUNT_ACTIVATED: Text("Account activated without a confirmed email address"),
    Event.ACCOUNT_CREATED: Text("Account created for you"),
    Event.ACCOUNT_SUSPENDED: Text("Account suspended"),
    Event.ACCOUNT_RESTORED: Text("Account restored"),
    Event.DELETION_REQUESTED: Text("Account deletion requested"),
    Event.DELETION_CANCELLED: Text("Account deletion cancelled"),
    Event.INTRUSION_REPORTED: Text("You used “This was not me”. All sessions were signed out"),
    Event.DATA_EXPORTED: Text("Data downloaded"),
    Event.PROFILE_CHANGED: Text("Profile changed"),
    Event.PICTURE_CHANGED: Text("Profile picture changed"),
    Event.ROLES_CHANGED: Text("Your roles were changed"),
    Event.INVITED: Text("Invitation to choose a password sent"),
    Event.LINK_ISSUED: Text("One-time link created for you"),
    Event.VERIFICATION_SENT: Text("Email sent to confirm your address"),
    Event.EMAIL_VERIFIED: Text("Email address confirmed"),
    Event.EMAIL_CHANGE_REQUESTED: Text("Email address change requested"),
    Event.EMAIL_CHANGE_CANCELLED: Text("Email address change cancelled"),
    Event.EMAIL_CHANGED: Text("Email address changed"),
    Event.EMAIL_CHANGE_UNDONE: Text("Email address change undone"),
    Event.PASSWORD_RESET_REQUESTED: Text("Password reset link requested"),
    Event.PASSWORD_RESET: Text("Password reset with a link from an email"),
    Event.PASSWORD_CHANGED: Text("Password changed"),
    Event.TWO_FACTOR_ENABLED: Text("Two-factor authentication turned on"),
    Event.TWO_FACTOR_DISABLED: Text("Two-factor authentication turned off"),
    Event.TWO_FACTOR_LOCKED: Text("Authenticator app locked after too many wrong codes"),
    Event.RECOVERY_CODE_USED: Text("Recovery code used"),
    Event.RECOVERY_CODES_RENEWED: Text("New recovery codes created"),
    Event.IDENTITY_LINKED: Text("Account with another provider linked"),
    Event.IDENTITY_UNLINKED: Text("Account with another provider unlinked"),
    Event.IDENTITY_USED: Text("Linked account used to sign in"),
    Event.SIGNED_IN: Text("Signed in"),
    Event.NEW_DEVICE: Text("New device signed in"),
    Event.SIGN_IN_FAILED: Text("Failed sign-in"),
    Event.SECOND_FACTOR_FAILED: Text("Wrong two-factor code entered"),
    Event.STEPPED_UP: Text("Confirmed your identity"),
    Event.SIGNED_OUT: Text("Signed out"),
    Event.SESSIONS_ENDED: Text("Sessions signed out"),
    Event.CONSENT_GRANTED: Text("You allowed an app access"),
    Event.CONSENT_WITHDRAWN: Text("You removed an app's access"),
    Event.CONSENT_DENIED: Text("You denied an app access"),
    Event.DEVICE_ALLOWED: Text("You connected a device"),
    Event.CODE_REPLAYED: Text("An app used a sign-in code twice, so its access was ended"),
    Event.REFRESH_REUSED: Text("An app used a token twice, so it was signed out"),
    Event.FAMILY_REVOKED: Text("An app was signed out"),
    Event.TOKEN_REVOKED: Text("An app revoked a token"),
    Event.TOKEN_EXCHANGED: Text("An app passed your permission to another service"),
}
CODE_USED_BEFORE = Text("Already used code entered")


@dataclass(frozen=True)
class Entry:
    """One event in a user's activity. Without a device, an operator or the service itself caused it."""

    at: datetime
    sentence: Text
    device: str
    network: str
    client_id: str | None


def find_activity(work: UnitOfWork, user_id: str, *, limit: int = MOST) -> list[Entry]:
    """Return the user's recent activity, latest first. Events without a sentence in `SENTENCES` are left out."""
    return [
        _entry(event, sentence)
        for event in store.find(work.read, user_id=user_id, limit=limit)
        if (sentence := _sentence(event)) is not None
    ]


def _sentence(event: AuditEvent) -> Text | None:
    if event.name == Event.SECOND_FACTOR_FAILED and event.details.get("reason") == "used":
        return CODE_USED_BEFORE
    return SENTENCES.get(Event(event.name))


def _entry(event: AuditEvent, sentence: Text) -> Entry:
    device = device_name(event.user_agent) if event.network else ""
    return Entry(event.at, sentence, device, event.network, event.client_id)
