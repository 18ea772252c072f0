"""What operators may do with groups: never give or take, through a group, a role that gives more than they have."""

from collections.abc import Callable, Collection, Iterable

from provider.accounts.groups import groups, members
from provider.accounts.groups.groups import GroupSettings
from provider.accounts.groups.names import require_group_names
from provider.accounts.roles.permissions import Permissions
from provider.accounts.store import groups as store
from provider.accounts.store import roles as roles_store
from provider.accounts.store import users
from provider.accounts.store.users import ADMIN
from provider.accounts.users import NoSuchUser
from provider.operators import authority
from provider.operators.authority import MOST_ADMINISTRATORS, LastAdministrator
from provider.work import UnitOfWork


def put_group(work: UnitOfWork, permissions: Permissions, name: str, settings: GroupSettings) -> None:
    """Create a group or replace its settings, for an operator with these permissions. Raises MorePermissions,
    LastAdministrator, and what `groups.put_group` raises.
    """
    require_group_names((name,))
    authority.require_roles(permissions, groups.roles_with(work, name, settings))
    before = set(store.find_contained(work.read, [name]))
    if ADMIN in store.find_roles(work.read, [name]) and (ADMIN not in settings.roles or before - set(settings.groups)):
        _require_own_administrator(work)
    groups.put_group(work, name, settings)


def delete_group(work: UnitOfWork, permissions: Permissions, name: str) -> None:
    """Delete a group. Raises MorePermissions, LastAdministrator or NoSuchGroup."""
    given = groups.roles_of(work, name)
    authority.require_roles(permissions, given)
    if ADMIN in given:
        _require_own_administrator(work)
    groups.delete_group(work, name)


def add_member(work: UnitOfWork, permissions: Permissions, name: str, *, user_id: str) -> None:
    """Add a user to a group. Raises MorePermissions, NoSuchUser, NoSuchGroup or TooManyGroups."""
    authority.require_user(work, permissions, user_id)
    authority.require_roles(permissions, groups.roles_of(work, name))
    members.add_member(work, name, user_id=user_id)


def remove_member(work: UnitOfWork, permissions: Permissions, name: str, *, user_id: str) -> None:
    """Remove a user from a group. Raises MorePermissions, LastAdministrator, NoSuchUser or NoSuchGroup."""
    authority.require_user(work, permissions, user_id)
    _require_leaving(work, permissions, name, user_id, left=lambda: set(store.find_of_user(work.db, user_id)) - {name})
    members.remove_member(work, name, user_id=user_id)


def require_joinable(work: UnitOfWork, permissions: Permissions, names: Collection[str]) -> None:
    """Check that there are these groups, and that an operator with these permissions may add users to them. Raises
    InvalidGroup, NoSuchGroup or MorePermissions.
    """
    if not names:
        return
    members.require_existing(work, names)
    for name in names:
        authority.require_roles(permissions, groups.roles_of(work, name))


def set_groups(work: UnitOfWork, permissions: Permissions, *, user_id: str, names: Iterable[str]) -> None:
    """Make a user a member of exactly these groups. Raises MorePermissions, LastAdministrator, NoSuchUser,
    InvalidGroup, NoSuchGroup or TooManyGroups.
    """
    wanted = set(names)
    authority.require_user(work, permissions, user_id)
    _require_change(work, permissions, user_id, wanted)  # if it takes the role `admin`, this locks all administrators
    if not users.lock(work.db, user_id):
        raise NoSuchUser
    _require_change(work, permissions, user_id, wanted)  # because groups may have changed before the lock
    members.set_groups(work, user_id=user_id, names=wanted)


def _require_change(work: UnitOfWork, permissions: Permissions, user_id: str, wanted: set[str]) -> None:
    before = set(store.find_of_user(work.read, user_id))
    require_joinable(work, permissions, sorted(wanted - before))
    for name in sorted(before - wanted):
        _require_leaving(work, permissions, name, user_id, left=lambda: wanted)


def _require_leaving(
    work: UnitOfWork, permissions: Permissions, name: str, user_id: str, *, left: Callable[[], Collection[str]]
) -> None:
    """Check that the user may leave a group. `left` returns the groups that the user stays in, and is called once no
    other request can change them.
    """

    def stays_administrator() -> bool:
        user = users.find(work.db, user_id)
        return user is not None and (ADMIN in user.roles or authority.gives_admin(work, left()))

    given = groups.roles_of(work, name)
    authority.require_roles(permissions, given)
    if ADMIN in given:
        authority.require_other_administrator(work, user_id, unless=stays_administrator)


def _require_own_administrator(work: UnitOfWork) -> None:
    """Check that an active user has the role `admin` without any group, because a group is about to lose it. All of
    them are locked. Raises LastAdministrator.
    """
    named = roles_store.find_users(work.db, ADMIN, limit=MOST_ADMINISTRATORS)
    held = users.lock_those(work.db, named)
    if not any(ADMIN in user.roles and user.status == users.Status.ACTIVE for user in held):
        raise LastAdministrator
