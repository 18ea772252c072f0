"""The reference of the settings: an entry for each, from the types and descriptions of the sections of the model."""

from collections.abc import Callable, Iterator
from functools import partial
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from provider.config.durations import format_duration
from provider.config.environment import FROM_FILE
from provider.config.general import FEATURES
from provider.config.notation import Notation
from provider.config.secrets import may_be_in_a_file
from provider.config.section import Section
from provider.config.settings import PREFIX, Settings
from provider.config.settings_in_force import written
from tests.docs.generate.markdown import as_code, links, slug

PLAIN = {bool: "`true` or `false`", int: "whole number", str: "text", SecretStr: "text"}
"""How values of types without a notation of their own are written."""
PATH = "path of a file"


def parts() -> dict[str, Callable[[], str]]:
    """Return what computes the part of each section: `settings-` and the title of the section."""
    return {f"settings-{slug(section.title)}": partial(settings, section) for section in Settings.sections()}


def settings(section: type[Section]) -> str:
    return "\n".join(_setting(name, Settings.model_fields[name]) for name in section.own_fields())


def _setting(name: str, field: FieldInfo) -> str:
    variable, written = PREFIX + name.upper(), notation(field)
    facts = f"{written[0].upper()}{written[1:]}. {_default(name, field)}"
    if may_be_in_a_file(name, field):
        facts += f" File: `{variable}{FROM_FILE}`."
    return f"### {variable}\n\n{links(as_code(field.description or ''))}\n\n*{facts}*\n"


def _default(name: str, field: FieldInfo) -> str:
    value = field.get_default()
    if value in (None, (), frozenset()):
        return "Not set by default."
    is_all = name == "features" and value == frozenset(FEATURES)
    return f"Default: {'all' if is_all else f'`{written(name, value)}`'}."


def notation(field: FieldInfo) -> str:
    """Return how the value is written, with its bounds, such as `whole number, 1 to 64`."""
    metadata = [*field.metadata, *_metadata(field.annotation)]
    words = [part.words for part in metadata if isinstance(part, Notation)]
    return (words[-1] if words else _plain(field.annotation)) + _bounds(metadata)


def _metadata(kind: Any) -> Iterator[Any]:
    """Yield the metadata of a type, and of the types it consists of."""
    if get_origin(kind) is Annotated:
        yield from kind.__metadata__
    for part in get_args(kind):
        yield from _metadata(part)


def _plain(kind: Any) -> str:
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        choices = [f"`{choice}`" for choice in parts]
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    if get_origin(kind) in {frozenset, tuple}:
        return f"some of {_plain(parts[0]).replace(' or ', ' and ')}, comma-separated"
    alternatives = [part for part in parts if part is not NoneType]
    return _plain(alternatives[0]) if alternatives else PLAIN.get(kind, PATH)


def _bounds(metadata: list[Any]) -> str:
    low, above, high = (
        next((_bound(getattr(part, attribute)) for part in metadata if isinstance(part, kind)), None)
        for kind, attribute in ((Ge, "ge"), (Gt, "gt"), (Le, "le"))
    )
    if low is not None and high is not None:
        return f", {low} to {high}"
    if above is not None:
        return f", more than {above}, at most {high}"
    if low is not None:
        return f", at least {low}"
    return "" if high is None else f", at most {high}"


def _bound(value: Any) -> str:
    return format_duration(value) if hasattr(value, "days") else str(value)
