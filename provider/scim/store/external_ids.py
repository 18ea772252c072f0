"""The identifiers that each SCIM client has for users and groups (`externalId`), unique for the client."""

from collections.abc import Collection

from sqlalchemy import Connection, Table, delete, select

from provider.accounts.store.directories import scim_group_ids, scim_user_ids
from provider.database.dialect import queue_for, upsert


class ExternalIds:
    """The identifiers of one kind of resource."""

    def __init__(self, table: Table, key: str) -> None:
        self._table, self._key = table, table.c[key]

    def find_those(self, db: Connection, client_id: str, keys: Collection[str]) -> dict[str, str]:
        """Return the client's identifiers of these resources, by their keys."""
        mine = (self._table.c.client_id == client_id, self._key.in_(keys))
        rows = db.execute(select(self._key, self._table.c.external_id).where(*mine))
        return {row[0]: row[1] for row in rows}

    def find(self, db: Connection, client_id: str, external_id: str) -> str | None:
        """Return the key of the resource with this identifier of the client."""
        mine = (self._table.c.client_id == client_id, self._table.c.external_id == external_id)
        return db.scalar(select(self._key).where(*mine))

    def put(self, db: Connection, client_id: str, key: str, external_id: str | None) -> bool:
        """Set or remove the client's identifier of a resource. Returns False if another resource has it."""
        if external_id is None:
            db.execute(delete(self._table).where(self._table.c.client_id == client_id, self._key == key))
            return True
        queue_for(db, f"{self._table.name} {client_id} {external_id}")
        if self.find(db, client_id, external_id) not in {None, key}:
            return False
        added = upsert(db, self._table).values(
            {"client_id": client_id, self._key.name: key, "external_id": external_id}
        )
        new = {"external_id": added.excluded.external_id}
        db.execute(added.on_conflict_do_update(index_elements=["client_id", self._key.name], set_=new))
        return True


USER_IDS = ExternalIds(scim_user_ids, "user_id")
GROUP_IDS = ExternalIds(scim_group_ids, "group_name")
