"""The available languages and their translations of English messages."""

import gettext
import io
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal, TypeVar

from provider.languages.isolation import isolate
from provider.languages.text import OwnText, Text

Said = TypeVar("Said")

_UNITS: tuple[tuple[Literal["day", "hour", "minute"], int], ...] = (("day", 86400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True)
class Language:
    """A language. `tag` is BCP 47, for `lang`; `name` is its own name; `locale` decides how dates look.

    `direction` is that of its script, for `dir`: ltr or rtl. `comma` separates the parts of a list.
    """

    tag: str
    name: str
    locale: str
    direction: str = "ltr"
    comma: str = ", "

    @property
    def catalog(self) -> str:
        """The name of its catalog without `.po`, as gettext spells tags: `pt_BR`."""
        return self.tag.replace("-", "_")

    @property
    def translations(self) -> gettext.NullTranslations:
        """The catalog of whole messages. English needs none."""
        return _translations(self.catalog)

    def say(self, shown: Said) -> Said | str:
        """Translate a Text into this language; return anything else unchanged."""
        return self._say(shown) if isinstance(shown, Text) else shown

    def _say(self, text: Text) -> str:
        if isinstance(text, OwnText):
            return isolate(text.in_language(self.tag), self.direction)  # perhaps in another language than the page
        values = {name: self._spell(value) for name, value in text.values.items()}
        if text.plural is None:
            message = self.translations.gettext(text.message)
        else:
            message = self.translations.ngettext(text.message, text.plural, int(str(text.values["count"])))
        return message % values if values else message

    def date(self, moment: datetime) -> str:
        """Return the date in words, such as `25 November 2026`."""
        from babel.dates import format_date  # noqa: PLC0415  # not before the first page: importing takes a while

        return format_date(moment, format="long", locale=self.locale)

    def day_and_month(self, moment: datetime) -> str:
        """Return the day without its year, as short as it is written, such as `25 Nov`."""
        from babel.dates import format_skeleton  # noqa: PLC0415  # as above

        return format_skeleton("MMMd", moment, locale=self.locale)

    def month(self, moment: datetime) -> str:
        """Return the month and its year, as short as it is written, such as `Nov 2026`."""
        from babel.dates import format_skeleton  # noqa: PLC0415  # as above

        return format_skeleton("yMMM", moment, locale=self.locale)

    def number(self, number: float) -> str:
        """Return a number with its thousands apart, such as `12,345`."""
        from babel.numbers import format_decimal  # noqa: PLC0415  # as above

        return format_decimal(number, locale=self.locale)

    def moment(self, moment: datetime) -> str:
        """Return date and time in UTC, such as `25 November 2026, 20:57 UTC`."""
        return self._at(self.date(moment), moment)

    def short_moment(self, moment: datetime) -> str:
        """Return date and time in UTC as tables show them, such as `25 Nov 2026, 20:57 UTC`."""
        from babel.dates import format_date  # noqa: PLC0415  # as above

        return self._at(format_date(moment, format="medium", locale=self.locale), moment)

    def ago(self, moment: datetime, now: datetime) -> str:
        """Return how long ago the moment was, such as `3 hours ago`. Less than two minutes are `1 minute ago`."""
        from babel.dates import format_timedelta  # noqa: PLC0415  # as above

        past = min(moment - now, -timedelta(seconds=1))
        return format_timedelta(past, granularity="minute", add_direction=True, locale=self.locale)

    def duration(self, length: timedelta) -> str:
        """Return a length of time, such as `10 minutes`, in the largest unit of which there are at least two.

        Never longer than it is: 90 minutes are `90 minutes`, and 150 minutes are `2 hours`.
        """
        # `format_unit` has no words where CLDR refers to its short ones.
        from babel.dates import format_timedelta  # noqa: PLC0415  # as above

        seconds = int(length.total_seconds())
        unit, size = next((each for each in _UNITS if seconds >= 2 * each[1]), _UNITS[-1])
        whole = timedelta(seconds=max(1, seconds // size) * size)
        return format_timedelta(whole, granularity=unit, threshold=float("inf"), locale=self.locale)

    def _at(self, date: str, moment: datetime) -> str:
        from babel.dates import get_datetime_format  # noqa: PLC0415  # as above

        pattern = str(get_datetime_format("medium", locale=self.locale))  # text, whatever its type says
        return pattern.format(f"{moment:%H:%M} UTC", date)

    def _spell(self, value: object) -> object:
        if isinstance(value, datetime):
            return self.date(value)
        if isinstance(value, str) and not isinstance(value, Text):
            return isolate(value, self.direction)  # a name, perhaps
        return self.say(value)


ENGLISH = Language("en", "English", "en_GB")
LANGUAGES = {
    language.tag: language
    for language in (
        ENGLISH,
        Language("de", "Deutsch", "de_DE"),
        Language("fr", "Français", "fr_FR"),
        Language("es", "Español", "es_ES"),
        Language("it", "Italiano", "it_IT"),
        Language("nl", "Nederlands", "nl_NL"),
        Language("pt-BR", "Português (Brasil)", "pt_BR"),
        Language("pl", "Polski", "pl_PL"),
        Language("ja", "日本語", "ja_JP", comma="、"),
        Language("ar", "العربية", "ar", direction="rtl", comma="، "),
    )
}
"""The languages by tag, in the order of the switch. To add one: a line here, and `make translations`."""


def _held(french: str) -> str:
    """Put no-break spaces where French typography needs them.

    Translators type a plain space before a question mark, a colon or a closing quote. None of these may begin a line.
    """
    return re.sub(r" (?=[?!:;»])|(?<=«) ", "\u00a0", french)


@cache
def _translations(name: str) -> gettext.NullTranslations:
    if name == ENGLISH.catalog:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with (files(__package__) / f"{name}.po").open("rb") as stream:
        catalog = read_po(stream, locale=name)
    for message in catalog if name == "fr" else ():
        said = message.string or ""
        message.string = _held(said) if isinstance(said, str) else tuple(_held(form) for form in said)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
