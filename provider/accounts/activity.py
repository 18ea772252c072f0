"""The activity page's data: a user's own audit events, in plain words."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from provider.audit import store
from provider.audit.devices import device_name
from provider.audit.events import Event
from provider.audit.store import AuditEvent
from provider.languages.text import Text
from provider.ratelimits import prefix_of
from provider.work import UnitOfWork

MOST = 50
"""The most events of a page."""
USUAL_AFTER = 2
"""On how many days a user must have signed in from a network before it is one of their usual ones."""

SENTENCES: Mapping[Event, Text] = {
    Event.ACCOUNT_REGISTERED: Text("Account created"),
    Event.ACCOUNT_ACTIVATED: Text("Account activated without a confirmed email address"),
    Event.ACCOUNT_CREATED: Text("Account created for you"),
    Event.ACCOUNT_SUSPENDED: Text("Account suspended"),
    Event.ACCOUNT_RESTORED: Text("Account restored"),
    Event.DELETION_REQUESTED: Text("Account deletion requested"),
    Event.DELETION_CANCELLED: Text("Account deletion canceled"),
    Event.COMPROMISE_REPORTED: Text("You used “This was not me”. All sessions were signed out"),
    Event.DATA_EXPORTED: Text("Data downloaded"),
    Event.TERMS_ACCEPTED: Text("Terms of service accepted"),
    Event.PROFILE_CHANGED: Text("Profile changed"),
    Event.ATTRIBUTES_CHANGED: Text("More about you changed"),
    Event.PICTURE_CHANGED: Text("Profile picture changed"),
    Event.ROLES_CHANGED: Text("Your roles were changed"),
    Event.GROUPS_CHANGED: Text("Your groups were changed"),
    Event.INVITED: Text("Invitation to choose a password sent"),
    Event.LINK_ISSUED: Text("One-time link created for you"),
    Event.VERIFICATION_SENT: Text("Email sent to confirm your address"),
    Event.EMAIL_VERIFIED: Text("Email address confirmed"),
    Event.EMAIL_CHANGE_REQUESTED: Text("Email address change requested"),
    Event.EMAIL_CHANGE_CANCELLED: Text("Email address change canceled"),
    Event.EMAIL_CHANGED: Text("Email address changed"),
    Event.EMAIL_CHANGE_UNDONE: Text("Email address change undone"),
    Event.PASSWORD_RESET_REQUESTED: Text("Password reset link requested"),
    Event.PASSWORD_RESET: Text("Password reset with a link from an email"),
    Event.PASSWORD_CHANGED: Text("Password changed"),
    Event.TWO_FACTOR_ENABLED: Text("Two-factor authentication turned on"),
    Event.TWO_FACTOR_DISABLED: Text("Two-factor authentication turned off"),
    Event.TWO_FACTOR_LOCKED: Text("Authenticator app locked after too many wrong codes"),
    Event.RECOVERY_CODE_USED: Text("Recovery code used"),
    Event.DEVICE_FORGOTTEN: Text("Known device removed"),
    Event.REMEMBERED_DEVICE_ADDED: Text("Second factor no longer asked for on a device"),
    Event.REMEMBERED_DEVICE_REMOVED: Text("Second factor asked for again on a device"),
    Event.RECOVERY_CODES_RENEWED: Text("New recovery codes created"),
    Event.AUTHENTICATOR_APP_ADDED: Text("Authenticator app added"),
    Event.AUTHENTICATOR_APP_REMOVED: Text("Authenticator app removed"),
    Event.PASSKEY_ADDED: Text("Passkey added"),
    Event.PASSKEY_REMOVED: Text("Passkey removed"),
    Event.PASSKEY_BACKUP_CHANGED: Text("Backup of a passkey changed"),
    Event.IDENTITY_LINKED: Text("Account with another provider linked"),
    Event.IDENTITY_UNLINKED: Text("Account with another provider unlinked"),
    Event.IDENTITY_USED: Text("Linked account used to sign in"),
    Event.UPSTREAM_TOKENS_STORED: Text("Linked account opened to apps"),
    Event.UPSTREAM_TOKENS_FETCHED: Text("An app used your linked account"),
    Event.GLOBAL_REVOCATION: Text("A security tool signed you out everywhere"),
    Event.SIGNAL_RECEIVED: Text("A provider you sign in with reported a change to your account there"),
    Event.UPSTREAM_TOKENS_REMOVED: Text("Use of a linked account by apps ended"),
    Event.SIGNED_IN: Text("Signed in"),
    Event.NEW_DEVICE: Text("New device signed in"),
    Event.SIGN_IN_FAILED: Text("Failed sign-in"),
    Event.SIGN_IN_CODE_REQUESTED: Text("Code to sign in requested"),
    Event.SECOND_FACTOR_FAILED: Text("Wrong two-factor code entered"),
    Event.STEPPED_UP: Text("Confirmed your identity"),
    Event.ACCOUNT_CHOSEN: Text("Account chosen in a browser with several accounts"),
    Event.SESSION_SHORTENED: Text("Session shortened"),
    Event.SIGNED_OUT: Text("Signed out"),
    Event.SESSIONS_ENDED: Text("Sessions signed out"),
    Event.CONSENT_GRANTED: Text("You allowed an app access"),
    Event.CONSENT_WITHDRAWN: Text("You removed an app's access"),
    Event.CONSENT_DENIED: Text("You denied an app access"),
    Event.DEVICE_ALLOWED: Text("You connected a device"),
    Event.APPROVAL_REQUESTED: Text("An app asked for your approval"),
    Event.APPROVAL_GIVEN: Text("You approved a request from an app"),
    Event.CODE_REPLAYED: Text("An app used a sign-in code twice, so its access was ended"),
    Event.REFRESH_REUSED: Text("An app used a token twice, so it was signed out"),
    Event.FAMILY_REVOKED: Text("An app was signed out"),
    Event.TOKEN_REVOKED: Text("An app revoked a token"),
    Event.TOKEN_EXCHANGED: Text("An app acted for you"),
    Event.ASSERTION_ACCEPTED: Text("An app acted for you, allowed by another provider"),
    Event.DELEGATION_ENDED: Text("You stopped an app from acting for you"),
    Event.DELEGATION_RESUMED: Text("You allowed an app to act for you again"),
}
CODE_USED_BEFORE = Text("Already used code entered")


@dataclass(frozen=True)
class Kind:
    """Events of one kind, with its label and its icon (`templates/macros/icons.html`)."""

    label: Text
    icon: str
    events: frozenset[Event]


_SIGN_IN = Kind(
    Text("Sign-ins"),
    "user",
    frozenset({
        Event.SIGNED_IN, Event.NEW_DEVICE, Event.SIGN_IN_FAILED, Event.SECOND_FACTOR_FAILED, Event.STEPPED_UP,
        Event.SIGNED_OUT, Event.SESSIONS_ENDED, Event.IDENTITY_USED, Event.RECOVERY_CODE_USED, Event.TWO_FACTOR_LOCKED,
        Event.ACCOUNT_CHOSEN, Event.SESSION_SHORTENED,
        Event.SIGN_IN_CODE_REQUESTED,
    }),
)  # fmt: skip
_SECURITY = Kind(
    Text("Security"),
    "shield",
    frozenset({
        Event.PASSWORD_RESET_REQUESTED, Event.PASSWORD_RESET, Event.PASSWORD_CHANGED, Event.TWO_FACTOR_ENABLED,
        Event.TWO_FACTOR_DISABLED, Event.RECOVERY_CODES_RENEWED, Event.AUTHENTICATOR_APP_ADDED,
        Event.AUTHENTICATOR_APP_REMOVED, Event.PASSKEY_ADDED, Event.PASSKEY_REMOVED,
        Event.PASSKEY_BACKUP_CHANGED, Event.IDENTITY_LINKED, Event.IDENTITY_UNLINKED,
        Event.SIGNAL_RECEIVED, Event.GLOBAL_REVOCATION,
        Event.EMAIL_CHANGE_REQUESTED, Event.EMAIL_CHANGE_CANCELLED, Event.EMAIL_CHANGED, Event.EMAIL_CHANGE_UNDONE,
        Event.EMAIL_VERIFIED, Event.VERIFICATION_SENT, Event.COMPROMISE_REPORTED, Event.LINK_ISSUED,
        Event.DEVICE_FORGOTTEN, Event.REMEMBERED_DEVICE_ADDED, Event.REMEMBERED_DEVICE_REMOVED,
    }),
)  # fmt: skip
_APPS = Kind(
    Text("Apps"),
    "application",
    frozenset({
        Event.CONSENT_GRANTED, Event.CONSENT_WITHDRAWN, Event.CONSENT_DENIED, Event.DEVICE_ALLOWED,
        Event.APPROVAL_REQUESTED, Event.APPROVAL_GIVEN,
        Event.CODE_REPLAYED, Event.REFRESH_REUSED, Event.FAMILY_REVOKED, Event.TOKEN_REVOKED, Event.TOKEN_EXCHANGED,
        Event.ASSERTION_ACCEPTED, Event.DELEGATION_ENDED, Event.DELEGATION_RESUMED,
        Event.UPSTREAM_TOKENS_STORED, Event.UPSTREAM_TOKENS_FETCHED, Event.UPSTREAM_TOKENS_REMOVED,
    }),
)  # fmt: skip
_ACCOUNT = Kind(
    Text("Account and profile"), "account", frozenset(SENTENCES) - _SIGN_IN.events - _SECURITY.events - _APPS.events
)
KINDS: Mapping[str, Kind] = {"sign-ins": _SIGN_IN, "security": _SECURITY, "apps": _APPS, "account": _ACCOUNT}
"""Every event with a sentence, by kind."""


@dataclass(frozen=True)
class Entry:
    """One event in a user's activity. Without a device, an operator or the service itself caused it."""

    id: str
    at: datetime
    sentence: Text
    icon: str
    device: str
    network: str
    client_id: str | None


