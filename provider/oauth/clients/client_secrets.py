"""How client secrets are stored: by digest, those that key an HMAC encrypted too.

A secret that an operator brings along from another provider may be short. Its digest is keyed with SIGNET_SECRET_KEY,
so that a copy of the database is not enough to find it by trying.
"""

from provider.crypto.digests import digest
from provider.crypto.vault import Vault
from provider.database.base import new_id
from provider.oauth.clients.choices import SECRET_JWT
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.store import client_secrets as store
from provider.work import UnitOfWork

PURPOSE = "client-secret"
SHORT = "short-client-secret"
LEAST = 32
"""How many characters a secret needs unless an operator allows a shorter one."""


def is_short(secret: str) -> bool:
    return len(secret) < LEAST


def require_long_enough(secret: str, metadata: ClientMetadata, *, allow_short: bool) -> None:
    """Raise InvalidMetadata for a short secret that was not allowed, or that is to be the key of an HMAC."""
    if not is_short(secret):
        return
    if not allow_short:
        raise InvalidMetadata(
            f"client_secret must have at least {LEAST} characters. This one has {len(secret)}. "
            "To keep a shorter one, use --allow-short-secret, or allow_short_secret."
        )
    if metadata.token_endpoint_auth_method == SECRET_JWT:  # RFC 7518 section 3.2: a key of 256 bits or more
        raise InvalidMetadata(f"client_secret must have at least {LEAST} characters with {SECRET_JWT}.")


def add_secret(work: UnitOfWork, client_id: str, metadata: ClientMetadata, secret: str) -> None:
    """Store a secret that is valid from now on."""
    sealed = None
    if metadata.token_endpoint_auth_method == SECRET_JWT:
        sealed = work.vault.encrypt(secret.encode(), purpose=PURPOSE, context=client_id)
    stored = short_digests(work.vault, client_id, secret)[0] if is_short(secret) else digest(secret)
    row = store.SecretRow(stored, sealed, is_short(secret))
    store.add(work.db, row, secret_id=new_id(), client_id=client_id, now=work.now)


def short_digests(vault: Vault, client_id: str, secret: str) -> list[bytes]:
    """Return the keyed digests under which this client's short secret may be stored."""
    return vault.keyed_digests(f"{client_id} {secret}", purpose=SHORT)
