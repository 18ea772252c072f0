"""The members of groups: add and remove them."""

from collections.abc import Collection, Iterable

from provider.accounts.groups.groups import NoSuchGroup
from provider.accounts.groups.names import is_group_name, require_group_names
from provider.accounts.store import groups as store
from provider.accounts.store import users
from provider.accounts.users import NoSuchUser
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import UnitOfWork

MOST_GROUPS = 1000
"""How many groups a user can be a member of, so that what tokens and pages read about one user is bounded."""


class TooManyGroups(Refusal):
    code = "too-many-groups"
    status_code = 409
    title = Text("Too many groups")
    message = Text("A user can be a member of at most %(most)s groups.", most=MOST_GROUPS)


def find_members(work: UnitOfWork, name: str, *, after: str | None, limit: int) -> tuple[list[str], str | None]:
    """Return a page of the ids of the members of a group, and the id after which the next page begins."""
    found = store.find_members(work.read, name, after=after, limit=limit + 1)
    return found[:limit], found[limit - 1] if len(found) > limit else None


def add_member(work: UnitOfWork, name: str, *, user_id: str) -> bool:
    """Add a user to a group. Returns False if the user is a member already. Raises NoSuchUser, NoSuchGroup or
    TooManyGroups.
    """
    _require(work, name, user_id)
    if not store.add_member(work.db, name, user_id):
        return False
    if len(store.find_of_user(work.db, user_id)) > MOST_GROUPS:
        store.remove_member(work.db, name, user_id)  # a refusal keeps what was written
        raise TooManyGroups
    _note(work, user_id, added=[name], removed=[])
    return True


def remove_member(work: UnitOfWork, name: str, *, user_id: str) -> bool:
    """Remove a user from a group. Returns False if the user is no member. Raises NoSuchUser or NoSuchGroup."""
    _require(work, name, user_id)
    if not store.remove_member(work.db, name, user_id):
        return False
    _note(work, user_id, added=[], removed=[name])
    return True


def set_groups(work: UnitOfWork, *, user_id: str, names: Iterable[str]) -> None:
    """Make the user a member of exactly these groups. Raises InvalidGroup, NoSuchUser, NoSuchGroup or TooManyGroups."""
    wanted = sorted(set(names))
    require_existing(work, wanted)
    if len(wanted) > MOST_GROUPS:
        raise TooManyGroups
    if not users.lock(work.db, user_id):
        raise NoSuchUser
    before = store.find_of_user(work.db, user_id)
    added, removed = sorted(set(wanted) - set(before)), sorted(set(before) - set(wanted))
    there = store.lock(work.db, [*added, *removed])
    for name in added:
        if name not in there:
            raise NoSuchGroup(name)
    for name in added:
        store.add_member(work.db, name, user_id)
    for name in removed:
        store.remove_member(work.db, name, user_id)
    if added or removed:
        _note(work, user_id, added=added, removed=removed)


def join_and_leave(
    work: UnitOfWork, *, user_id: str, join: Collection[str], leave: Collection[str], upstream: str
) -> list[str]:
    """Make a user, who is locked, a member of the first groups and of the second no longer, because an upstream says
    so. Returns the groups that the user is now a new member of: those that exist, as long as there is room.
    """
    there = store.lock(work.db, {*join, *leave}) if join or leave else set()
    removed = [name for name in sorted(leave) if store.remove_member(work.db, name, user_id)]
    room = MOST_GROUPS - len(store.find_of_user(work.db, user_id)) if join else 0
    added = [name for name in sorted(there & set(join))[: max(room, 0)] if store.add_member(work.db, name, user_id)]
    if added or removed:
        users.touch(work.db, user_id, now=work.now)
        record(work, Event.GROUPS_CHANGED, user_id=user_id, added=added, removed=removed, upstream=upstream)
    return added


def require_existing(work: UnitOfWork, names: Iterable[str]) -> None:
    """Check that there are groups with these names. Raises InvalidGroup or NoSuchGroup."""
    wanted = sorted(set(names))
    require_group_names(wanted)
    there = store.find_existing(work.read, wanted)
    for name in wanted:
        if name not in there:
            raise NoSuchGroup(name)


def _require(work: UnitOfWork, name: str, user_id: str) -> None:
    """Lock the user and the group, always in this order. Raises NoSuchUser or NoSuchGroup."""
    if not users.lock(work.db, user_id):
        raise NoSuchUser
    if not (is_group_name(name) and store.lock(work.db, [name])):
        raise NoSuchGroup


def _note(work: UnitOfWork, user_id: str, *, added: list[str], removed: list[str]) -> None:
    users.touch(work.db, user_id, now=work.now)  # the claims that applications read have changed
    record(work, Event.GROUPS_CHANGED, user_id=user_id, added=added, removed=removed)
