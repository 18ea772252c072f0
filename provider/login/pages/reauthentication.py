"""The sign-in page for a user who is signed in and must sign in again: as whom, and why."""

from dataclasses import dataclass
from datetime import timedelta

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.passwords import directories
from provider.accounts.store import email_addresses
from provider.destination import CONSOLE, Destination
from provider.languages.text import Text
from provider.sessions.cookie import find_session
from provider.sessions.guards import is_recent
from provider.sessions.store import Session
from provider.web.call import Call

PURPOSES = {
    "/account/password": Text("Sign in again to change your password."),
    "/account/two-factor": Text("Sign in again to manage two-factor authentication."),
    "/account/passkeys": Text("Sign in again to manage your passkeys."),
    "/account/recovery-codes": Text("Sign in again to create recovery codes."),
    "/account/email": Text("Sign in again to change your email address."),
    "/account/linked": Text("Sign in again to manage your linked accounts."),
    "/account/data": Text("Sign in again to download your data or delete your account."),
    CONSOLE: Text("Sign in again to open the console."),
}
"""What our own pages ask for, by the path they are below."""
ANY_PURPOSE = Text("Sign in again to continue.")


@dataclass(frozen=True)
class Reauthentication:
    """The page "Confirm it's you" for one user."""

    address: str
    reasons: list[str]
    """Why the user is asked, one sentence each. Empty if an app asks: the page names it."""
    has_password: bool


def reauthentication_of(call: Call, where: Destination, *, username: str | None = None) -> Reauthentication | None:
    """Return who must sign in again and why, or None if anyone may sign in here.

    `username` is the address that an app expects, or that was typed: another user's needs the usual page.
    """
    session = find_session(call)
    if session is None or where.another:
        return None
    held = email_addresses.find_of_user(call.work.read, session.user_id)
    wanted = None if not username else parse_address(username)
    if held is None or (username and (wanted is None or wanted.normal != held.normal)):
        return None
    has_password = directories.has_password(call.work, session.user_id)
    return Reauthentication(held.address, _reasons(call, where, session), has_password)


def _reasons(call: Call, where: Destination, session: Session) -> list[str]:
    if where.app is not None:
        return []
    path = f"{(where.return_to or '').partition('?')[0]}/"
    purpose = next((text for below, text in PURPOSES.items() if path.startswith(f"{below.rstrip('/')}/")), ANY_PURPOSE)
    return [purpose] if is_recent(call, session) else [_how_old(call.settings.recent_sign_in), purpose]


def _how_old(limit: timedelta) -> Text:
    minutes = int(limit.total_seconds() // 60)
    if minutes < 2:  # an operator's own choice
        return Text("You signed in some time ago.")
    return Text("You signed in more than %(minutes)s minutes ago.", minutes=minutes)
