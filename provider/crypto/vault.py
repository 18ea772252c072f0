"""Uses of the installation's secret key: encryption at rest, keyed digests, and sealed values with a lifetime.

Every use derives its own key (HKDF, RFC 5869). Ciphertexts name their key, so that it can be rotated. The first
configured key encrypts, and every configured key still decrypts.
"""

import base64
import hashlib
import hmac
import json
import os
import stat
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from provider.config.environment import SettingsError
from provider.config.settings import Settings


class VaultError(Exception):
    """A ciphertext that was changed, is for another purpose, or needs a key that is no longer configured."""


class Vault:
    """The secret keys of the installation, newest first."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        if not keys:
            raise SettingsError("SIGNET_SECRET_KEY is not set")
        self._keys = {hashlib.sha256(b"signet key id" + key.encode()).hexdigest()[:8]: key.encode() for key in keys}
        self._current = next(iter(self._keys))
        self._derived = lru_cache(maxsize=64)(self._derive)

    def _derive(self, version: str, purpose: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=b"signet/" + purpose.encode()).derive(self._keys[version])

    def encrypt(self, plain: bytes, *, purpose: str, context: str = "") -> str:
        """Encrypt a value; return `version.base64url`.

        `context` names the owner of the secret and must be given again to decrypt it.
        """
        nonce = os.urandom(12)
        sealed = AESGCM(self._derived(self._current, purpose)).encrypt(nonce, plain, context.encode())
        return f"{self._current}.{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    def decrypt(self, text: str, *, purpose: str, context: str = "") -> bytes:
        version, _, body = text.partition(".")
        try:
            raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            return AESGCM(self._derived(version, purpose)).decrypt(raw[:12], raw[12:], context.encode())
        except (KeyError, ValueError, InvalidTag) as error:
            raise VaultError(f"a value for {purpose} cannot be decrypted") from error

    def keyed_digest(self, value: str, *, purpose: str) -> bytes:
        """Return the HMAC-SHA-256 of a value under the current key."""
        return hmac.digest(self._derived(self._current, purpose), value.encode("utf-8", "surrogatepass"), "sha256")

    def keyed_digests(self, value: str, *, purpose: str) -> list[bytes]:
        """Return the keyed digests of a value under every configured key, the current one first.

        So digests from an earlier key are still recognized.
        """
        return [
            hmac.digest(self._derived(version, purpose), value.encode("utf-8", "surrogatepass"), "sha256")
            for version in self._keys
        ]

    def seal(self, value: dict[str, Any], *, purpose: str, now: datetime, lifetime: timedelta) -> str:
        """Seal a value for a URL or a form. It cannot be read, changed, extended, or used for another purpose."""
        body = {"v": value, "e": int((now + lifetime).timestamp())}
        return self.encrypt(json.dumps(body, separators=(",", ":")).encode(), purpose=f"sealed/{purpose}")

    def unseal(self, text: str, *, purpose: str, now: datetime) -> dict[str, Any] | None:
        """Return a sealed value, or None if it was changed, has expired, or was sealed for another purpose."""
        try:
            body = json.loads(self.decrypt(text, purpose=f"sealed/{purpose}"))
        except VaultError:
            return None
        value: dict[str, Any] = body["v"]
        return value if body["e"] > now.timestamp() else None


def open_vault(settings: Settings) -> Vault:
    """Return the vault for these settings. Raises SettingsError without a key.

    In embedded mode the key may be in a file beside the database.
    """
    if settings.secret_keys:
        return Vault(settings.secret_keys)
    if not settings.embedded:
        raise SettingsError(
            "SIGNET_SECRET_KEY is not set. PostgreSQL needs it. Create one with `openssl rand -base64 32`"
        )
    return Vault((_read_key_file(settings.secret_key_file),))


def create_key_file(path: Path) -> bool:
    """Create the key file of the embedded mode, mode 0600. Returns False if there is one already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.urlsafe_b64encode(os.urandom(32)).decode())
    return True


def _read_key_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        key = path.read_text().strip()
    except FileNotFoundError:
        raise SettingsError(
            f"there is no SIGNET_SECRET_KEY and no key file {path}. Run `signet migrate` to create one"
        ) from None
    except OSError as error:
        raise SettingsError(f"cannot read the key file {path}: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"other users of this machine can read the key file {path}. Run `chmod 600 {path}`")
    if len(key) < 32:
        raise SettingsError(f"the key file {path} is too short. Restore it from a backup")
    return key
