"""Which settings are secret: they are masked where settings are shown, and can be read from a file."""

from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

URLS = frozenset({"database_url", "database_read_url", "redis_url"})
"""Settings with a URL that may contain a password."""
CODES = frozenset({"totp_bypass_code"})
"""Settings that are secret, besides those whose type is secret."""


def is_secret(name: str, field: FieldInfo) -> bool:
    """Return whether the whole value is secret."""
    return name in CODES or SecretStr in (field.annotation, *get_args(field.annotation))


def may_be_in_a_file(name: str, field: FieldInfo) -> bool:
    """Return whether the setting can be read from the file that SIGNET_NAME_FILE names."""
    return name in URLS or is_secret(name, field)
