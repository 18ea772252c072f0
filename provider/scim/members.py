"""The members of groups: added, removed and replaced. A change of one member costs the same in a group of ten
thousand.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from scim2_models import ScimFilter

from provider.accounts.groups import groups as rules
from provider.accounts.groups import many_members
from provider.accounts.groups.groups import GroupSettings
from provider.accounts.store import groups as group_store
from provider.database.base import parse_id
from provider.operators import authority, group_authority
from provider.operators.authority import MorePermissions
from provider.scim import groups, reading
from provider.scim.callers import PERMISSIONS, Directory
from provider.scim.errors import ScimRefusal, invalid
from provider.scim.groups import MOST_MEMBERS
from provider.scim.models import GROUP, Group
from provider.scim.store import users as user_store
from provider.work import UnitOfWork

ADD, REMOVE = "add", "remove"
MOST_CHANGED = 2_000
"""The most members that a request adds and removes. Each is an audit event."""


def add(work: UnitOfWork, name: str, members: Iterable[Mapping[str, Any]]) -> None:
    """Add users and groups to a group. Raises ScimRefusal, MorePermissions, TooManyGroups or NestedTooDeep."""
    user_ids, inner = _resolve(work, members)
    _change_users(work, name, add=user_ids, remove=[])
    _contain(work, name, add=inner, remove=[])


def remove(work: UnitOfWork, name: str, values: Iterable[str]) -> None:
    """Remove members by their IDs. Those that are none are left out. Raises MorePermissions."""
    wanted = list(values)
    own = [user_id for value in wanted if (user_id := parse_id(value)) is not None]
    _change_users(work, name, add=[], remove=many_members.find_members_among(work.db, name, own))
    _contain(work, name, add=[], remove=list(groups.find_names(work, wanted).values()))


def set_members(work: UnitOfWork, name: str, members: Iterable[Mapping[str, Any]]) -> None:
    """Make these the members of a group. Raises what `add` and `remove` raise."""
    user_ids, inner = _resolve(work, members)
    now = group_store.find_members(work.db, name, limit=MOST_MEMBERS + 1)
    if len(now) > MOST_MEMBERS:
        raise ScimRefusal("tooMany", f"The group has more than {MOST_MEMBERS} members. Change them one by one.")
    _change_users(work, name, add=set(user_ids) - set(now), remove=set(now) - set(user_ids))
    contained = set(group_store.find_contained(work.db, [name]))
    _contain(work, name, add=sorted(set(inner) - contained), remove=sorted(contained - set(inner)))


def replace(work: UnitOfWork, directory: Directory, name: str, given: Mapping[str, Any]) -> None:
    """Replace a group with its members (RFC 7644 section 3.5.1). Raises ScimRefusal."""
    before = reading.load(Group, groups.show(work, directory, name, with_members=False))
    wanted = groups.dump(reading.read_resource(Group, given, original=before))
    groups.rename(work, name, wanted)
    groups.put_external_id(work, directory, name, wanted.get("externalId"))
    set_members(work, name, wanted.get("members") or [])


def change(work: UnitOfWork, directory: Directory, name: str, given: Mapping[str, Any]) -> None:
    """Change a group (RFC 7644 section 3.5.2). Operations on members alone do not read the others. Raises
    ScimRefusal.
    """
    changes = reading.read_changes(Group, _with_lists(given), most=MOST_CHANGED)
    rest = [one for one in changes.operations if not _change_members(work, name, one)]
    if not rest:
        return
    resource = reading.load(Group, groups.show(work, directory, name, with_members=False))
    title = groups.dump(resource).get("displayName")
    reading.apply_changes(changes.model_copy(update={"operations": rest}), resource)
    wanted = groups.dump(resource)
    if wanted.get("displayName") != title:  # otherwise an operator may have renamed it since it was read
        groups.rename(work, name, wanted)
    groups.put_external_id(work, directory, name, wanted.get("externalId"))


def _change_members(work: UnitOfWork, name: str, operation: Any) -> bool:
    """Carry out an operation on the members. Returns False if it is about something else, which is left."""
    value, path = operation.value, str(operation.path or "")
    if not path:
        if not isinstance(value, dict):
            return False
        key = next((key for key in value if _attribute(key) == "members"), None)
        if key is None:
            return False
        members = _members_in(value.pop(key))
        (add if operation.op == ADD else set_members)(work, name, members)
        return not value
    attribute, bracket, _ = path.partition("[")
    if _attribute(attribute) != "members":
        if _attribute(attribute).startswith("members."):
            raise ScimRefusal("mutability", "A member can't be changed. Remove it and add another one.")
        return False
    if bracket:
        _change_selected(work, name, operation)
    elif operation.op == ADD:
        add(work, name, _members_in(value))
    elif operation.op == REMOVE and value is not None:
        remove(work, name, [str(one.get("value")) for one in _members_in(value)])
    else:
        set_members(work, name, [] if operation.op == REMOVE else _members_in(value))
    return True


def _change_selected(work: UnitOfWork, name: str, operation: Any) -> None:
    """Remove the members that a path selects, such as members[value eq "..."]."""
    if operation.op != REMOVE:
        raise ScimRefusal("mutability", "A member can't be changed. Remove it and add another one.")
    path = str(operation.path)
    if not path.endswith("]"):
        raise ScimRefusal("mutability", "Remove the whole member.")
    terms = _terms(getattr(ScimFilter(path).ast, "val_filter", None))
    if terms is None:
        raise ScimRefusal("invalidFilter", 'Select members by their ID, as in members[value eq "ID"].')
    remove(work, name, terms)


def _terms(node: Any) -> list[str] | None:
    """Return the IDs in a filter such as value eq "a" or value eq "b", or None if it is another one."""
    if hasattr(node, "terms") and node.op == "or":
        each = [_terms(term) for term in node.terms]
        return None if any(one is None for one in each) else [value for one in each for value in one or []]
    is_id = getattr(node, "op", None) == "eq" and str(node.attr_path).lower() == "value"
    return [node.value] if is_id and isinstance(node.value, str) else None


def _attribute(path: str) -> str:
    prefix = f"{GROUP}:".lower()
    return path.lower().removeprefix(prefix)


def _members_in(value: Any) -> list[Mapping[str, Any]]:
    found = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(one, Mapping) for one in found):
        raise invalid("members must be a list of objects with value.")
    return [{key.lower(): inner for key, inner in one.items()} for one in found]


def _with_lists(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a PATCH in which members are objects, also where a client sends their IDs alone."""
    operations = given.get("Operations", given.get("operations"))
    if not isinstance(operations, list):
        return dict(given)
    return {**given, "Operations": [_with_list(one) for one in operations]}


