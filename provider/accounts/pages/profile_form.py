"""The fields of a profile in a form: a date in three fields, and lists of languages, time zones and countries.

The account page and the console show the same fields.
"""

import re
from functools import cache

from markupsafe import Markup

from provider.languages import regions
from provider.languages.catalogs import Language
from provider.languages.text import Text
from provider.typed_codes import fold
from provider.web.call import Call

BIRTHDATE = "birthdate"
PARTS = tuple(f"{BIRTHDATE}-{part}" for part in ("day", "month", "year"))
"""The fields of the form in which the date of birth is typed."""
INVALID_DATE = Text("Enter a real date, like 31 12 1990. You can leave out the year, or enter only the year.")
_OPTION = Markup('<option value="{}">{}</option>\n')
_SELECTED = Markup('<option value="{}" selected>{}</option>\n')
_NOT_SET = Text("Not set")
CHOICES = {"locale": regions.languages, "zoneinfo": regions.time_zones}
"""The fields with a list of values, and the function that returns the values and their names in a language."""


def parts_of(birthdate: str) -> dict[str, str]:
    """Return day, month and year as the form shows them. All are empty if the claim has another form."""
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)-(\d\d))?", birthdate, re.ASCII)
    year, month, day = found.groups() if found else ("", "", "")
    shown = ((day or "").lstrip("0"), (month or "").lstrip("0"), "" if year == "0000" else year)
    return dict(zip(PARTS, shown, strict=True))


def typed_parts(call: Call) -> dict[str, str]:
    """Return day, month and year as they were typed."""
    return {name: call.form.text(name).strip() for name in PARTS}


def typed_date(call: Call, before: str) -> str:
    """Return the claim that the typed parts describe (OIDC Core section 5.1), or the one before if the parts are
    unchanged.
    """
    parts = typed_parts(call)
    if parts == parts_of(before):
        return before
    day, month, year = map(fold, parts.values())
    return f"{year or '0000'}-{month:0>2}-{day:0>2}" if day or month else year


def options_of(name: str, language: Language, value: str) -> list[dict[str, str]]:
    """Return the options of a field in CHOICES, with the value that is stored or was sent even if its list does not
    have it.
    """
    names = CHOICES[name](language)
    options = {value: value} if value and value not in names else {}
    return [{"value": "", "label": _NOT_SET}] + [
        {"value": each, "label": label} for each, label in (options | dict(names)).items()
    ]


def option_elements(name: str, language: Language, value: str) -> Markup:
    """Return the same options as elements, with the value selected."""
    if value and value not in CHOICES[name](language):
        return _OPTION.format("", language.say(_NOT_SET)) + _SELECTED.format(value, value) + _known(name, language)
    options = _OPTION.format("", language.say(_NOT_SET)) + _known(name, language)
    start = Markup('<option value="{}"').format(value)
    return options.replace(start, start + Markup(" selected"), 1)


@cache
def countries(language: Language) -> Markup:
    """Return the names of all countries as `option` elements."""
    return Markup().join(Markup('<option value="{}"></option>').format(each) for each in regions.countries(language))


@cache
def _known(name: str, language: Language) -> Markup:
    """Return the hundreds of options that are the same on every page: rendering them takes longer than all else."""
    return Markup().join(_OPTION.format(value, label) for value, label in CHOICES[name](language).items())