def find_activity(
    work: UnitOfWork,
    user_id: str,
    *,
    kind: str | None = None,
    client_id: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = MOST,
) -> list[Entry]:
    """Return the user's activity, latest first: of one kind of `KINDS` or of all, with one app or with any.

    `after` is `at` and `id` of the last entry of the previous page.
    """
    names = KINDS[kind].events if kind is not None else SENTENCES.keys()
    found = store.find(work.read, user_id=user_id, client_id=client_id, names=sorted(names), after=after, limit=limit)
    return [_entry(event) for event in found]


def find_apps(work: UnitOfWork, user_id: str) -> list[str]:
    """Return the client_ids of the apps in the user's latest activity."""
    return store.find_clients(work.read, user_id)


def find_usual_networks(work: UnitOfWork, user_id: str) -> set[str]:
    """Return the networks from which the user signed in on several days, as far as their latest sign-ins tell."""
    days: dict[str, set[date]] = defaultdict(set)
    for event in store.find(work.read, user_id=user_id, names=[Event.SIGNED_IN]):
        days[network_of(work, event.network)].add(event.at.date())
    return {network for network, seen in days.items() if len(seen) >= USUAL_AFTER}


def network_of(work: UnitOfWork, address: str) -> str:
    """Return the network of an address: two devices behind one IPv6 connection have different addresses."""
    return prefix_of(address, work.settings.ipv6_prefix)


def _entry(event: AuditEvent) -> Entry:
    name, reason = Event(event.name), event.details.get("reason")
    was_used = name == Event.SECOND_FACTOR_FAILED and reason == "used"
    return Entry(
        id=event.id,
        at=event.at,
        sentence=CODE_USED_BEFORE if was_used else SENTENCES[name],
        icon=next(kind.icon for kind in KINDS.values() if name in kind.events),
        device=device_name(event.user_agent) if event.network else "",
        network=event.network,
        client_id=event.client_id,
    )
