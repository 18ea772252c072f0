"""A user with everything that belongs to the account, as the console shows it."""

from collections.abc import Callable
from dataclasses import dataclass

from provider.accounts import devices
from provider.accounts.factors import recovery_codes, totp
from provider.accounts.store import email_addresses, linked_identities, passwords
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.accounts.store.users import Status, User
from provider.config.settings import Feature
from provider.oauth.authorize.connected_apps import ConnectedApp, find_connected
from provider.oauth.http.server import server_of
from provider.sessions.store import Session
from provider.web.call import Call


@dataclass(frozen=True)
class UserDetails:
    """A user with everything that belongs to the account."""

    user: User
    address: EmailAddress | None
    two_factor: bool
    codes_left: int
    has_password: bool
    sessions: list[Session]
    apps: list[ConnectedApp]
    identities: list[LinkedIdentity]
    has: Callable[[Feature], bool]
    """Returns whether a feature is on."""

    @property
    def is_confirmed(self) -> bool:
        return self.address is not None and self.address.verified_at is not None

    @property
    def may_choose_password(self) -> bool:
        """Whether there is a page to choose a password on, and the user may use it."""
        return self.has("reset-passwords") and self.user.status == Status.ACTIVE and self.address is not None


def find_details(call: Call, user: User) -> UserDetails:
    """Read everything that belongs to the user's account."""
    work = call.work
    return UserDetails(
        user=user,
        address=email_addresses.find_of_user(work.read, user.id),
        two_factor=totp.is_enabled(work, user.id),
        codes_left=recovery_codes.count_left(work, user.id),
        has_password=passwords.find(work.read, user.id) is not None,
        sessions=devices.find_sessions(work, user.id),
        apps=find_connected(work, server_of(call), user.id),
        identities=linked_identities.find_of_user(work.read, user.id),
        has=call.settings.has,
    )
