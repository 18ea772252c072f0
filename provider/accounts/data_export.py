"""The export of everything that is stored about a user, without secrets (GDPR articles 15 and 20)."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Editor
from provider.accounts.factors import remembered_devices, second_factor
from provider.accounts.store import (
    directories,
    email_addresses,
    groups,
    linked_identities,
    pictures,
    terms_acceptances,
    upstream_tokens,
    users,
)
from provider.audit import store as audit
from provider.audit.events import Event
from provider.audit.log import record
from provider.audit.store import AuditEvent
from provider.sessions import store as sessions
from provider.work import UnitOfWork

MOST_EVENTS = 10_000
FOR_OPERATORS = frozenset({"operator", "why"})
"""Details left out of the user's export: which operator did something, and the reason they gave."""

SOMETIMES_FOR_OPERATORS: Mapping[str, frozenset[str]] = {
    Event.ACCOUNT_SUSPENDED: frozenset({"reason"}),
    Event.ATTRIBUTES_CHANGED: frozenset({"changed"}),
}
"""Details left out for single events: the reason of a suspension, and attributes that the user may not see."""


def export(work: UnitOfWork, *, user_id: str, applications: Sequence[Mapping[str, object]]) -> bytes:
    """Return the user's data as a JSON document. `applications` is what the OAuth side stores about this user."""
    read = work.read
    user, picture = users.find(read, user_id), pictures.find_of_user(read, user_id)
    events = audit.find(read, user_id=user_id, limit=MOST_EVENTS)
    document = {
        "exported_at": work.now,
        "issuer": work.settings.issuer,
        "account": {} if user is None else _some(user, "id", "status", "created_at", "updated_at", "roles"),
        "groups": {} if user is None else {"member_of": user.groups, "owner_of": groups.find_owned(read, user_id)},
        "claims": {} if user is None else user.claims,
        "attributes": values.set_values(values.find_of_user(work, user_id, seen_by=Editor.USER)),
        "email_addresses": [
            _some(one, "address", "created_at", "verified_at") for one in email_addresses.find_all(read, user_id)
        ],
        "picture": None
        if picture is None
        else {"media_type": picture.media_type, "content": base64.b64encode(picture.content).decode()},
        "two_factor": second_factor.export(work, user_id),
        "remembered_devices": [
            _some(known, "user_agent", "network", "last_used_at") | _some(one, "created_at", "expires_at")
            for known, one in remembered_devices.find_of_user(work, user_id)
        ],
        "linked_identities": [
            _some(one, "issuer", "subject", "email", "created_at", "last_used_at") | {"tokens": tokens_of(read, one.id)}
            for one in linked_identities.find_of_user(read, user_id)
        ],
        "directories": directories.find_of_user(read, user_id),
        "terms_of_service": [
            _some(one, "version", "accepted_at") for one in terms_acceptances.find_of_users(read, [user_id])
        ],
        "sessions": [
            _some(
                one,
                "id",
                "created_at",
                "auth_time",
                "amr",
                "last_seen",
                "network",
                "user_agent",
                "kept",
                "expires_at",
                "ended_at",
            )
            for one in sessions.find_all(read, user_id)
        ],
        "applications": applications,
        "events": [_event(one) for one in events],
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, default=_as_text)
    record(work, Event.DATA_EXPORTED, user_id=user_id)
    return text.encode()


def tokens_of(read: Connection, identity_id: str) -> dict[str, Any] | None:
    """Describe the stored tokens of an identity, without them, and the clients that used them."""
    row = upstream_tokens.find(read, identity_id)
    if row is None or not row.is_usable:
        return None
    uses = upstream_tokens.find_uses(read, [identity_id])
    used_by = [_some(use, "client_id", "first_used_at", "last_used_at") for use in uses]
    return _some(row, "scope", "stored_at", "expires_at") | {"used_by": used_by}


def _event(event: AuditEvent) -> dict[str, Any]:
    hidden = FOR_OPERATORS | SOMETIMES_FOR_OPERATORS.get(event.name, frozenset())
    details = {name: value for name, value in event.details.items() if name not in hidden}
    return _some(event, "at", "name", "client_id", "network", "user_agent") | {"details": details}


def _some(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _as_text(value: datetime) -> str:
    return value.isoformat()
