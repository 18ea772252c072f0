"""The installation named by the settings, opened for one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provider.work import Installation, UnitOfWork


@contextmanager
def opened() -> "Iterator[Installation]":
    """Open the installation for one command. Raises SettingsError if a setting is invalid or the database is not
    migrated.
    """
    from provider.config.environment import load_settings
    from provider.database.migrations import require_current
    from provider.installation import open_installation
    from provider.observability.logging import configure_logging

    settings = load_settings()
    configure_logging("error")
    installation = open_installation(settings)
    try:
        require_current(installation.database)
        installation.branding.refresh(installation.database)
        yield installation
    finally:
        installation.database.close()


@contextmanager
def unit() -> "Iterator[UnitOfWork]":
    """Open one unit of work for one command."""
    from provider.work import unit_of_work

    with opened() as installation, unit_of_work(installation) as work:
        yield work
