"""Groups: create, change and delete them, and find them with their roles, owners and the groups they contain."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime

from provider.accounts.groups.names import is_group_name, require_group_names
from provider.accounts.roles.names import require_role_names
from provider.accounts.store import groups as store
from provider.accounts.store import users
from provider.accounts.store.group_tables import LONGEST_DESCRIPTION, LONGEST_DISPLAY_NAME
from provider.accounts.store.groups import GroupRow, ListedGroup
from provider.audit.events import Event
from provider.audit.log import record
from provider.changes import Changes, differences
from provider.database.base import parse_id
from provider.languages.free_text import clean_line
from provider.languages.text import Text
from provider.refusals import NotFound, Refusal
from provider.work import UnitOfWork

MOST_ROLES = 100
"""How many roles can be given to a group."""
MOST_CONTAINED = 200
"""How many groups a group can contain."""
MOST_OWNERS = 50
"""How many owners a group can have."""


class NoSuchGroup(NotFound):
    code = "no-such-group"
    title = Text("Group not found")
    message = Text("This group does not exist.")

    def __init__(self, name: str | None = None) -> None:
        super().__init__(None if name is None else Text("There is no group %(name)s.", name=name[:200]))


class GroupExists(Refusal):
    code = "group-exists"
    status_code = 409
    title = Text("Group exists")
    message = Text("There is a group with this name already.")


class InvalidGroupSettings(Refusal):
    """Settings that a group can't have. `member` is the name of the one that is wrong."""

    code = "invalid-group-settings"
    title = Text("Invalid group settings")
    message = Text("These settings of the group are not valid.")

    def __init__(self, message: Text, *, member: str) -> None:
        self.member = member
        super().__init__(message)


class NestedTooDeep(Refusal):
    """A group would contain a group that contains groups itself. A cycle is rejected with it too."""

    code = "nested-too-deep"
    status_code = 409
    title = Text("Groups are nested too deep")
    message = Text("A group can only contain groups that contain no groups.")


@dataclass(frozen=True)
class GroupSettings:
    """The settings of a group, besides its members. `owners` are ids of users."""

    display_name: str = ""
    description: str = ""
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

    def differences(self, wanted: "GroupSettings") -> Changes:
        """Return what `wanted` changes."""
        return differences(vars(self), vars(wanted))


MEMBERS = tuple(field.name for field in fields(GroupSettings))


@dataclass(frozen=True)
class Group:
    """A group as it is stored. `members` is how many users are members of it itself, at most `COUNTED` + 1."""

    name: str
    settings: GroupSettings
    contained_in: tuple[str, ...]
    members: int
    created_at: datetime
    updated_at: datetime

    @property
    def title(self) -> str:
        """The name that people read."""
        return self.settings.display_name or self.name


def find_page(work: UnitOfWork, *, after: str | None, limit: int) -> tuple[list[ListedGroup], str | None]:
    """Return a page of groups in order of their names, and the name after which the next page begins."""
    found = store.find_page(work.read, after=after, limit=limit + 1)
    return found[:limit], found[limit - 1].name if len(found) > limit else None


