"""Parsers of arguments that are more than text. An argument that cannot be parsed is a usage error."""

import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def identifier(text: str) -> str:
    """Parse an id, a UUID. Raises BadParameter."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an ID. Use a UUID, as the list command shows it.") from None


def moment(text: str, *, now: datetime) -> datetime:
    """Parse a time such as `2026-11-21T06:00Z`, or an age before `now` such as `90m`, `24h` or `7d`. A time without a
    zone is UTC. Raises BadParameter.
    """
    try:
        if text[-1:] in _UNITS:
            return now - timedelta(**{_UNITS[text[-1]]: float(text[:-1])})
        given = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is not a time. Use a time such as 2026-11-21T06:00Z, or an age such as 90m, 24h or 7d."
        ) from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def line(text: str, *, most: int, option: str) -> str:
    """Return free text, such as a name, as it is stored. Raises BadParameter, which names the character refused."""
    from provider.languages.free_text import InvalidText, clean_line

    try:
        return clean_line(text, most=most)
    except InvalidText as invalid:
        raise typer.BadParameter(str(invalid), param_hint=option) from None


def json_file(file: str) -> dict[str, Any]:
    """Return the JSON object in a file, or of stdin for `-`. Raises BadParameter."""
    from provider.jose.json_objects import read_object

    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    try:
        return read_object(text)
    except ValueError as error:
        raise typer.BadParameter(f"{'stdin' if file == '-' else file} is not valid: {error}") from None


def duration(text: str) -> timedelta:
    """Parse a duration as in settings, such as `90s`, `10m`, `24h` or `7d`. At most 3650 days; zero is rejected. Raises
    BadParameter.
    """
    from pydantic import TypeAdapter, ValidationError

    from provider.config.durations import Duration

    try:
        found = TypeAdapter(Duration).validate_python(text)
    except ValidationError:
        found = timedelta(0)
    if not found or found > timedelta(days=3650):
        raise typer.BadParameter(f"{text!r} is not a duration. Use 1s to 3650d, for example 10m, 24h or 7d.")
    return found
