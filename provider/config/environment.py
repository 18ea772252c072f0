"""The settings from the environment, read once. An unknown SIGNET_* variable stops the start."""

import os
from collections.abc import Mapping

from provider.config.settings import PREFIX, Settings


class SettingsError(Exception):
    """A missing, unknown or invalid setting. The text is one line for the operator."""


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process. Raises SettingsError, one line, for an unknown or invalid variable."""
    environ = os.environ if environ is None else environ
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in environ if name.upper().startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"unknown setting {', '.join(unknown)}; docs/settings.md lists the known ones")
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name in known}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic parses the strings
    except ValueError as error:
        raise SettingsError(_one_line(error)) from None


def _one_line(error: ValueError) -> str:
    problems = getattr(error, "errors", None)
    if problems is None:
        return str(error)
    parts = []
    for problem in problems(include_input=False, include_url=False):
        name = PREFIX + str(problem["loc"][0]).upper() + ": " if problem["loc"] else ""
        parts.append(name + problem["msg"].removeprefix("Value error, "))
    return "; ".join(parts)
