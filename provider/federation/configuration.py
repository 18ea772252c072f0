"""Upstreams as the operator configures them: one table each in a TOML file (SIGNET_UPSTREAMS), read once at start-up.

docs/guides/upstream.md has a worked example.
"""

import re
import stat
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, ValidationError, field_validator

from provider.config.environment import SettingsError
from provider.config.problems import problems_of
from provider.languages.free_text import clean_line
from provider.urls import is_loopback, normal_url

KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 section 3.3


class UpstreamSettings(BaseModel):
    """The settings of one upstream. Unknown members and invalid values are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    key: str  # of its table: in URLs and events
    name: str = Field(min_length=1, max_length=60)  # shown
    issuer: str = Field(max_length=255)
    client_id: str = Field(min_length=1, max_length=255)
    client_secret: SecretStr
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    trust_email_verified: StrictBool = False
    """Whether the upstream's `email_verified` claim is trusted."""
    verifies_email_addresses: StrictBool = False
    """Whether each address that the upstream sends is verified, unless it says otherwise. For providers that send no
    `email_verified`."""
    may_create_accounts: StrictBool = False
    label: str | None = Field(None, min_length=1, max_length=60)
    """The text of the button, instead of "Sign in with NAME"."""

    @field_validator("name", "label")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        return None if value is None else clean_line(value, most=60)

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        if not is_web_address(value, like=value) or "?" in value or "#" in value:
            raise ValueError("must be an https URL without query and fragment (http only on loopback)")
        return value

    @field_validator("client_secret")
    @classmethod
    def _secret(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            raise ValueError("is empty")
        return value

    @field_validator("scopes")
    @classmethod
    def _scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value or not all(SCOPE.fullmatch(scope) for scope in value):
            raise ValueError('must be a list of scopes, "openid" among them')
        return value


def is_web_address(url: str, *, like: str) -> bool:
    """Return whether the URL uses https.

    http is allowed too where both the URL and the issuer (`like`) are http on a loopback host.
    """
    try:
        parts, issuer = urlsplit(url), urlsplit(like)
        parts.port  # noqa: B018  # raises for one that is none
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (
        parts.scheme == issuer.scheme == "http" and is_loopback(parts.hostname) and is_loopback(issuer.hostname or "")
    )


def load_upstreams(path: Path | None) -> tuple[UpstreamSettings, ...]:
    """Return the upstreams in the order of the file. Raises SettingsError, in one line without secrets."""
    if path is None:
        return ()
    upstreams = tuple(_parse(path, key, table) for key, table in _read(path).items())
    if not upstreams:
        raise SettingsError(f"{path} names no upstream")
    issuers = [normal_url(upstream.issuer) for upstream in upstreams]
    if len(set(issuers)) < len(issuers):
        raise SettingsError(f"{path} has an issuer twice: a user's identity there must not depend on the button")
    return upstreams


def _read(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"SIGNET_UPSTREAMS: {path} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{path} holds secrets and may be read by others; chmod 600 it")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Where, and not what: the line may hold a secret.
        found = re.search(r"\(at .*\)$", str(error))
        raise SettingsError(f"{path} is not TOML {found[0] if found else ''}".rstrip()) from None


def _parse(path: Path, key: str, table: Any) -> UpstreamSettings:
    if not KEY.fullmatch(key):
        raise SettingsError(f"{path}: [{key}] must be named in lower-case letters, digits and hyphens, 32 at most")
    if not isinstance(table, dict) or "key" in table:
        raise SettingsError(f"{path}: {key} must be a table of the members that docs/guides/upstream.md lists")
    try:
        return UpstreamSettings(key=key, **table)
    except ValidationError as error:
        parts = [f"{name}: {problem}" for name, problem in problems_of(error)]
        raise SettingsError(f"{path}: [{key}] {'; '.join(parts)}") from None
