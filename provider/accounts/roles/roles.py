"""The list of roles: the built-in ones of operators, and those that were created, or given to a user, for apps."""

from dataclasses import dataclass

from provider.accounts import users as accounts
from provider.accounts.roles.names import is_role_name, require_role_names
from provider.accounts.roles.permissions import OPERATOR_ROLES, Permissions, permissions_of
from provider.accounts.store import groups, users
from provider.accounts.store import roles as store
from provider.accounts.store.roles import COUNTED, LONGEST_DESCRIPTION, RoleRow
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.free_text import clean_line
from provider.languages.text import Text
from provider.refusals import NotFound, Refusal
from provider.work import UnitOfWork


class NoSuchRole(NotFound):
    code = "no-such-role"
    title = Text("Role not found")
    message = Text("This role does not exist.")


class RoleExists(Refusal):
    code = "role-exists"
    status_code = 409
    title = Text("Role exists")
    message = Text("There is a role with this name already.")


class BuiltInRole(Refusal):
    """A change of a role of operators, which is part of Signet."""

    code = "built-in-role"
    status_code = 409
    title = Text("Built-in role")
    message = Text("Built-in roles can't be changed or deleted.")


class RoleInUse(Refusal):
    """A role that too many users have to take it from all of them in one transaction."""

    code = "role-in-use"
    status_code = 409
    title = Text("Role in use")
    message = Text(
        "More than %(count)s users have this role. Remove it from them first, in the list of users.", count=COUNTED
    )


@dataclass(frozen=True)
class Role:
    """A role. `users` is how many users have it themselves, at most `COUNTED` + 1."""

    name: str
    description: str
    users: int
    required_factor: str = "none"
    """What its users must sign in with (`REQUIRED_FACTORS`)."""

    @property
    def is_built_in(self) -> bool:
        return self.name in OPERATOR_ROLES

    @property
    def permissions(self) -> Permissions:
        return permissions_of((self.name,))


def find_built_in(work: UnitOfWork) -> list[Role]:
    """Return the roles of operators."""
    return [_built_in(work, name) for name in OPERATOR_ROLES]


def find_page(work: UnitOfWork, *, after: str | None, limit: int) -> tuple[list[Role], str | None]:
    """Return a page of the other roles in order of their names, and the name after which the next page begins. `after`
    is that of this page.
    """
    found = store.find_page(work.read, without=OPERATOR_ROLES, after=after, limit=limit + 1)
    shown = [_role(row) for row in found[:limit]]
    return shown, shown[-1].name if len(found) > limit else None


def find_role(work: UnitOfWork, name: str) -> Role:
    """Return a role by its name. Raises NoSuchRole."""
    if name in OPERATOR_ROLES:
        return _built_in(work, name)
    row = store.find(work.read, name) if is_role_name(name) else None
    if row is None:
        raise NoSuchRole
    return _role(row)


def lock_role(work: UnitOfWork, name: str) -> None:
    """Keep the role as it is until the transaction ends, if there is one of this name."""
    if is_role_name(name):
        store.lock(work.db, name)


def find_users(work: UnitOfWork, name: str, *, after: str | None, limit: int) -> tuple[list[str], str | None]:
    """Return a page of the ids of the users who have a role, and the id after which the next page begins."""
    found = store.find_users(work.read, name, after=after, limit=limit + 1)
    return found[:limit], found[limit - 1] if len(found) > limit else None


def find_groups(work: UnitOfWork, name: str) -> list[str]:
    """Return the names of the groups whose members have a role."""
    return groups.find_with_role(work.read, name)


def create_role(work: UnitOfWork, *, name: str, description: str) -> None:
    """Create a role for apps. Raises InvalidRole, InvalidText or RoleExists."""
    require_role_names((name,))
    text = clean_description(description)
    if name in OPERATOR_ROLES or not store.add(work.db, name, text, now=work.now):
        raise RoleExists
    record(work, Event.ROLE_CREATED, role=name, description=text)


def describe_role(work: UnitOfWork, *, name: str, description: str) -> None:
    """Replace the description of a role. Raises NoSuchRole, BuiltInRole or InvalidText."""
    text, before = clean_description(description), _held(work, name)
    store.describe(work.db, name, text)
    record(
        work,
        Event.ROLE_UPDATED,
        role=name,
        before={"description": before.description},
        after={"description": text},
    )


def require_factor(work: UnitOfWork, *, name: str, required_factor: str) -> None:
    """Set what users of a role, also of a built-in one, must sign in with. It holds from their next request to an app
    on. Raises NoSuchRole.
    """
    if name not in OPERATOR_ROLES:
        _held(work, name)
    before = store.find_required_factors(work.db).get(name, "none")
    if required_factor == before:
        return
    store.require_factor(work.db, name, None if required_factor == "none" else required_factor, now=work.now)
    record(
        work,
        Event.ROLE_UPDATED,
        role=name,
        before={"required_factor": before},
        after={"required_factor": required_factor},
    )


def put_role(work: UnitOfWork, *, name: str, description: str, required_factor: str | None = None) -> None:
    """Create a role, or replace its description; and set what it requires, unless that is None. Of a built-in role only
    that can be set. Raises InvalidRole, BuiltInRole or InvalidText.
    """
    if name not in OPERATOR_ROLES or description or required_factor is None:
        try:
            describe_role(work, name=name, description=description)
        except NoSuchRole:
            create_role(work, name=name, description=description)
    if required_factor is not None:
        require_factor(work, name=name, required_factor=required_factor)


def delete_role(work: UnitOfWork, *, name: str) -> int:
    """Delete a role, and take it from the users and groups that have it. Returns how many users they were. Raises
    NoSuchRole, BuiltInRole or RoleInUse.
    """
    _held(work, name)
    holders = store.find_users(work.db, name, limit=COUNTED + 1)
    if len(holders) > COUNTED:
        raise RoleInUse
    for user_id in holders:
        user = users.find(work.db, user_id) if users.lock(work.db, user_id) else None
        if user is not None:
            accounts.set_roles(work, user_id=user_id, roles=[role for role in user.roles if role != name])
    groups.remove_role(work.db, name)
    store.remove(work.db, name)
    record(work, Event.ROLE_DELETED, role=name, users=len(holders))
    return len(holders)


def clean_description(text: str) -> str:
    """Return a description as it is stored. Raises InvalidText."""
    return clean_line(text, most=LONGEST_DESCRIPTION)


def _held(work: UnitOfWork, name: str) -> RoleRow:
    """Lock the row of a role that can be changed, and return it. Raises NoSuchRole or BuiltInRole."""
    if name in OPERATOR_ROLES:
        raise BuiltInRole
    row = store.find(work.db, name) if is_role_name(name) and store.lock(work.db, name) else None
    if row is None:
        raise NoSuchRole
    return row


def _role(row: RoleRow) -> Role:
    return Role(row.name, row.description, row.users, row.required_factor or "none")


def _built_in(work: UnitOfWork, name: str) -> Role:
    required = store.find_required_factors(work.read).get(name, "none")
    return Role(name, OPERATOR_ROLES[name].description, store.count_users(work.read, name), required)
