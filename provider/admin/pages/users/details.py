"""A user with everything that belongs to the account, as the console shows it."""

from collections.abc import Callable
from dataclasses import dataclass

from provider.accounts import devices, overview
from provider.accounts.email.operator_changes import can_confirm
from provider.accounts.factors import recovery_codes
from provider.accounts.overview import Overview
from provider.accounts.store import linked_identities, users
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.accounts.store.users import Status, User
from provider.accounts.users import NoSuchUser
from provider.config.general import Feature
from provider.oauth.authorize.connected_apps import ConnectedApp, find_connected
from provider.oauth.http.server import server_of
from provider.sessions.store import Session
from provider.web.call import Call


@dataclass(frozen=True)
class UserDetails(Overview):
    """A user with everything that belongs to the account."""

    codes_left: int
    sessions: list[Session]
    apps: list[ConnectedApp]
    identities: list[LinkedIdentity]
    has: Callable[[Feature], bool]
    """Returns whether a feature is on."""
    may_confirm_address: bool
    """Whether the user can confirm a new address."""

    @property
    def may_choose_password(self) -> bool:
        """Whether there is a page to choose a password on, and the user may use it."""
        return self.has("reset-passwords") and self.user.status == Status.ACTIVE and self.address is not None

    @property
    def is_only_way_in(self) -> bool:
        """Whether the user can sign in with one linked identity and in no other way."""
        return len(self.identities) == 1 and not self.has_password


def find_details(call: Call, user_id: str) -> UserDetails:
    """Read everything that belongs to the user's account. Raises NoSuchUser."""
    work = call.work
    described = overview.describe_one(work, user_id)
    return UserDetails(
        **vars(described),
        codes_left=recovery_codes.count_left(work, user_id),
        sessions=devices.find_sessions(work, user_id),
        apps=find_connected(work, server_of(call), user_id),
        identities=linked_identities.find_of_user(work.read, user_id),
        has=call.settings.has,
        may_confirm_address=can_confirm(work, described.user, described.address),
    )


def lock_user(call: Call, user_id: str) -> User:
    """Lock the user's row and return the user as it is now. Raises NoSuchUser."""
    user = users.find(call.work.db, user_id) if users.lock(call.work.db, user_id) else None
    if user is None:
        raise NoSuchUser
    return user
