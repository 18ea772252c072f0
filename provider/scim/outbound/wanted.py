"""What an app should have of a user or a group now, as the SCIM resource that is sent to it.

The models of SCIM are slow to load, so only a process that sends something does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from provider.accounts.store import users as accounts
from provider.accounts.store.group_tables import members_of, nested_groups
from provider.crypto.digests import digest
from provider.jose.json_objects import write_json
from provider.oauth.authorize.access_policy import denial_of
from provider.oauth.clients.clients import Client
from provider.oauth.tokens.store import people
from provider.oauth.tokens.subjects import Subjects
from provider.provisioning.store import resources
from provider.provisioning.store.connections import Provisioning
from provider.runtime.throw_away import THROW_AWAY_USERS
from provider.scim.store import groups as group_store
from provider.work import UnitOfWork

_OURS = {"id", "meta", "externalId", "groups", "roles", "active", "schemas"}
"""The attributes of our own resource of a user that are not sent, or that are another for an app."""
_subjects = Subjects()


class TooManyMembers(Exception):
    """A group that is too large to be sent."""


@dataclass(frozen=True)
class Wanted:
    """A resource as the app should have it."""

    endpoint: str
    external_id: str
    name_attribute: str
    """The attribute that is unique at the app besides `externalId`."""
    resource: Mapping[str, Any] | None
    """None if the app should not have it, or only as deactivated."""
    exists: bool
    """Whether it is still here."""

    @property
    def digest(self) -> bytes:
        """The digest of what is sent."""
        return digest(write_json(self.resource).decode())


def find_user(work: UnitOfWork, connection: Provisioning, client: Client, user_id: str) -> Wanted:
    """Return what the app should have of a user: nothing if the user may not sign in to it, or is suspended."""
    from provider.scim import users  # noqa: PLC0415
    from provider.scim.callers import Directory  # noqa: PLC0415

    sub = _subjects.of_session(work, client, user_id=user_id, session_id=user_id).sub
    found = users.find_views(work, Directory(client.client_id), [user_id])
    view = found[0] if found and found[0]["active"] and _has_access(work, connection, client, user_id) else None
    resource = None if view is None else _user(view, sub, user_id, with_attributes=connection.with_attributes)
    is_here = bool(found) or accounts.find(work.read, user_id) is not None
    return Wanted("Users", sub, "userName", resource, is_here)


def find_group(work: UnitOfWork, connection: Provisioning, name: str) -> Wanted:
    """Return what the app should have of a group: its members who are active there, also those of contained groups.
    Raises TooManyMembers.
    """
    from provider.scim.groups import MOST_MEMBERS  # noqa: PLC0415
    from provider.scim.models import GROUP  # noqa: PLC0415

    row = group_store.find_those(work.read, [name]).get(name) if name in connection.push_groups else None
    resource: dict[str, Any] | None = None
    if row is not None:
        found = [str(row[0]) for row in work.read.execute(members_of([name])).fetchmany(MOST_MEMBERS + 1)]
        if len(found) > MOST_MEMBERS:
            raise TooManyMembers(f"the group has more than {MOST_MEMBERS} members")
        ids = resources.find_remote_ids(work.read, connection.client_id, sorted(found))
        resource = {"schemas": [GROUP], "externalId": name, "displayName": row.display_name or row.name}
        if ids:
            resource["members"] = [{"value": ids[user_id], "type": "User"} for user_id in sorted(ids)]
    return Wanted("Groups", name, "displayName", resource, row is not None)


def find_groups_of(work: UnitOfWork, connection: Provisioning, user_id: str) -> list[str]:
    """Return the groups the app gets whose members may change with this user: all, if the user is not here."""
    person = people.find(work.read, user_id) if connection.push_groups else None
    return [name for name in connection.push_groups if person is None or name in person.groups]


def find_around(work: UnitOfWork, connection: Provisioning, name: str) -> list[str]:
    """Return the groups the app gets that contain this group."""
    around = select(nested_groups.c.group_name).where(nested_groups.c.contained == name)
    return sorted(set(connection.push_groups) & set(work.read.scalars(around)))


def candidates(connection: Provisioning, client: Client, *, after: str | None, limit: int) -> Select[Any]:
    """Return the query for a page of the users whom the app may get, by ID."""
    required = connection.members_of or list(client.metadata.allowed_groups)
    lasting = ~accounts.users.c.id.between(*THROW_AWAY_USERS)
    query = select(accounts.users.c.id).where(lasting).order_by(accounts.users.c.id).limit(limit)
    if required:
        query = query.where(accounts.users.c.id.in_(members_of(required)))
    return query if after is None else query.where(accounts.users.c.id > after)


def _has_access(work: UnitOfWork, connection: Provisioning, client: Client, user_id: str) -> bool:
    metadata = client.metadata
    if not (connection.members_of or metadata.allowed_roles or metadata.allowed_groups):
        return True
    person = people.find(work.read, user_id)
    if person is None or denial_of(client, person) is not None:
        return False
    return not connection.members_of or not set(connection.members_of).isdisjoint(person.groups)


def _user(view: Mapping[str, Any], sub: str, user_id: str, *, with_attributes: bool) -> dict[str, Any]:
    from provider.scim import attributes  # noqa: PLC0415
    from provider.scim.models import ENTERPRISE, USER  # noqa: PLC0415

    sent = {name: value for name, value in view.items() if name not in _OURS}
    if not with_attributes:
        sent.pop(attributes.URN, None)
    if ENTERPRISE in sent:  # the ID of a manager is one of ours
        work_data = {name: value for name, value in sent.pop(ENTERPRISE).items() if name != "manager"}
        sent |= {ENTERPRISE: work_data} if work_data else {}
    if sent["userName"] == user_id:
        sent["userName"] = sub
    urns = [name for name in (ENTERPRISE, attributes.URN) if name in sent]
    return {"schemas": [USER, *urns], "externalId": sub, **sent, "active": True}
