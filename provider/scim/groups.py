"""Groups as SCIM resources: show, create, replace and delete them. Their members are in `members`."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from scim2_models import Context, Resource

from provider.accounts.groups import groups as rules
from provider.accounts.groups.groups import GroupSettings
from provider.accounts.groups.names import is_group_name
from provider.accounts.store.group_tables import LONGEST_DISPLAY_NAME
from provider.accounts.store.groups import GroupRow
from provider.database.types import LONGEST_KEY
from provider.languages.free_text import InvalidText, clean_line
from provider.operators import group_authority
from provider.operators.etags import version_of
from provider.scim import reading
from provider.scim.callers import PERMISSIONS, Directory
from provider.scim.errors import UNIQUENESS, ScimRefusal, invalid
from provider.scim.models import GROUP, Group
from provider.scim.store import groups as store
from provider.scim.store.external_ids import GROUP_IDS
from provider.work import UnitOfWork

MOST_MEMBERS = 10_000
"""The most members that one response lists, all its groups together."""
SIMILAR = 20
"""How many names are tried for a group whose name is taken."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def id_of(row: GroupRow) -> str:
    """Return the ID of a group: its name and when it was created, so that a later group of the name has another ID
    (RFC 7643 section 3.1).
    """
    name = base64.urlsafe_b64encode(row.name.encode()).decode().rstrip("=")
    return f"{name}.{(row.created_at - _EPOCH) // timedelta(microseconds=1):x}"


def name_in(group_id: str) -> str | None:
    """Return the name in the ID of a group, or None if it can't be one."""
    encoded = group_id.partition(".")[0]
    try:
        name = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (ValueError, binascii.Error):
        return None
    return name if is_group_name(name) else None


def find_names(work: UnitOfWork, group_ids: Collection[str]) -> dict[str, str]:
    """Return the names of the groups with these IDs that there are, by ID."""
    names = {group_id: name for group_id in group_ids if (name := name_in(group_id)) is not None}
    rows = store.find_those(work.read, set(names.values()))
    return {group_id: name for group_id, name in names.items() if name in rows and id_of(rows[name]) == group_id}


def require_name(work: UnitOfWork, group_id: str) -> str:
    """Return the name of the group with this ID. Raises ScimRefusal."""
    found = find_names(work, [group_id])
    if not found:
        raise ScimRefusal(None, f"Resource {group_id[:300]} not found.", status=404)
    return found[group_id]


def location_of(work: UnitOfWork, row: GroupRow) -> str:
    return f"{work.settings.issuer}/scim/v2/Groups/{quote(id_of(row))}"


def membership(work: UnitOfWork, row: GroupRow) -> dict[str, Any]:
    """Return a group as the `groups` of a user have it."""
    shown = row.display_name or row.name
    return {"value": id_of(row), "$ref": location_of(work, row), "display": shown, "type": "direct"}


def find_views(
    work: UnitOfWork, directory: Directory, names: Collection[str], *, with_members: bool = True
) -> list[dict[str, Any]]:
    """Return these groups as a client sees them, in the given order. Raises ScimRefusal for too many members."""
    rows = store.find_those(work.read, names)
    external = GROUP_IDS.find_those(work.read, directory.client_id, names)
    members = _members(work, names) if with_members else {}
    views = []
    for row in (rows[name] for name in names if name in rows):
        view: dict[str, Any] = {"schemas": [GROUP], "id": id_of(row), "displayName": row.display_name or row.name}
        if row.name in external:
            view["externalId"] = external[row.name]
        if members.get(row.name):
            view["members"] = members[row.name]
        version = {"version": f'W/"{version_of([view, row.updated_at])}"'} if with_members else {}
        view["meta"] = {
            "resourceType": "Group",
            "created": _time(row.created_at),
            "lastModified": _time(row.updated_at),
            "location": location_of(work, row),
            **version,
        }
        views.append(view)
    return views


