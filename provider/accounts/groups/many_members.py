"""Many members of a group at once, in a few statements: directories send thousands."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from provider.accounts.groups.groups import NoSuchGroup
from provider.accounts.groups.members import MOST_GROUPS, TooManyGroups
from provider.accounts.groups.names import is_group_name
from provider.accounts.store import groups as store
from provider.accounts.store.group_tables import group_members
from provider.accounts.store.users import User, lock_those, users
from provider.accounts.users import NoSuchUser
from provider.audit.events import Event
from provider.audit.log import record, record_all
from provider.database.dialect import upsert
from provider.work import UnitOfWork

BATCH = 500


def join_new(work: UnitOfWork, groups_of: Mapping[str, Collection[str]]) -> set[str]:
    """Make users whom this transaction created members of groups, by their ids. Returns the names of groups that there
    are not: the users are in the others. No user may have more than MOST_GROUPS.
    """
    named = {name for names in groups_of.values() for name in names}
    there = {name for some in batches(named) for name in store.lock(work.db, some)}
    joined = {user_id: sorted(there.intersection(names)) for user_id, names in groups_of.items()}
    store.add_members(work.db, joined)
    changes: dict[str | None, dict[str, Any]] = {
        user_id: {"added": names, "removed": []} for user_id, names in joined.items() if names
    }
    record_all(work, Event.GROUPS_CHANGED, changes)
    return named - there


def lock_users(work: UnitOfWork, user_ids: Collection[str]) -> list[User]:
    """Lock these users until the transaction ends, and return them as they are now. Raises NoSuchUser."""
    found = [user for some in batches(user_ids) for user in lock_those(work.db, some)]
    if len(found) < len(set(user_ids)):
        raise NoSuchUser
    return found


def add_members(work: UnitOfWork, name: str, user_ids: Collection[str]) -> list[str]:
    """Add users, who are locked, to a group. Returns those who were no members. Raises NoSuchGroup or TooManyGroups."""
    _lock_group(work, name)
    new = sorted(set(user_ids) - find_members_among(work.db, name, user_ids))
    for some in batches(new):
        if _is_any_full(work.db, some):
            raise TooManyGroups
    for some in batches(new):
        rows = [{"group_name": name, "user_id": user_id} for user_id in some]
        work.db.execute(upsert(work.db, group_members).values(rows).on_conflict_do_nothing())
    _note(work, new, added=[name], removed=[])
    return new


def remove_members(work: UnitOfWork, name: str, user_ids: Collection[str]) -> list[str]:
    """Remove users, who are locked, from a group. Returns those who were members. Raises NoSuchGroup."""
    _lock_group(work, name)
    gone = sorted(find_members_among(work.db, name, user_ids))
    for some in batches(gone):
        theirs = (group_members.c.group_name == name, group_members.c.user_id.in_(some))
        work.db.execute(delete(group_members).where(*theirs))
    _note(work, gone, added=[], removed=[name])
    return gone


def find_members_among(db: Connection, name: str, user_ids: Collection[str]) -> set[str]:
    """Return which of these users are members of the group itself."""
    found: set[str] = set()
    for some in batches(user_ids):
        theirs = (group_members.c.group_name == name, group_members.c.user_id.in_(some))
        found.update(db.scalars(select(group_members.c.user_id).where(*theirs)))
    return found


def _is_any_full(db: Connection, user_ids: list[str]) -> bool:
    """Return whether one of these users can't be a member of another group."""
    counted = select(group_members.c.user_id).where(group_members.c.user_id.in_(user_ids))
    full = counted.group_by(group_members.c.user_id).having(func.count() >= MOST_GROUPS).limit(1)
    return db.scalar(full) is not None


def _lock_group(work: UnitOfWork, name: str) -> None:
    if not (is_group_name(name) and store.lock(work.db, [name])):
        raise NoSuchGroup


def _note(work: UnitOfWork, user_ids: list[str], *, added: list[str], removed: list[str]) -> None:
    for some in batches(user_ids):  # the claims that applications read have changed
        work.db.execute(update(users).where(users.c.id.in_(some)).values(updated_at=work.now))
    for user_id in user_ids:
        record(work, Event.GROUPS_CHANGED, user_id=user_id, added=added, removed=removed)


def batches(ids: Collection[str]) -> Iterator[list[str]]:
    """Yield these ids or names in order, as many at a time as a statement takes."""
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), BATCH):
        yield wanted[start : start + BATCH]
