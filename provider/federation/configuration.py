"""Upstreams as the operator configures them: one table each in a TOML file (SIGNET_UPSTREAMS), read once at start-up.

docs/guides/upstream.md has a worked example.
"""

import re
import stat
import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from provider.config.environment import SettingsError
from provider.config.problems import problems_of
from provider.federation.issuers import share_an_issuer
from provider.federation.upstream_settings import UpstreamSettings
from provider.saved_settings.upstreams import KEY


class InvalidUpstream(Exception):
    """Invalid settings of one upstream: the name of each wrong member, and what it must be. No value is repeated."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{name}: {problem}" if name else problem for name, problem in problems))


def parse_upstream(key: str, members: Mapping[str, Any]) -> UpstreamSettings:
    """Parse the settings of one upstream. Raises InvalidUpstream."""
    if not KEY.fullmatch(key):
        raise InvalidUpstream([("key", "must have lower-case letters, digits and hyphens, 32 at most")])
    if "key" in members:
        raise InvalidUpstream([("key", "is unknown")])
    try:
        settings = UpstreamSettings(key=key, **members)
    except ValidationError as error:
        raise InvalidUpstream(problems_of(error)) from None
    if settings.is_directory and find_spec("ldap3") is None:
        raise InvalidUpstream([("preset", "needs more packages: install signet-provider[ldap]")])
    return settings


def load_upstreams(path: Path | None) -> tuple[UpstreamSettings, ...]:
    """Return the upstreams in the order of the file. Raises SettingsError, in one line without secrets."""
    if path is None:
        return ()
    upstreams = tuple(_parse(path, key, table) for key, table in _read(path).items())
    if not upstreams:
        raise SettingsError(f"{path} names no upstream")
    if any(share_an_issuer(one, other) for one, other in combinations(upstreams, 2)):
        raise SettingsError(f"{path} has an issuer twice: a user's identity there must not depend on the button")
    domains = [domain for upstream in upstreams for domain in upstream.domains]
    if len(set(domains)) < len(domains):
        raise SettingsError(f"{path} gives a domain to two upstreams")
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
        return parse_upstream(key, table)
    except InvalidUpstream as invalid:
        raise SettingsError(f"{path}: [{key}] {invalid}") from None
