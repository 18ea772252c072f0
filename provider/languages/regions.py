"""Names of countries, languages and time zones in each language (CLDR, with babel), for the fields of a form."""

import unicodedata
from functools import cache
from zoneinfo import available_timezones

from provider.languages.catalogs import Language

NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
"""Entries of CLDR with two letters that are groups of countries, parts of one, or not a place at all."""

NO_PLACES = {"001", "ZZ"}
"""The territories of time zones that are only an offset, such as `Etc/GMT+5`."""


@cache
def countries(language: Language) -> list[str]:
    """Return the names of all countries, sorted."""
    from babel import Locale  # noqa: PLC0415  # not before the first page: importing takes a while

    names = Locale.parse(language.locale).territories
    codes = {code for code in map(str, names) if len(code) == 2 and code.isalpha()}
    found = [names[code] for code in codes - NO_COUNTRIES]
    return sorted(found, key=_by_letter)


@cache
def languages(language: Language) -> dict[str, str]:
    """Return the languages with CLDR data, and their best known variants: names by tag (BCP 47).

    A variant is one that has a name of its own in English, such as Brazilian Portuguese.
    """
    from babel import Locale  # noqa: PLC0415
    from babel.localedata import locale_identifiers  # noqa: PLC0415

    locale, known = Locale.parse(language.locale), {code.partition("_")[0] for code in locale_identifiers()}
    codes = [code for code in map(str, Locale.parse("en").languages) if code.partition("_")[0] in known]
    names = {code: locale.languages.get(code) or Locale.parse(code).get_display_name(locale) for code in codes}
    found = {code.replace("_", "-"): name for code, name in names.items() if name}
    return dict(sorted(found.items(), key=lambda item: _by_letter(item[1])))


@cache
def time_zones(language: Language) -> dict[str, str]:
    """Return the time zones of all places, each as its country and city: names by identifier of the tz database."""
    from babel import Locale  # noqa: PLC0415
    from babel.core import get_global  # noqa: PLC0415

    locale = Locale.parse(language.locale)
    known = available_timezones()
    found = {"UTC": "UTC"}
    for zone, territory in get_global("zone_territories").items():
        if zone in known and territory in locale.territories and territory not in NO_PLACES:
            city = locale.time_zones.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " ")
            found[zone] = f"{locale.territories[territory]}{language.comma}{city}"
    return dict(sorted(found.items(), key=lambda item: _by_letter(item[1])))


def _by_letter(name: str) -> tuple[str, str]:
    """Sort letters with accents beside those without."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return bare.casefold(), name
