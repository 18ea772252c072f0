"""Every table, imported once, so that Alembic and the tests see one metadata."""

from provider.database.base import metadata

__all__ = ["metadata"]
