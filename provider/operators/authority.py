"""What operators may act on: never a user, a role or an application that has more permissions than they have."""

from collections.abc import Callable, Collection, Iterable, Sequence

from provider.accounts import suspension
from provider.accounts import users as accounts
from provider.accounts.attributes.declarations import Editor
from provider.accounts.roles.permissions import (
    Permission,
    Permissions,
    permissions_of,
    role_beyond,
)
from provider.accounts.store import groups as groups_store
from provider.accounts.store import roles as roles_store
from provider.accounts.store import users
from provider.accounts.store.users import ADMIN, Status, User
from provider.accounts.users import NoSuchUser
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.clients.registration import RESERVED_SCOPES
from provider.oauth.scopes import parse_scope
from provider.operator_names import OperatorKind
from provider.refusals import Forbidden, Refusal
from provider.work import UnitOfWork

MOST_ADMINISTRATORS = 1000
"""The most administrators that are looked at to find another one."""


class MorePermissions(Forbidden):
    """An action on a user, a role or an application that has more permissions than the operator."""

    code = "more-permissions"
    title = Text("More permissions needed")
    message = Text("The user, role or application has more permissions than you have.")


class LastAdministrator(Refusal):
    """A change after which no active user has the role `admin`. The command line can make it."""

    code = "last-administrator"
    status_code = 409
    title = Text("Last administrator")
    message = Text("This is the last active user with the role admin. Give the role to someone else first.")


def find_permissions(work: UnitOfWork, user_id: str) -> Permissions:
    """Return the permissions that a user has now. A user who is suspended or deleted has none."""
    user = users.find(work.read, user_id)
    return permissions_of(user.effective_roles if user is not None and user.status == Status.ACTIVE else ())


def problem_with_user(permissions: Permissions, roles: Iterable[str]) -> Text | None:
    """Return why an operator with these permissions can't change a user with these roles, or None."""
    beyond = role_beyond(permissions, roles)
    if beyond is None:
        return None
    return Text(
        "This user has the role %(role)s, which gives more permissions than you have. Ask an administrator to change "
        "this account.",
        role=beyond,
    )


def problem_with_application(permissions: Permissions, metadata: ClientMetadata) -> Text | None:
    """Return why an operator with these permissions can't change, or register, an application like this, or None.

    A reserved scope and `first_party` give an application access that users don't consent to, or that goes beyond the
    application. So whoever has its secret or its redirect URIs has that access, too.
    """
    if Permission.APPLICATIONS_TRUST in permissions:
        return None
    reserved = sorted(RESERVED_SCOPES & set(parse_scope(metadata.scope)))
    if reserved:
        return Text(
            "Only an administrator can register or change applications with the scope %(scope)s.", scope=reserved[0]
        )
    if metadata.first_party:
        return Text("Only an administrator can register or change applications with first_party.")
    return None


def require_user(work: UnitOfWork, permissions: Permissions, user_id: str) -> None:
    """Check that an operator with these permissions may change the user. Raises MorePermissions.

    A user who does not exist is left to the caller.
    """
    user = users.find(work.read, user_id)
    _raise(problem_with_user(permissions, () if user is None else user.effective_roles))


def require_application(permissions: Permissions, metadata: ClientMetadata) -> None:
    """Check that an operator with these permissions may register or change such an application. Raises
    MorePermissions.
    """
    _raise(problem_with_application(permissions, metadata))


def require_client(permissions: Permissions, client: Client | None) -> None:
    """Check that an operator with these permissions may change the client. Raises MorePermissions.

    A client that does not exist is left to the caller.
    """
    if client is not None:
        require_application(permissions, client.metadata)


def problem_with_roles(permissions: Permissions, roles: Iterable[str]) -> Text | None:
    """Return why an operator with these permissions can't give these roles, or None."""
    beyond = role_beyond(permissions, roles)
    if beyond is None:
        return None
    return Text("You can't give the role %(role)s, because it gives more permissions than you have.", role=beyond)


def require_roles(permissions: Permissions, roles: Iterable[str]) -> None:
    """Check that an operator with these permissions may give these roles. Raises MorePermissions."""
    _raise(problem_with_roles(permissions, roles))


