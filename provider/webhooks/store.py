"""The webhooks table: URLs that receive audit events, with their events and secrets."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, Connection, String, Table, Text, delete, insert, select, update

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Identifier, UtcTime

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("url", String(2000), nullable=False),
    Column("events", JSON, nullable=False),  # names, or prefixes that end in `.*`; none means all
    Column("sealed", Text, nullable=False),  # its secret, encrypted: it keys an HMAC
    Column("sealed_before", Text),  # the one before a rotation, which signs too
    Column("before_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
)


@dataclass(frozen=True)
class Webhook:
    id: str
    url: str
    events: list[str]
    sealed: str
    sealed_before: str | None
    before_until: datetime | None
    created_at: datetime
    disabled_at: datetime | None

    def wants(self, name: str) -> bool:
        """Return whether the webhook subscribed to events of this name."""
        if not self.events:
            return True
        return any(name == each or (each.endswith(".*") and name.startswith(each[:-1])) for each in self.events)


_WEBHOOK = rows_of(Webhook, webhooks)
_ENABLED = _WEBHOOK.prepare(_WEBHOOK.select().where(webhooks.c.disabled_at.is_(None)).order_by(webhooks.c.id))


def add(db: Connection, webhook: Webhook) -> None:
    db.execute(insert(webhooks), values_of(webhook))


def find(db: Connection, webhook_id: str) -> Webhook | None:
    return _WEBHOOK.one(db, _WEBHOOK.select().where(webhooks.c.id == webhook_id))


def lock(db: Connection, webhook_id: str) -> bool:
    """Lock the row until this transaction ends. Returns False if there is no such webhook."""
    return db.scalar(select(webhooks.c.id).where(webhooks.c.id == webhook_id).with_for_update()) is not None


def find_all(db: Connection) -> list[Webhook]:
    return _WEBHOOK.all(db, _WEBHOOK.select().order_by(webhooks.c.id))


def find_enabled(db: Connection) -> list[Webhook]:
    return _ENABLED.all(db)


def set_disabled(db: Connection, webhook_id: str, at: datetime | None) -> bool:
    """Disable or, without a time, enable a webhook. Returns False if it was so already, or is gone."""
    other = webhooks.c.disabled_at.is_not(None) if at is None else webhooks.c.disabled_at.is_(None)
    changed = update(webhooks).where(webhooks.c.id == webhook_id, other).values(disabled_at=at)
    return db.execute(changed).rowcount == 1


def rotate(db: Connection, webhook: Webhook, *, sealed: str, until: datetime) -> None:
    now = {"sealed": sealed, "sealed_before": webhook.sealed, "before_until": until}
    db.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(now))


def remove(db: Connection, webhook_id: str) -> bool:
    return db.execute(delete(webhooks).where(webhooks.c.id == webhook_id)).rowcount == 1
