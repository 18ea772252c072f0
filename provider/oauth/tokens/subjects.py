"""The subject identifiers of users: the same `sub` for every client, or another in each sector (OIDC Core section 8).

A pairwise identifier is our own 128-bit identifier, encrypted as one AES block under a key of its sector. Only this
installation can find its user. The keys come from a salt that is generated once and stored encrypted, so rotating
SIGNET_SECRET_KEY changes no `sub`. The `sid` is hidden the same way, because apps could otherwise compare it.
"""

import hmac
import os
import uuid
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from provider.config.environment import SettingsError
from provider.oauth.clients.clients import Client
from provider.oauth.clients.sectors import PUBLIC
from provider.oauth.tokens.store import installation_secrets
from provider.oauth.tokens.store.grants import Grant
from provider.work import UnitOfWork

PURPOSE = "subject-salt"


@dataclass(frozen=True)
class Subject:
    """The identifiers under which a client knows a user and their session."""

    sub: str
    sid: str


class Subjects:
    """The subjects of this installation. A process reads the salt once, and only for a pairwise client."""

    def __init__(self) -> None:
        self._salt: bytes | None = None

    def of_grant(self, work: UnitOfWork, client: Client, grant: Grant) -> Subject:
        """Return the subject of a grant's user and session for this client."""
        return self.of_session(work, client, user_id=grant.user_id, session_id=grant.session_id)

    def of_session(self, work: UnitOfWork, client: Client, *, user_id: str, session_id: str) -> Subject:
        """Return the subject of a session for this client, whether it still has a grant or not."""
        sector = _sector_of(client)
        if sector is None:
            return Subject(user_id, session_id)
        return Subject(self._hide(work, f"sub {sector}", user_id), self._hide(work, f"sid {sector}", session_id))

    def user_id_of(self, work: UnitOfWork, client: Client, sub: str) -> str:
        """Return the id of the user with this `sub` for the client. If there is none, no user has the returned id."""
        sector = _sector_of(client)
        return sub if sector is None else self._reveal(work, f"sub {sector}", sub)

    def session_id_of(self, work: UnitOfWork, client: Client, sid: str) -> str:
        """Return the id of the session with this `sid` for the client."""
        sector = _sector_of(client)
        return sid if sector is None else self._reveal(work, f"sid {sector}", sid)

    def require_salt(self, work: UnitOfWork) -> bytes:
        """Return the salt. Raises SettingsError if there is none.

        A lost salt is not replaced: a new one would change the subject of every user.
        """
        if self._salt is None:
            sealed = installation_secrets.find(work.read, PURPOSE)
            if sealed is None:
                raise SettingsError("no salt for pairwise subjects; `signet migrate` creates it")
            self._salt = work.vault.decrypt(sealed, purpose=PURPOSE)
        return self._salt

    def _hide(self, work: UnitOfWork, what: str, identifier: str) -> str:
        block = self._cipher(work, what).encryptor().update(uuid.UUID(identifier).bytes)
        return str(uuid.UUID(bytes=block))

    def _reveal(self, work: UnitOfWork, what: str, hidden: str) -> str:
        try:
            known = uuid.UUID(hidden)
        except ValueError:
            return hidden
        if str(known) != hidden:  # compared as text (OIDC Core section 5.1), whatever else may be read as a UUID
            return hidden
        return str(uuid.UUID(bytes=self._cipher(work, what).decryptor().update(known.bytes)))

    def _cipher(self, work: UnitOfWork, what: str) -> Cipher[modes.ECB]:
        key = hmac.digest(self.require_salt(work), what.encode(), "sha256")
        return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # one block, never two: there is no mode to speak of


def _sector_of(client: Client) -> str | None:
    sector = client.metadata.sector
    # `check_metadata` looked; without one, everybody's id would be shown.
    assert sector is not None or client.metadata.subject_type == PUBLIC  # noqa: S101  # a bug, not input
    return sector


def create_salt(work: UnitOfWork) -> bool:
    """Create the salt. Returns False if there is one."""
    if installation_secrets.find(work.read, PURPOSE) is not None:
        return False
    sealed = work.vault.encrypt(os.urandom(32), purpose=PURPOSE)
    return installation_secrets.add(work.db, PURPOSE, sealed, now=work.now)
