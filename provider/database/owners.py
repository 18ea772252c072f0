"""Finding which of some users have a row in a table."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, Connection, bindparam, select

from provider.database.prepared import Prepared


class Owners:
    """The users who have rows in a table, by its column with their ids."""

    def __init__(self, user_id: Column[Any]) -> None:
        self._user_id = user_id
        one = select(user_id).where(user_id == bindparam("user_id")).limit(1)
        self._one = Prepared(one, (user_id,))

    def among(self, db: Connection, user_ids: Collection[str]) -> set[str]:
        """Return which of these users have a row. For a single user, as at a sign-in, the statement is prepared."""
        if len(user_ids) == 1:
            (user_id,) = user_ids
            return {user_id} if self._one.rows(db, {"user_id": user_id}) else set()
        return set(db.scalars(select(self._user_id).where(self._user_id.in_(user_ids))))
