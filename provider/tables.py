"""Every table, imported once, so that Alembic and the tests see one metadata."""

import provider.accounts.store.email_addresses
import provider.accounts.store.users
import provider.audit.store
import provider.outbox.store
import provider.sessions.store
from provider.database.base import metadata

__all__ = ["metadata"]
