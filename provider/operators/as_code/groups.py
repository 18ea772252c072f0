"""Groups of users as code: compare those of a file with the ones of the installation.

Groups that contain none come first, so that the others can contain them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from provider.accounts.groups import groups
from provider.accounts.groups.groups import GroupSettings
from provider.accounts.groups.members import set_groups
from provider.accounts.groups.names import is_group_name
from provider.accounts.store import groups as store
from provider.accounts.users import find_user
from provider.languages.free_text import InvalidText
from provider.operators.as_code.kinds import Kind, Table
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.work import UnitOfWork

_LISTS = ("roles", "groups", "owners")


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


def _plan(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    name = table.name
    if not is_group_name(name):
        raise NotApplied(f"{table.about}: this is not a name that a group can have.")
    wanted = _parse(work, table.about, table.given)

    def put(work: UnitOfWork) -> None:
        groups.put_group(work, name, wanted)

    if store.find(work.read, name) is None:
        yield PlannedChange("create", table.about, GroupSettings().differences(wanted), put)
    elif changed := groups.find_group(work, name).settings.differences(wanted):
        yield PlannedChange("update", table.about, changed, put)


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


def _every_name(work: UnitOfWork) -> Iterable[str]:
    after: str | None = None
    while page := store.find_page(work.read, after=after, limit=500):
        yield from (row.name for row in page)
        after = page[-1].name


GROUPS = Kind(
    name="groups",
    noun="group",
    members=groups.MEMBERS,
    plan_one=_plan,
    find_names=_every_name,
    delete=groups.delete_group,
    order=lambda table: bool(table.get("groups")),
)
