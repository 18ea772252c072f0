"""Adding accounts: the rows of each table, of one account or of many in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.dml import ReturningInsert

from provider.accounts.store import email_addresses, passwords, roles, search_keys
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.passwords import StoredPassword
from provider.accounts.store.users import User, users
from provider.database.dialect import upsert_for
from provider.database.prepared import Prepared
from provider.database.rows import values_of


@dataclass(frozen=True)
class NewAccount:
    """An account to add. `password` is None for one without a password."""

    user: User
    address: EmailAddress
    password: StoredPassword | None


def _insert_new(dialect: Dialect) -> ReturningInsert[Any]:
    return upsert_for(dialect, users).on_conflict_do_nothing().returning(users.c.id)


_ADD_ONE = Prepared(_insert_new, (users.c.id,))


def add(db: Connection, accounts: Sequence[NewAccount], *, now: datetime) -> set[str]:
    """Add the accounts, except those whose id another user has. Returns the ids of those that were added."""
    if not accounts:
        return set()
    if len(accounts) == 1:
        added = {user_id for (user_id,) in _ADD_ONE.rows(db, values_of(accounts[0].user))}
    else:
        added = set(db.scalars(_insert_new(db.dialect), [values_of(one.user) for one in accounts]))
    new = [one for one in accounts if one.user.id in added]
    if not new:
        return added
    roles.give_all(db, {one.user.id: one.user.roles for one in new}, now=now)
    email_addresses.add(db, *(one.address for one in new))
    found_by = {one.user.id: search_keys.keys_of([one.address.normal], one.user.claims) for one in new}
    search_keys.add_all(db, found_by)
    passwords.add_all(db, {one.user.id: one.password for one in new if one.password is not None}, now=now)
    return added
