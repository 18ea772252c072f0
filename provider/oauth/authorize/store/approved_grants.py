"""Storing a grant that a user approved: only while the session in which they did so, and their consent, last.

Both were read before, outside the transaction, and may end meanwhile. So the statement that stores the grant locks
their rows. Who ends one of them waits for it, and then finds the grant among those to revoke. The rows of the user and
the client are locked first, as by those who delete them.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Insert, Select, and_, bindparam, insert, select

from provider.accounts.store.users import users
from provider.database.prepared import Prepared
from provider.database.rows import values_of
from provider.oauth.authorize.store.consents import consents
from provider.oauth.clients.store.clients import clients
from provider.oauth.tokens.store.grants import Grant, grants
from provider.sessions.store import sessions

_GIVEN = {column.name: bindparam(f"g_{column.name}", type_=column.type) for column in grants.c}


def bind_grant(grant: Grant) -> dict[str, Any]:
    """Return the values that `insert_approved` binds. One named like a column would be taken for its value."""
    bound = {}
    for name, value in values_of(grant).items():  # a comprehension is one more call for each sign-in
        bound[f"g_{name}"] = value
    return bound


def _select_lasting(*, needs_consent: bool) -> Select[Any]:
    """Return the query for what a grant depends on, if it lasts: user, client and session. It locks their rows."""
    known = users.join(clients, clients.c.client_id == _GIVEN["client_id"])
    if needs_consent:
        of_both = and_(consents.c.user_id == users.c.id, consents.c.client_id == clients.c.client_id)
        known = known.join(consents, of_both)
    rows = select(users.c.id.label("user_id"), clients.c.client_id).select_from(known)
    held = rows.where(users.c.id == _GIVEN["user_id"]).with_for_update(read=True, key_share=True).subquery("held")
    found = select(sessions.c.id.label("session_id"), *held.c).join(held, sessions.c.user_id == held.c.user_id)
    active = found.where(sessions.c.id == _GIVEN["session_id"], sessions.c.ended_at.is_(None))
    return active.with_for_update(read=True, of=sessions)


def insert_approved(*, needs_consent: bool) -> Insert:
    """Return the statement that stores the grant, if what it depends on lasts."""
    lasting = _select_lasting(needs_consent=needs_consent).subquery("lasting")
    values = {name: lasting.c.get(name, given) for name, given in _GIVEN.items()}
    return insert(grants).from_select(list(values), select(*values.values()).select_from(lasting))


_INSERT: Mapping[bool, Prepared] = {one: Prepared(insert_approved(needs_consent=one)) for one in (False, True)}


def add(db: Connection, grant: Grant, *, needs_consent: bool) -> bool:
    """Store the grant. Returns False if its session has ended, or, with `needs_consent`, if the consent is gone."""
    return _INSERT[needs_consent].change(db, bind_grant(grant)) == 1


def hold_session(db: Connection, grant: Grant) -> bool:
    """Let the session of a grant not end before this transaction. Returns False if it has ended."""
    return db.scalar(_select_lasting(needs_consent=False), bind_grant(grant)) is not None
