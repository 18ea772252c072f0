"""The branding that operators save: reading what they entered, and saving it.

A value that the environment sets cannot be changed here (`docs/guides/branding.md`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from provider.accounts.email.email_addresses import parse_address
from provider.audit.events import Event
from provider.audit.log import record
from provider.branding.logo import MAX_LOGO, NotAnImage, TooLarge, parse_logo
from provider.branding.palette import DARK, FOR_TEXT, LIGHT, Scheme, UnreadablePaper, parse_color, readable_paper
from provider.config.branding import Branding
from provider.config.lines import LONGEST
from provider.config.settings import PREFIX, Settings
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.text import Text
from provider.operators.etags import require_version, version_of
from provider.saved_settings import branding as saved_branding
from provider.saved_settings.branding import LOGOS, Saved
from provider.work import UnitOfWork

REMOVE = "remove_"
"""The beginning of the name of the field that removes a logo."""


class Invalid(ValueError):
    """A value that is not accepted. `problem` says why, for the operator."""

    def __init__(self, problem: Text) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True)
class Draft:
    """Branding as an operator entered it: the accepted values, and what is wrong with the others."""

    values: Mapping[str, Any]
    errors: Mapping[str, Text] = field(default_factory=dict)


def fixed(settings: Settings) -> dict[str, str]:
    """Return the values that the environment sets: name to variable."""
    return {name: f"{PREFIX}{name.upper()}" for name in Branding.own_fields() if name in settings.model_fields_set}


def read_draft(settings: Settings, saved: Saved, typed: Mapping[str, str], files: Mapping[str, bytes]) -> Draft:
    """Return what an operator entered. A logo stays unless another one was chosen, or it was removed."""
    values: dict[str, Any] = {}
    errors: dict[str, Text] = {}
    for name in Branding.own_fields():
        if name in fixed(settings):
            continue
        try:
            if name in LOGOS:
                value = _logo(files.get(name, b""), saved.values.get(name), removed=REMOVE + name in typed)
            else:
                value = _RULES[name](typed.get(name, "").strip()) if typed.get(name, "").strip() else None
        except Invalid as invalid:
            errors[name] = invalid.problem
        else:
            if value is not None:
                values[name] = value
    return Draft(values, errors)


def applied(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return the settings with these values, and with the default of each other value that the environment leaves."""
    free = {name: Branding.model_fields[name].default for name in Branding.own_fields() if name not in fixed(settings)}
    return settings.model_copy(update={**free, **{name: values[name] for name in values.keys() & free.keys()}})


def save(work: UnitOfWork, values: Mapping[str, Any], *, seen: str) -> None:
    """Save these values and no others. `seen` is the version that the operator changes (`version`). Raises
    ChangedMeanwhile.
    """
    saved_branding.lock(work.db)
    before = saved_branding.find(work.db)
    require_version(seen, before.version)
    changed = sorted(name for name in Branding.own_fields() if before.values.get(name) != values.get(name))
    if not changed:
        return
    after = saved_branding.replace(work.db, values, now=work.now)
    record(work, Event.BRANDING_CHANGED, settings=changed)
    work.after_commit.append(partial(work.installation.branding.take, after))


def version(saved: Saved) -> str:
    """Return the version of what an operator sees, for `save`."""
    return version_of(saved.version)


def _line(text: str) -> str:
    try:
        return clean_line(text, most=LONGEST)
    except InvalidText as invalid:
        raise Invalid(invalid.problem) from None


def _address(text: str) -> str:
    address = parse_address(text)
    if address is None:
        raise Invalid(Text("Enter an email address, like name@example.com."))
    return address.text


def _color(text: str) -> str:
    try:
        return parse_color(text if text.startswith("#") else f"#{text}")
    except ValueError:
        raise Invalid(Text("Enter a color as # and six hexadecimal digits, for example #24487a.")) from None


def _paper(text: str, scheme: Scheme) -> str:
    try:
        return readable_paper(_color(text), scheme)
    except UnreadablePaper as unreadable:
        values = {"ratio": unreadable.ratio, "least": FOR_TEXT}
        if scheme.is_dark:
            message = Text(
                "Choose a darker color. Text needs a contrast of at least %(least)s:1, this has %(ratio)s:1.", **values
            )
        else:
            message = Text(
                "Choose a lighter color. Text needs a contrast of at least %(least)s:1, this has %(ratio)s:1.", **values
            )
        raise Invalid(message) from None


def _logo(content: bytes, current: Any, *, removed: bool) -> Any:
    if not content:
        return None if removed else current
    try:
        return parse_logo(content)
    except TooLarge:
        raise Invalid(Text("Choose a file of at most %(most)s KB.", most=MAX_LOGO // 1024)) from None
    except NotAnImage:
        raise Invalid(Text("Choose an SVG or PNG file.")) from None


_RULES: Mapping[str, Callable[[str], str]] = {
    "brand": _line,
    "support_email": _address,
    "brand_accent": _color,
    "brand_accent_dark": _color,
    "brand_paper": partial(_paper, scheme=LIGHT),
    "brand_paper_dark": partial(_paper, scheme=DARK),
}
