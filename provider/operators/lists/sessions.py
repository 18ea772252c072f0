"""The list of active sessions."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, exists, false, select

from provider.accounts.store import email_addresses
from provider.accounts.users import find_user
from provider.audit.devices import device_name
from provider.languages.text import Text
from provider.oauth.tokens.store.grants import grants
from provider.operators.lists.listing import Column, Conditions, Filter, Kind, Listing, Order, from_day, to_day
from provider.sessions import all_sessions, store
from provider.sessions.assurance import FEDERATED, MULTI_FACTOR, PASSWORD
from provider.sessions.idle import idle_since
from provider.sessions.store import Session
from provider.work import UnitOfWork

table = store.sessions
RARE = 2000
"""Up to how many sessions a method is rare in."""
METHODS: Mapping[str, Text] = {
    PASSWORD: Text("password"),
    FEDERATED: Text("another provider"),
    MULTI_FACTOR: Text("two factors"),
}


@dataclass(frozen=True)
class Entry:
    session: Session
    email: str | None
    device: Text | str


def _active(work: UnitOfWork) -> Conditions:
    return (table.c.expires_at > work.now, table.c.ended_at.is_(None), table.c.pending.is_(None), _is_used(work))


def _is_used(work: UnitOfWork) -> ColumnElement[bool]:
    return store.is_used(*idle_since(work))


def _used_lately(work: UnitOfWork, order: Order) -> CTE | None:
    """Return the sessions that are not idle, for the oldest sign-ins first: nearly all of the oldest ones are idle or
    have expired. MATERIALIZED, because the database would go through them all in that order, hoping for a page.
    """
    if order.descending or order.column.name == "last_used":
        return None
    return select(table).where(_is_used(work)).cte("used_lately").prefix_with("MATERIALIZED")


def _is_of(work: UnitOfWork, value: str) -> ColumnElement[bool]:
    user = find_user(work, value)
    return false() if user is None else table.c.user_id == user.id


def _signed_in_to(_work: UnitOfWork, value: str) -> ColumnElement[bool]:
    return exists().where(grants.c.session_id == table.c.id, grants.c.client_id == value)


def _used(work: UnitOfWork, value: str) -> ColumnElement[bool]:
    """Return the condition for one of the methods of a session.

    Sessions with a rare method are found through an index. Of many sessions, the order of the list finds the first ones
    sooner, and no index is used for a NOT IN.
    """
    methods = all_sessions.find_methods(work.read)
    having = [amr for amr in methods if value in amr.split()]
    if all_sessions.count_with(work.read, having, limit=RARE + 1) <= RARE:
        return table.c.amr.in_(having)
    return table.c.amr.not_in([amr for amr in methods if amr not in having])


def _rows(work: UnitOfWork, keys: list[str]) -> list[Entry]:
    found = {session.id: session for session in store.find_those(work.read, keys)}
    people = email_addresses.find_holders(work.read, {session.user_id for session in found.values()})
    entries = []
    for session in (found[key] for key in keys if key in found):
        address = people[session.user_id][1] if session.user_id in people else None
        entries.append(Entry(session, address.address if address else None, device_name(session.user_agent)))
    return entries


SESSIONS = Listing(
    name="sessions",
    key=table.c.id,
    columns=(
        Column("device", Text("Device")),
        Column("methods", Text("Signed in with")),
        Column("network", Text("Network")),
        Column("signed_in", Text("Signed in"), sort=table.c.auth_time),
        Column("last_used", Text("Last used"), sort=table.c.last_seen),
        Column("expires", Text("Expires"), sort=table.c.expires_at, is_shown=False),
    ),
    filters=(
        Filter("user", Text("User (email address or ID)"), _is_of),
        Filter("app", Text("Signed in to (client_id)"), _signed_in_to),
        Filter("method", Text("Signed in with"), _used, Kind.CHOICE, METHODS),
        Filter("last_used_from", Text("Last used from"), from_day(table.c.last_seen), Kind.DAY),
        Filter("last_used_to", Text("Last used until"), to_day(table.c.last_seen), Kind.DAY),
    ),
    sorted_by="-last_used",
    rows=_rows,
    exported={
        "id": lambda row: row.session.id,
        "user_id": lambda row: row.session.user_id,
        "email": lambda row: row.email,
        "amr": lambda row: row.session.amr,
        "network": lambda row: row.session.network,
        "user_agent": lambda row: row.session.user_agent,
        "auth_time": lambda row: row.session.auth_time,
        "last_seen": lambda row: row.session.last_seen,
        "expires_at": lambda row: row.session.expires_at,
        "kept": lambda row: row.session.kept,
    },
    always=_active,
    within=_used_lately,
)