def _with_list(operation: Any) -> Any:
    if not isinstance(operation, dict) or _attribute(str(operation.get("path"))) != "members":
        return operation
    value = operation.get("value")
    each = value if isinstance(value, list) else [value]
    objects = [{"value": one} if isinstance(one, str) else one for one in each if one is not None]
    return {**operation, "value": objects} if value is not None else operation


def _change_users(work: UnitOfWork, name: str, *, add: Collection[str], remove: Collection[str]) -> None:
    """Add and remove users, as `group_authority` does it for one. Raises ScimRefusal or MorePermissions."""
    if not add and not remove:
        return
    if len(add) + len(remove) > MOST_CHANGED:
        raise ScimRefusal("tooMany", f"A request can add and remove at most {MOST_CHANGED} members.")
    for user in many_members.lock_users(work, [*add, *remove]):
        problem = authority.problem_with_user(PERMISSIONS, user.effective_roles)
        if problem is not None:
            raise MorePermissions(problem)
    authority.require_roles(PERMISSIONS, rules.roles_of(work, name))
    many_members.remove_members(work, name, remove)
    many_members.add_members(work, name, add)


def _resolve(work: UnitOfWork, members: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the IDs of the users and the names of the groups that are meant. Raises ScimRefusal."""
    values = [one.get("value") for one in members]
    if not all(isinstance(value, str) and value for value in values):
        raise invalid("members: each member needs a value, the ID of a user or a group.")
    wanted = list(dict.fromkeys(str(value) for value in values))
    if len(wanted) > MOST_MEMBERS:
        raise ScimRefusal("tooMany", f"A request can name at most {MOST_MEMBERS} members.")
    ids = {value: user_id for value in wanted if (user_id := parse_id(value)) is not None}
    there = user_store.find_provisionable(work.read, set(ids.values()))
    names = groups.find_names(work, [value for value in wanted if value not in ids])
    missing = [value for value in wanted if ids.get(value) not in there and value not in names]
    if missing:
        raise invalid(f"members: there is no user or group {missing[0][:300]}.")
    return [ids[value] for value in wanted if value in ids], list(names.values())


def _contain(work: UnitOfWork, name: str, *, add: list[str], remove: list[str]) -> None:
    """Change which groups a group contains: their members are in it, too."""
    if not add and not remove:
        return
    rules.lock_group(work, name)
    settings = rules.find_group(work, name).settings
    contained = tuple(sorted({*settings.groups, *add} - set(remove)))
    if contained != settings.groups:
        wanted = GroupSettings(settings.display_name, settings.description, settings.roles, contained, settings.owners)
        group_authority.put_group(work, PERMISSIONS, name, wanted)
