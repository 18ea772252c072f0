"""The settings that only directories have: LDAP servers and Active Directory (docs/guides/ldap.md)."""

import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, ValidationInfo, field_validator

from provider.federation.presets import PresetName, preset_of
from provider.urls import is_loopback

ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9;-]{0,127}|[0-9]+(?:\.[0-9]+)+")
"""The name of an attribute: a description or an OID (RFC 4512 section 2.5)."""
IN_USER_FILTER = ("{email}", "{name}")
"""What a filter for users may contain: the address that was typed, and what is before its @."""
IN_GROUP_FILTER = ("{dn}",)
MOST_SERVERS = 8
GROUPS = "groups"
"""The claim with the names of a user's groups. The claim memberOf has their DNs."""


class DirectorySettings(BaseModel):
    """The members of an upstream that is a directory. Their defaults are those of its preset."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    key: str  # in URLs and events
    preset: PresetName | None = None
    servers: tuple[str, ...] = Field((), validate_default=True)
    """URLs with ldaps or ldap. If one is down, the next is asked."""
    start_tls: StrictBool = False
    """Whether to use StartTLS on servers with ldap (RFC 4511 section 4.14)."""
    ca_file: str | None = Field(None, max_length=500)
    """A file with the certificates of the authorities that may have issued the servers'. Default: the system's."""
    bind_dn: str = Field("", max_length=500, validate_default=True)
    """The DN of the account that searches for users."""
    bind_password: SecretStr | None = Field(None, validate_default=True)
    base_dn: str = Field("", max_length=500, validate_default=True)
    """The DN below which users are."""
    user_filter: str = Field("", max_length=1000, validate_default=True)
    """The filter that finds a user (RFC 4515)."""
    subject_attribute: str = Field("", validate_default=True)
    """The attribute that identifies a user, and never changes."""
    email_attribute: str = Field("mail", validate_default=True)
    group_base_dn: str | None = Field(None, max_length=500)
    """The DN below which the groups are that count. Default: `base_dn`."""
    group_filter: str | None = Field(None, max_length=1000, validate_default=True)
    """The filter that finds the groups of a user. Without it, the attribute memberOf names them."""

    @field_validator("servers")
    @classmethod
    def _servers(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not _is_directory(info):
            return value
        if not 0 < len(value) <= MOST_SERVERS:
            raise ValueError(f"must be a list of 1 to {MOST_SERVERS} URLs like ldaps://ldap.example.com")
        for url in value:
            if host_and_port(url) is None:
                raise ValueError("must be URLs like ldaps://ldap.example.com, with nothing after host and port")
        return value

    @field_validator("start_tls")
    @classmethod
    def _start_tls(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001  # as pydantic calls it
        if value and any(url.startswith("ldaps:") for url in info.data.get("servers", ())):
            raise ValueError("is for servers with ldap. Servers with ldaps use TLS from the start")
        return value

    @field_validator("bind_dn", "base_dn")
    @classmethod
    def _dn(cls, value: str, info: ValidationInfo) -> str:
        if _is_directory(info) and not value:
            raise ValueError("is missing")
        return value

    @field_validator("bind_password")
    @classmethod
    def _bind_password(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        # A bind without a password succeeds as anybody (RFC 4513 section 5.1.2).
        if _is_directory(info) and (value is None or not value.get_secret_value()):
            raise ValueError("is missing" if value is None else "is empty")
        return value

    @field_validator("user_filter")
    @classmethod
    def _user_filter(cls, value: str, info: ValidationInfo) -> str:
        if not _is_directory(info):
            return value
        value = value or preset_of(info.data.get("preset")).user_filter
        return _template(value, IN_USER_FILTER)

    @field_validator("group_filter")
    @classmethod
    def _group_filter(cls, value: str | None) -> str | None:
        return None if value is None else _template(value, IN_GROUP_FILTER)

    @field_validator("subject_attribute", "email_attribute")
    @classmethod
    def _attribute(cls, value: str, info: ValidationInfo) -> str:
        if not _is_directory(info):
            return value
        value = value or preset_of(info.data.get("preset")).subject_attribute
        if not ATTRIBUTE.fullmatch(value):
            raise ValueError("must be the name of an attribute")
        return value


DIRECTORY_MEMBERS = tuple(name for name in DirectorySettings.model_fields if name not in {"key", "preset"})


def host_and_port(url: str) -> tuple[str, int] | None:
    """Return the host and the port of an LDAP URL (RFC 4516), or None if it is none or has more than them."""
    try:
        parts = urlsplit(url)
        port = parts.port or (636 if parts.scheme == "ldaps" else 389)
    except ValueError:
        return None
    host = parts.hostname
    is_url = parts.scheme in {"ldap", "ldaps"} and host and url.isascii() and url.isprintable()
    if not is_url or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        return None
    return str(host), port


def unencrypted_server(servers: tuple[str, ...], *, start_tls: bool) -> str | None:
    """Return a server to which passwords would travel without TLS over a network, or None."""
    plain = () if start_tls else (url for url in servers if url.startswith("ldap:"))
    return next((url for url in plain if not is_loopback(urlsplit(url).hostname or "")), None)


def _template(value: str, allowed: tuple[str, ...]) -> str:
    """Check a filter with places for values. The brackets must be even, so that it ends where it begins."""
    rest = value
    for place in allowed:
        rest = rest.replace(place, "")
    has_place = rest != value
    is_even = rest.startswith("(") and rest.endswith(")") and rest.count("(") == rest.count(")")
    if not has_place or not is_even or re.search(r"[{}]", rest):
        raise ValueError(f"must be a filter in brackets that contains {' or '.join(allowed)}")
    return value


def _is_directory(info: Any) -> bool:
    return preset_of(info.data.get("preset")).is_directory
