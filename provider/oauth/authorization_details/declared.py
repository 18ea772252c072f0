"""What operators declared, as a process publishes it: the names of the types of authorization details (RFC 9396 section
10, RFC 9728 section 2), and the scopes and claims of attributes of users and of claim mappings (OIDC
Discovery section 3).

They are read again every SIGNET_KEY_CACHE seconds, like the signing keys, so that no metadata request waits for the
database more often.
"""

import time

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from provider.accounts.store import user_attributes
from provider.database.engine import OUTAGES
from provider.oauth.authorization_details import store
from provider.oauth.claim_mapping import store as claim_mappings
from provider.oauth.claim_mapping.paths import split_path
from provider.observability.logging import log
from provider.work import Installation


class DeclaredTypes:
    """This process's copy of the names, and of the scope and claim of each attribute that apps can get."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.released: tuple[tuple[str, str], ...] = ()
        self._until = 0.0

    @property
    def is_old(self) -> bool:
        return time.monotonic() >= self._until

    def refresh(self, installation: Installation) -> None:
        """Read the names. Without the database, or before it is migrated, the copy stays."""
        self._until = time.monotonic() + installation.settings.key_cache
        try:
            with installation.database.connect() as db:
                self.names = store.find_names(db)
                self.released = user_attributes.find_released(db) + _mapped(db)
        except (*OUTAGES, DBAPIError) as error:
            log.debug("authorization_details_types.not_read", error=type(error).__name__)


def _mapped(db: Connection) -> tuple[tuple[str, str], ...]:
    """Return the scope and the claim of each mapping of a scope. A nested claim is published by its first name."""
    return tuple((scope, split_path(claim)[0]) for scope, claim in claim_mappings.find_released(db))