def find_group(work: UnitOfWork, name: str) -> Group:
    """Return a group by its name. Raises NoSuchGroup."""
    row = store.find(work.read, name) if is_group_name(name) else None
    if row is None:
        raise NoSuchGroup
    return Group(
        name=row.name,
        settings=_settings(work, row),
        contained_in=tuple(store.find_containing(work.read, [name])),
        members=store.count_members(work.read, name),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def exists(work: UnitOfWork, name: str) -> bool:
    """Return whether there is a group with this name."""
    return is_group_name(name) and store.find(work.read, name) is not None


def lock_group(work: UnitOfWork, name: str) -> None:
    """Lock the group with this name until the transaction ends. Does nothing if there is none."""
    if is_group_name(name):
        store.lock(work.db, [name])


def create_group(work: UnitOfWork, name: str, settings: GroupSettings) -> None:
    """Create a group. Raises InvalidGroup, GroupExists, NoSuchGroup, NestedTooDeep, InvalidRole or
    InvalidGroupSettings.
    """
    require_group_names((name,))
    wanted = check_settings(work, settings)
    store.lock(work.db, wanted.groups)
    _require_containable(work, name, wanted.groups, before=())
    if not store.add(work.db, _row(name, wanted, work, created_at=work.now)):
        raise GroupExists
    _put(work, name, GroupSettings(), wanted)
    record(work, Event.GROUP_CREATED, group=name, after=GroupSettings().differences(wanted).after)


def change_group(work: UnitOfWork, name: str, settings: GroupSettings) -> None:
    """Replace the settings of a group. Raises NoSuchGroup, NestedTooDeep, InvalidRole or InvalidGroupSettings."""
    wanted = check_settings(work, settings)
    # With the groups it contains, in one order: two changes that make one contain the other wait for each other.
    locked = store.lock(work.db, {name, *wanted.groups}) if is_group_name(name) else set()
    row = store.find(work.db, name) if name in locked else None
    if row is None:
        raise NoSuchGroup
    before = _settings(work, row)
    _require_containable(work, name, wanted.groups, before=before.groups)
    changed = before.differences(wanted)
    if not changed:
        return
    store.change(work.db, _row(name, wanted, work, created_at=row.created_at))
    _put(work, name, before, wanted)
    record(work, Event.GROUP_UPDATED, group=name, before=changed.before, after=changed.after)


def put_group(work: UnitOfWork, name: str, settings: GroupSettings) -> None:
    """Create a group, or replace its settings. Raises what `create_group` and `change_group` raise.

    It raises GroupExists for a group that another request creates meanwhile. The operator's permissions were checked
    for a new group, and the other one may have roles that this operator can't give.
    """
    if is_group_name(name) and store.find(work.db, name) is not None:
        change_group(work, name, settings)
    else:
        create_group(work, name, settings)


def delete_group(work: UnitOfWork, name: str) -> None:
    """Delete a group. Its members stay users, and the groups it contains stay groups. Raises NoSuchGroup."""
    if not (is_group_name(name) and store.lock(work.db, [name])):
        raise NoSuchGroup
    members = store.count_members(work.db, name)
    store.remove(work.db, name)
    record(work, Event.GROUP_DELETED, group=name, members=members)


def roles_of(work: UnitOfWork, name: str) -> list[str]:
    """Return the roles that members of this group have through it: its own, and those of groups that contain it."""
    return sorted(store.find_roles_by_group(work.read, [name]).get(name, ())) if is_group_name(name) else []


def roles_with(work: UnitOfWork, name: str, settings: GroupSettings) -> list[str]:
    """Return every role that this group gives to a user, now or with these settings. An operator who changes the group
    must be allowed to give all of them.
    """
    return sorted({*roles_of(work, name), *settings.roles})


def check_settings(work: UnitOfWork, settings: GroupSettings) -> GroupSettings:
    """Return the settings as they are stored: clean texts, and each name once, in order. Raises InvalidRole,
    InvalidGroup, InvalidText or InvalidGroupSettings.
    """
    require_role_names(settings.roles)
    require_group_names(settings.groups)
    cleaned = replace(
        settings,
        display_name=clean_line(settings.display_name, most=LONGEST_DISPLAY_NAME),
        description=clean_line(settings.description, most=LONGEST_DESCRIPTION),
        roles=_each_once(settings.roles),
        groups=_each_once(settings.groups),
        owners=_each_once(settings.owners),
    )
    for member, most in (("roles", MOST_ROLES), ("groups", MOST_CONTAINED), ("owners", MOST_OWNERS)):
        if len(getattr(cleaned, member)) > most:
            raise InvalidGroupSettings(Text("A group can have at most %(most)s of these.", most=most), member=member)
    known = {user.id for user in users.find_those(work.read, [one for one in cleaned.owners if parse_id(one) == one])}
    for owner in cleaned.owners:
        if owner not in known:
            raise InvalidGroupSettings(Text("There is no user %(user)s.", user=owner[:254]), member="owners")
    return cleaned


def _each_once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _require_containable(work: UnitOfWork, name: str, wanted: tuple[str, ...], *, before: tuple[str, ...]) -> None:
    """Check that the group can contain these groups, which are locked. Raises NoSuchGroup or NestedTooDeep."""
    new = [one for one in wanted if one not in before]
    if name in new or (new and store.find_containing(work.db, [name])):
        raise NestedTooDeep
    there = store.lock(work.db, new) if new else set()
    for one in new:
        if one not in there:
            raise NoSuchGroup(one)
    if new and store.find_with_contained(work.db, new):
        raise NestedTooDeep


def _put(work: UnitOfWork, name: str, before: GroupSettings, wanted: GroupSettings) -> None:
    if wanted.roles != before.roles:
        store.replace_roles(work.db, name, wanted.roles, now=work.now)
    if wanted.groups != before.groups:
        store.replace_contained(work.db, name, wanted.groups)
    if wanted.owners != before.owners:
        store.replace_owners(work.db, name, wanted.owners)


def _row(name: str, settings: GroupSettings, work: UnitOfWork, *, created_at: datetime) -> GroupRow:
    return GroupRow(name, settings.display_name, settings.description, created_at, work.now)


def _settings(work: UnitOfWork, row: GroupRow) -> GroupSettings:
    return GroupSettings(
        display_name=row.display_name,
        description=row.description,
        roles=tuple(store.find_roles(work.read, [row.name])),
        groups=tuple(store.find_contained(work.read, [row.name])),
        owners=tuple(store.find_owners(work.read, row.name)),
    )
