"""The authenticator apps of a user: naming and removing them.

`totp_enrolment` adds them, and `totp` accepts their codes. An app turns two-factor authentication on. So the last one
is removed only if passkeys keep it on; else the user turns it off (`removal.turn_off`).
"""

from collections.abc import Sequence
from functools import partial

from provider.accounts.factors import policy, remembered_devices
from provider.accounts.factors.passkeys import PASSKEYS
from provider.accounts.factors.store import totp, two_factor_choices
from provider.accounts.factors.store.totp import LONGEST_NAME, TotpCredential
from provider.accounts.factors.totp import name_of
from provider.accounts.notices import notify
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import NotFound, Refusal
from provider.work import UnitOfWork

MOST = 10
"""Authenticator apps of one user."""


class NoSuchAuthenticatorApp(NotFound):
    code = "no-such-authenticator-app"
    title = Text("Authenticator app not found")
    message = Text("There is no authenticator app with this ID.")


class TooManyAuthenticatorApps(Refusal):
    code = "too-many-authenticator-apps"
    message = Text("You have %(most)s authenticator apps, the most an account can have. Remove one first.", most=MOST)


class OnlyAuthenticatorApp(Refusal):
    code = "only-authenticator-app"
    status_code = 409
    title = Text("This authenticator app is the only second factor")
    message = Text("Two-factor authentication needs it. Add another app first, or turn two-factor authentication off.")


def find_of_user(work: UnitOfWork, user_id: str) -> list[TotpCredential]:
    """Return the authenticator apps of this user, the oldest first."""
    return totp.find_of_user(work.read, user_id)


def find(held: Sequence[TotpCredential], app_id: str) -> TotpCredential:
    """Return the app with this id. Raises NoSuchAuthenticatorApp."""
    found = next((one for one in held if one.id == app_id), None)
    if found is None:
        raise NoSuchAuthenticatorApp
    return found


def rename(work: UnitOfWork, *, user_id: str, app_id: str, name: str) -> None:
    """Rename an app of this user. Raises NoSuchAuthenticatorApp, or InvalidText for a name that cannot be shown."""
    cleaned = clean_line(name, most=LONGEST_NAME)
    if not cleaned:
        raise InvalidText(Text("Enter a name."))
    if not totp.rename(work.db, find(totp.find_of_user(work.read, user_id), app_id), cleaned):
        raise NoSuchAuthenticatorApp


def may_remove(work: UnitOfWork, user_id: str, held: Sequence[TotpCredential]) -> bool:
    """Return whether the user can remove one of their apps and still has two-factor authentication."""
    return len(held) > 1 or (bool(held) and _have_passkeys(work, user_id))


def remove(work: UnitOfWork, *, user_id: str, app_id: str) -> None:
    """Remove an app of this user, and notify them by email. Raises NoSuchAuthenticatorApp or OnlyAuthenticatorApp."""
    held = totp.lock_of_user(work.db, user_id)
    removed = find(held, app_id)
    if not may_remove(work, user_id, held):
        raise OnlyAuthenticatorApp
    totp.remove(work.db, removed)
    remembered_devices.forget_all(work, user_id=user_id)
    record_removed(work, removed)
    notify(work, user_id, partial(messages.authenticator_app_removed, app=removed.name))


def record_removed(work: UnitOfWork, removed: TotpCredential) -> None:
    """Note in the audit log that an app was removed."""
    record(
        work,
        Event.AUTHENTICATOR_APP_REMOVED,
        user_id=removed.user_id,
        authenticator_app=removed.id,
        name=name_of(removed),
    )


def _have_passkeys(work: UnitOfWork, user_id: str) -> bool:
    """Return whether passkeys are asked for after the password without any app."""
    is_asked = two_factor_choices.find_time(work.db, user_id) is not None
    return PASSKEYS.is_set_up(work, user_id) and (is_asked or policy.find_requirement(work, user_id).is_any)
