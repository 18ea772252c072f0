"""Nonces for DPoP proofs (RFC 9449 sections 8 and 9): with one, a proof was made recently, whatever its clock says.

They are derived from the time and the secret key of the installation. So every node knows them, and none is stored.
"""

from datetime import datetime, timedelta

from provider.crypto.digests import same
from provider.crypto.vault import Vault
from provider.jose import base64url

WINDOW = timedelta(seconds=150)
"""How long a nonce is the current one. It is accepted for as long again, and from nodes whose clock is ahead."""
LIFETIME = 3 * WINDOW
"""The longest time in which a proof with a nonce is accepted."""
_PURPOSE = "dpop-nonce"


def current_nonce(vault: Vault, now: datetime) -> str:
    """Return the nonce that clients should use from now on (section 8.2)."""
    return base64url.encode(vault.keyed_digest(str(_window(now)), purpose=_PURPOSE)).decode()


def is_current(vault: Vault, nonce: str, now: datetime) -> bool:
    """Return whether this nonce is one of ours, and not too old."""
    shown, window = nonce.encode("utf-8", "surrogatepass"), _window(now)
    return any(
        same(base64url.encode(digest), shown)
        for each in (window, window - 1, window + 1)
        for digest in vault.keyed_digests(str(each), purpose=_PURPOSE)
    )


def _window(now: datetime) -> int:
    return int(now.timestamp() // WINDOW.total_seconds())