def show(work: UnitOfWork, directory: Directory, name: str, *, with_members: bool = True) -> dict[str, Any]:
    """Return a group as the client sees it. Raises ScimRefusal."""
    return find_views(work, directory, [name], with_members=with_members)[0]


def create(work: UnitOfWork, directory: Directory, given: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Create a group without its members, for which it returns the name and the members to add. Raises ScimRefusal."""
    wanted = dump(reading.read_resource(Group, given))
    title = _title(work, wanted, None)
    name = _free_name(work, title)
    settings = GroupSettings(display_name="" if title == name else title)
    group_authority.put_group(work, PERMISSIONS, name, settings)
    put_external_id(work, directory, name, wanted.get("externalId"))
    return name, wanted.get("members") or []


def rename(work: UnitOfWork, name: str, wanted: Mapping[str, Any]) -> None:
    """Change the display name of a group. Raises ScimRefusal or MorePermissions."""
    title = _title(work, wanted, name)
    rules.lock_group(work, name)
    settings = rules.find_group(work, name).settings
    shown = "" if title == name else title
    if shown != settings.display_name:
        changed = GroupSettings(shown, settings.description, settings.roles, settings.groups, settings.owners)
        group_authority.put_group(work, PERMISSIONS, name, changed)


def delete(work: UnitOfWork, name: str) -> None:
    """Delete a group. Raises MorePermissions."""
    group_authority.delete_group(work, PERMISSIONS, name)


def put_external_id(work: UnitOfWork, directory: Directory, name: str, external_id: str | None) -> None:
    """Set the client's identifier of a group. Raises ScimRefusal."""
    if external_id is not None and len(external_id) > LONGEST_KEY:
        raise invalid(f"externalId can have at most {LONGEST_KEY} characters.")
    if not GROUP_IDS.put(work.db, directory.client_id, name, external_id or None):
        raise ScimRefusal(UNIQUENESS, "Another group has this externalId.", status=409)


def dump(resource: Resource[Any]) -> dict[str, Any]:
    return resource.model_dump(scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)


def _title(work: UnitOfWork, wanted: Mapping[str, Any], name: str | None) -> str:
    """Return the display name that is wanted. No other group may be shown with it."""
    try:
        title = clean_line(wanted.get("displayName") or "", most=LONGEST_DISPLAY_NAME)
    except InvalidText as refused:
        raise invalid(f"displayName: {refused.problem}") from None
    if not title:
        raise invalid("displayName can't be empty.")
    if any(one != name for one in store.find_titled(work.db, title, limit=2)):
        raise ScimRefusal(UNIQUENESS, "Another group has this displayName.", status=409)
    return title


def _free_name(work: UnitOfWork, title: str) -> str:
    """Return a name for a group that is shown with this display name: the same if it can be one, else like it."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    name = title if is_group_name(title) else re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-") or "group"
    similar = [name, *(f"{name}-{number}" for number in range(2, SIMILAR))]
    taken = store.find_those(work.db, similar)
    free = next((one for one in similar if one not in taken), None)
    if free is None:
        raise ScimRefusal(UNIQUENESS, "There are too many groups with similar names.", status=409)
    return free


def _members(work: UnitOfWork, names: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    contained = store.find_contained(work.read, names)
    users = store.find_members(work.read, names, limit=MOST_MEMBERS + 1)
    if len(users) > MOST_MEMBERS:
        raise ScimRefusal(
            "tooMany",
            f"The groups have more than {MOST_MEMBERS} members. Send excludedAttributes=members, or a smaller count.",
        )
    rows = store.find_those(work.read, {name for _, name in contained})
    found: dict[str, list[dict[str, Any]]] = {}
    base = f"{work.settings.issuer}/scim/v2/Users/"
    for name, user_id in users:
        found.setdefault(name, []).append({"value": user_id, "$ref": base + user_id, "type": "User"})
    for name, inner in contained:
        if inner in rows:
            one = {"value": id_of(rows[inner]), "$ref": location_of(work, rows[inner]), "type": "Group"}
            found.setdefault(name, []).append(one)
    return found


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
