"""Note what changed for the apps that get users and groups, in the transaction of the change.

Everything that changes a user or a group records an audit event. So this looks at the events of a transaction before it
commits, like webhooks, and what a change means for an app is found out later, when it is sent. Sign-ins and refreshed
tokens are none of these events, and cost nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provider.audit.events import Event
from provider.outbox import messages
from provider.outbox.topics import Topic
from provider.provisioning.store import connections, resources
from provider.provisioning.store.connections import Provisioning, Scan
from provider.provisioning.store.resources import Kind
from provider.runtime.throw_away import is_throw_away
from provider.work import UnitOfWork

OF_USERS = frozenset(
    {
        Event.ACCOUNT_REGISTERED,
        Event.ACCOUNT_CREATED,
        Event.ACCOUNT_ACTIVATED,
        Event.ACCOUNT_DELETED,
        Event.ACCOUNT_SUSPENDED,
        Event.ACCOUNT_RESTORED,
        Event.DELETION_REQUESTED,
        Event.DELETION_CANCELLED,
        Event.PROFILE_CHANGED,
        Event.ATTRIBUTES_CHANGED,
        Event.ROLES_CHANGED,
        Event.GROUPS_CHANGED,
        Event.EMAIL_VERIFIED,
        Event.EMAIL_CHANGED,
        Event.EMAIL_CHANGE_UNDONE,
    }
)
"""The events about one user that may change what an app has of the user."""
OF_ALL = frozenset(
    {
        Event.GROUP_CREATED,
        Event.GROUP_UPDATED,
        Event.GROUP_DELETED,
        Event.ROLE_DELETED,
        Event.USER_ATTRIBUTE_CREATED,
        Event.USER_ATTRIBUTE_UPDATED,
        Event.USER_ATTRIBUTE_DELETED,
    }
)
"""The events that may change what an app has of many users. Then all are compared."""
OF_CLIENT = frozenset({Event.CLIENT_UPDATED, Event.CLIENT_ENABLED})
"""The events of an app that may change who may sign in to it."""
_RELEVANT = frozenset(event.value for event in OF_USERS | OF_ALL | OF_CLIENT)


def publish(work: UnitOfWork, events: Sequence[Mapping[str, object]]) -> None:
    """Note what the events of a transaction change, for each app that gets users. `Installation.publish` calls it
    before each commit.
    """
    relevant = [event for event in events if event["name"] in _RELEVANT]
    if not relevant:
        return
    for connection in connections.find_enabled(work.db):
        if _note(work, connection, relevant) and connection.may_send(work.now):
            enqueue(work, connection.client_id)


def enqueue(work: UnitOfWork, client_id: str) -> None:
    """Queue the job that sends what is pending for an app."""
    messages.enqueue(work, Topic.PROVISIONING, {"client_id": client_id}, about=about(client_id))


def about(client_id: str) -> str:
    return f"changes to {client_id}"


def _note(work: UnitOfWork, connection: Provisioning, events: Iterable[Mapping[str, object]]) -> bool:
    """Note the changes for one app. Returns whether there are any."""
    users: set[str] = set()
    groups: set[str] = set()
    compares = False
    for event in events:
        name, user_id = event["name"], event["user_id"]
        if name in OF_USERS and user_id is not None and not is_throw_away(user_id):
            users.add(str(user_id))
            groups |= _changed_groups(event["details"])
        compares = compares or name in OF_ALL or (name in OF_CLIENT and event["client_id"] == connection.client_id)
    if compares:  # first: a scan locks the connection before its users
        connections.start_scan(work.db, connection.client_id, Scan.COMPARE, now=work.now)
    resources.mark(work.db, connection.client_id, Kind.USER, users, now=work.now)
    if connection.push_groups:  # others may be in one of these; `scim.outbound` knows
        resources.mark(work.db, connection.client_id, Kind.GROUP, groups, now=work.now)
    return bool(users) or compares


def _changed_groups(details: Any) -> set[str]:
    return {*details.get("added", ()), *details.get("removed", ())} if isinstance(details, Mapping) else set()
