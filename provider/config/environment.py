"""The settings from the environment, read once. An unknown SIGNET_* variable stops the start."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from provider.config.problems import problems_of
from provider.config.secrets import may_be_in_a_file
from provider.config.service_variables import is_of_a_service
from provider.config.settings import PREFIX, Settings

FROM_FILE = "_FILE"
LONGEST_FILE = 64 * 1024
"""The largest file of a secret, in bytes."""
INVISIBLE = " \t\r\n\v\f\u00a0\u200b\ufeff"
"""Characters that come along when a value is pasted, and belong to none."""
QUOTES = ('""', "''", "\u201c\u201d", "\u2018\u2019", "``")


class SettingsError(Exception):
    """A missing, unknown or invalid setting. The text is one line for the operator."""


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process. Raises SettingsError, one line, for an unknown or invalid variable.

    An empty variable counts as not set. Variables of a service named `signet` are ignored (`service_variables`).
    """
    environ = os.environ if environ is None else environ
    ours = {name: value for name, value in environ.items() if name.upper().startswith(PREFIX)}
    ours = {name: value for name, value in ours.items() if not is_of_a_service(name, value)}
    fields = {PREFIX + name.upper(): (name, field) for name, field in Settings.model_fields.items()}
    files = {variable + FROM_FILE for variable, (name, field) in fields.items() if may_be_in_a_file(name, field)}
    _require_known([name for name in ours if name not in fields and name not in files], [*fields, *files])
    given = {}
    for variable, (name, field) in fields.items():
        value = _value(ours, variable)
        if value:
            given[name] = _as_listed(field, value)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("; ".join(_in_words(error, given))) from None


def _require_known(unknown: list[str], known: list[str]) -> None:
    if not unknown:
        return
    guesses = [guess for name in unknown for guess in get_close_matches(name.upper(), known, n=1, cutoff=0.8)]
    meant = f" (did you mean {', '.join(sorted(set(guesses)))}?)" if guesses else ""
    raise SettingsError(
        f"unknown setting {', '.join(sorted(unknown))}{meant}; docs/reference/settings.md lists all settings"
    )


def _value(ours: Mapping[str, str], variable: str) -> str:
    """Return the value of a setting, from the variable or from the file that it names; empty if there is none."""
    value, path = (ours.get(name, "").strip(INVISIBLE) for name in (variable, variable + FROM_FILE))
    if value and path:
        raise SettingsError(f"{variable} and {variable}{FROM_FILE} are both set; remove one of them")
    if path:
        return _read(variable + FROM_FILE, Path(path))
    if len(value) > 1 and value[0] + value[-1] in QUOTES:
        raise SettingsError(f"{variable}: remove the quotes around the value; they are not part of it")
    if value.encode(errors="ignore").decode() != value:
        raise SettingsError(f"{variable} must be UTF-8 text")
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise SettingsError(f"{variable} must be one line, without control characters")
    return value


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        value = content.decode("utf-8").strip(INVISIBLE)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{variable}: cannot read {path}: {reason}") from None
    if len(content) > LONGEST_FILE or not value or not value.isprintable():
        raise SettingsError(f"{variable}: {path} must contain only the value, in one line")
    return value


def _as_listed(field: FieldInfo, value: str) -> str:
    """Return the value as the setting writes it, where it has a few values: `INFO` is `info`."""
    kinds = (field.annotation, *get_args(field.annotation))
    listed = [str(one) for kind in kinds if get_origin(kind) is Literal for one in get_args(kind)]
    return next((one for one in listed if one.lower() == value.lower()), value)


def _in_words(error: ValidationError, given: Mapping[str, str]) -> Iterator[str]:
    """Yield each problem with its setting, and with its value unless that may be secret."""
    for name, problem in problems_of(error):
        if not name:
            yield problem
            continue
        value = given.get(name, "")[:60]
        hidden = not value or value in problem or may_be_in_a_file(name, Settings.model_fields[name])
        shown = "" if hidden else f"; it is {value!r}"
        yield f"{PREFIX}{name.upper()}: {problem}{shown}"
