"""The settings in effect, for operators: secrets are masked, and values that differ from the default are marked."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from provider.branding.logo import Image
from provider.config.branding import Branding
from provider.config.durations import format_duration
from provider.config.environment import FROM_FILE
from provider.config.secrets import URLS, is_secret
from provider.config.settings import PREFIX, Settings

MASK = "********"


class Source(StrEnum):
    """Where the value of a setting comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"
    CONSOLE = "console"
    COMMAND = "command"


@dataclass(frozen=True)
class Shown:
    """One setting. `value` is written as in the environment, or is the mask; None if it is not set. `default` is
    written like it.
    """

    name: str
    value: str | None
    default: str | None
    is_default: bool
    is_secret: bool
    source: Source
    group: str
    about: str


def settings_in_force(settings: Settings, *, environ: Mapping[str, str] | None = None) -> list[Shown]:
    """Return every setting, in the order of docs/reference/settings.md. `environ` is what they were read from; by
    default it is the environment of this process.
    """
    given = {name.upper() for name, value in (os.environ if environ is None else environ).items() if value.strip()}
    found = []
    for section in Settings.sections():
        for name in section.own_fields():
            field, value = Settings.model_fields[name], getattr(settings, name)
            masked = is_secret(name, field)
            shown = None if value is None else MASK if masked else written(name, value)
            default, variable = field.get_default(call_default_factory=False), f"{PREFIX}{name.upper()}"
            found.append(
                Shown(
                    name=variable,
                    value=shown,
                    default=None if default in _UNSET else written(name, default),
                    is_default=value == default,
                    is_secret=masked,
                    source=_source(variable, given, is_default=value == default),
                    group=section.title,
                    about=field.description or "",
                )
            )
    return found


_UNSET: tuple[object, ...] = (None, (), frozenset())


def _source(variable: str, given: set[str], *, is_default: bool) -> Source:
    if variable in given:
        return Source.ENVIRONMENT
    if f"{variable}{FROM_FILE}" in given:
        return Source.FILE
    if is_default:
        return Source.DEFAULT
    return Source.CONSOLE if variable.removeprefix(PREFIX).lower() in Branding.own_fields() else Source.COMMAND


def written(name: str, value: Any) -> str:
    """Return the value of a setting as it is written in the environment. A password in a URL is masked."""
    if name in URLS:
        return _without_password(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    if isinstance(value, Image):
        return f"{value.media_type}, {len(value.content)} bytes"
    if isinstance(value, tuple):  # in its order; an address and its port are one
        return ":".join(map(str, value)) if name == "metrics_address" else ",".join(map(str, value))
    return str(value)


def _without_password(url: str) -> str:
    netloc, query = urlsplit(url).netloc, urlsplit(url).query
    user, at, host = netloc.rpartition("@")
    if ":" in user:
        url = url.replace(netloc, f"{user.partition(':')[0]}:{MASK}{at}{host}", 1)
    masked = re.sub(r"(?i)(^|&)([^=&]*(?:password|passwd|pwd)[^=&]*)=[^&]*", rf"\1\2={MASK}", query)
    return url.replace(query, masked) if query else url
