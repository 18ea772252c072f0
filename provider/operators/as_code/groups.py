"""Groups of users as code: compare those of a file with the ones of the installation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from provider.accounts.groups import groups
from provider.accounts.groups.groups import GroupSettings
from provider.accounts.groups.members import set_groups
from provider.accounts.groups.names import is_group_name
from provider.accounts.store import groups as store
from provider.accounts.users import find_user
from provider.languages.free_text import InvalidText
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.refusals import Refusal
from provider.work import UnitOfWork

GROUPS = "groups"
"""The table of a file with the groups, by name."""
KNOWN = set(groups.MEMBERS)
_LISTS = ("roles", "groups", "owners")


def plan_groups(work: UnitOfWork, tables: Mapping[str, dict[str, Any]], *, prune: bool) -> list[PlannedChange]:
    """Return the changes that bring groups in line with these tables. With `prune`, others are deleted if there are any
    tables. Raises NotApplied.

    Groups that contain none come first, so that the others can contain them.
    """
    ordered = sorted(tables.items(), key=lambda item: bool(item[1].get("groups")))
    changes = [change for name, table in ordered for change in _plan(work, name, table)]
    gone = [name for name in _every_name(work) if name not in tables] if prune and tables else []
    return [*changes, *(PlannedChange("delete", _about(name), do=_deleting(name)) for name in gone)]


def plan_groups_of_user(work: UnitOfWork, address: str, user_id: str, wanted: object) -> Iterable[PlannedChange]:
    """Yield the change that makes a user a member of exactly these groups. Raises NotApplied."""
    about = f"user {address}"
    if not isinstance(wanted, list) or not all(isinstance(name, str) and is_group_name(name) for name in wanted):
        raise NotApplied(f"{about}: groups must be a list of names.")
    now, names = store.find_of_user(work.read, user_id), sorted(set(wanted))
    if now != names:
        yield PlannedChange(
            "update", about, {"groups": (now, names)}, lambda work: set_groups(work, user_id=user_id, names=names)
        )


def _plan(work: UnitOfWork, name: str, table: Mapping[str, Any]) -> Iterable[PlannedChange]:
    about = _about(name)
    if not is_group_name(name):
        raise NotApplied(f"{about}: this is not a name that a group can have.")
    wanted = _parse(work, about, table)
    if store.find(work.read, name) is None:
        yield PlannedChange("create", about, GroupSettings().differences(wanted), _putting(name, wanted))
    elif changed := groups.find_group(work, name).settings.differences(wanted):
        yield PlannedChange("update", about, changed, _putting(name, wanted))


def _parse(work: UnitOfWork, about: str, table: Mapping[str, Any]) -> GroupSettings:
    for member in _LISTS:
        value = table.get(member, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise NotApplied(f"{about}: {member} must be a list of names.")
    for member in ("display_name", "description"):
        if not isinstance(table.get(member, ""), str):
            raise NotApplied(f"{about}: {member} must be text.")
    given: dict[str, Any] = {
        member: tuple(value) if isinstance(value, list) else value for member, value in table.items()
    }
    settings = GroupSettings(**given)
    owners = []
    for owner in settings.owners:
        user = find_user(work, owner)
        if user is None:
            raise NotApplied(f"{about}: no account has this email address or ID: {owner}.")
        owners.append(user.id)
    try:
        return groups.check_settings(work, replace(settings, owners=tuple(owners)))
    except InvalidText as invalid:
        raise NotApplied(f"{about}: {invalid}") from None
    except Refusal as refused:
        raise NotApplied(f"{about}: {refused}") from None


def _every_name(work: UnitOfWork) -> Iterable[str]:
    after: str | None = None
    while page := store.find_page(work.read, after=after, limit=500):
        yield from (row.name for row in page)
        after = page[-1].name


def _about(name: str) -> str:
    return f"group {name}"


def _putting(name: str, wanted: GroupSettings) -> Callable[[UnitOfWork], None]:
    return lambda work: groups.put_group(work, name, wanted)


def _deleting(name: str) -> Callable[[UnitOfWork], None]:
    return lambda work: groups.delete_group(work, name)