def set_roles(work: UnitOfWork, permissions: Permissions, *, user_id: str, roles: Sequence[str]) -> None:
    """Replace the user's roles, for an operator with these permissions. The user is locked, so that no role that was
    just given is taken. Raises NoSuchUser, InvalidRole, MorePermissions or LastAdministrator.
    """
    if ADMIN not in roles:
        require_other_administrator(work, user_id, unless=lambda: _is_admin_by_group(work, user_id))
    user = _held(work, user_id)
    _raise(problem_with_user(permissions, user.effective_roles))
    require_roles(permissions, roles)
    accounts.set_roles(work, user_id=user_id, roles=roles)


def add_role(work: UnitOfWork, permissions: Permissions, *, user_id: str, role: str) -> None:
    """Give the user a role, for an operator with these permissions. Raises NoSuchUser, InvalidRole or
    MorePermissions.
    """
    user = _held(work, user_id)
    if role not in user.roles:
        set_roles(work, permissions, user_id=user_id, roles=[*user.roles, role])


def remove_role(work: UnitOfWork, permissions: Permissions, *, user_id: str, role: str) -> None:
    """Take a role from the user, for an operator with these permissions. Raises NoSuchUser, MorePermissions or
    LastAdministrator.
    """
    if role == ADMIN:
        require_other_administrator(work, user_id, unless=lambda: _is_admin_by_group(work, user_id))
    user = _held(work, user_id)
    if role in user.roles:
        set_roles(work, permissions, user_id=user_id, roles=[one for one in user.roles if one != role])


def _held(work: UnitOfWork, user_id: str) -> User:
    """Lock the user's row, and return the user as it is now. Raises NoSuchUser."""
    user = users.find(work.db, user_id) if users.lock(work.db, user_id) else None
    if user is None:
        raise NoSuchUser
    return user


def suspend(work: UnitOfWork, *, user_id: str, reason: str | None) -> None:
    """Suspend the account. Raises NoSuchUser or LastAdministrator."""
    require_other_administrator(work, user_id)
    suspension.suspend(work, user_id=user_id, reason=reason)


def delete(work: UnitOfWork, *, user_id: str) -> None:
    """Delete the account. Raises NoSuchUser or LastAdministrator."""
    require_other_administrator(work, user_id)
    accounts.delete_user(work, user_id=user_id)


def require_other_administrator(work: UnitOfWork, user_id: str, *, unless: Callable[[], bool] = lambda: False) -> None:
    """Check that someone is left who can change everything, if this user no longer can. Raises LastAdministrator.

    All administrators are locked, so that two can't remove each other at the same moment. `unless` is asked then: it
    returns whether this user stays an administrator.
    """
    user = users.find(work.read, user_id)
    if user is None or not _is_administrator(user):
        return
    named = roles_store.find_holders(work.db, ADMIN, limit=MOST_ADMINISTRATORS)
    users.lock_those(work.db, [*named, user_id])
    held = users.find_those(work.db, [*named, user_id])  # groups may have changed before the lock
    if not any(_is_administrator(other) for other in held if other.id != user_id) and not unless():
        raise LastAdministrator


def gives_admin(work: UnitOfWork, groups: Collection[str]) -> bool:
    """Return whether members of these groups have the role `admin`."""
    return any(ADMIN in roles for roles in groups_store.find_roles_by_group(work.db, groups).values())


def _is_admin_by_group(work: UnitOfWork, user_id: str) -> bool:
    return gives_admin(work, groups_store.find_of_user(work.db, user_id))


def _is_administrator(user: User) -> bool:
    return ADMIN in user.effective_roles and user.status == Status.ACTIVE


def _raise(problem: Text | None) -> None:
    if problem is not None:
        raise MorePermissions(problem)


def editor_of(work: UnitOfWork) -> Editor:
    """Return as whom the caller sees and edits attributes: a person, or a client that acts for itself
    (`callers.require_operator`).
    """
    operator = work.origin.operator
    return Editor.API if operator is not None and operator.kind == OperatorKind.CLIENT else Editor.OPERATOR
