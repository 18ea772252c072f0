"""The user's profile: the standard claims of OIDC Core section 5.1, checked field by field.

An empty field becomes an absent claim, never an empty one (OIDC Core section 5.3.2).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from provider.accounts import search
from provider.accounts.store import users
from provider.accounts.store.users import User
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.negotiation import best
from provider.languages.text import Text
from provider.typed_codes import fold
from provider.urls import normal_url
from provider.work import UnitOfWork

ADDRESS = "address"
PHONE = "phone_number"
PHONE_VERIFIED = "phone_number_verified"


@dataclass(frozen=True)
class Field:
    """A field of the profile form. `name` is the claim, or a member of the `address` claim if `of_address`."""

    name: str
    label: Text
    parse: Callable[[str], str]
    autocomplete: str
    hint: Text | None = None
    inputmode: str | None = None
    of_address: bool = False


def _line(most: int) -> Callable[[str], str]:
    return partial(clean_line, most=most)


def _url(text: str) -> str:
    parts = urlsplit(text)
    plain = all("!" <= character != "\x7f" for character in text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain or len(text) > 500:
        raise InvalidText(Text("Enter a full web address, like https://example.com/me."))
    return text


def _birthdate(text: str) -> str:
    """Check a birthdate: `YYYY-MM-DD`, `0000-MM-DD` without the year, or `YYYY` alone."""
    problem = InvalidText(Text("Enter a date like 1990-12-31, a year like 1990, or 0000-12-31 to leave out the year."))
    if re.fullmatch("[0-9]{4}", text) and text != "0000":
        return text
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise problem
    try:
        date.fromisoformat("2000" + text[4:] if text.startswith("0000") else text)
    except ValueError:
        raise problem from None
    return text


def _zoneinfo(text: str) -> str:
    if text not in time_zones():
        raise InvalidText(Text("Choose a time zone from the list, like Europe/Paris."))
    return text


def _locale(text: str) -> str:
    """Check a language tag by its form (BCP 47, RFC 5646 section 2.1)."""
    tag = text.replace("_", "-")
    if not re.fullmatch("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}|-[A-Za-z0-9](-[A-Za-z0-9]{2,8})+)*", tag) or len(tag) > 35:
        raise InvalidText(Text("Enter a language code, like en or fr-CA."))
    return tag


def _phone(text: str) -> str:
    """Return the phone number in E.164 form."""
    number = re.sub(r"[\s().\-/]", "", fold(text))
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise InvalidText(Text("Enter the number with its country code, like +44 20 7946 0018."))
    return number


FIELDS = (
    Field("name", Text("Full name"), _line(100), "name", hint=Text("How your name appears in apps")),
    Field("given_name", Text("Given names"), _line(100), "given-name"),
    Field("middle_name", Text("Middle names"), _line(100), "additional-name"),
    Field("family_name", Text("Family name"), _line(100), "family-name"),
    Field("nickname", Text("Nickname"), _line(100), "nickname"),
    Field("preferred_username", Text("Preferred username"), _line(64), "off", hint=Text("Suggested to apps as your username. You don't sign in with it.")),  # noqa: E501
    Field(
        "profile", Text("Profile page"), _url, "off", hint=Text("For example, https://example.com/me"), inputmode="url"
    ),
    Field("website", Text("Website"), _url, "url", inputmode="url"),
    Field("gender", Text("Gender"), _line(40), "sex"),
    Field("birthdate", Text("Date of birth"), _birthdate, "bday", hint=Text("For example, 31 12 1990. You can leave out the year, or enter only the year.")),  # noqa: E501
    Field("zoneinfo", Text("Time zone"), _zoneinfo, "off"),
    Field("locale", Text("Language"), _locale, "language", hint=Text("We'll use it for emails where we can.")),
    Field(PHONE, Text("Phone number"), _phone, "tel", hint=Text("Include the country code"), inputmode="tel"),
    Field("street_address", Text("Street and number"), _line(200), "address-line1", of_address=True),
    Field("locality", Text("Town or city"), _line(100), "address-level2", of_address=True),
    Field("region", Text("Region or state"), _line(100), "address-level1", of_address=True),
    Field("postal_code", Text("Postal code"), _line(20), "postal-code", of_address=True),
    Field("country", Text("Country"), _line(100), "country-name", of_address=True),
)  # fmt: skip


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def values_of(claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the claims as the form shows them.

    Imported claims may be anything: a value that is not text becomes an empty field.
    """
    address = claims.get(ADDRESS)
    parts = address if isinstance(address, Mapping) else {}
    values = {field.name: (parts if field.of_address else claims).get(field.name) for field in FIELDS}
    return {name: value if isinstance(value, str) else "" for name, value in values.items()}


def parse_profile(
    given: Mapping[str, str], *, before: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the claims that the form describes, and the errors by field, in the order of the fields.

    A value that is the same as `before` is kept as it is: imported claims may be in another form.
    """
    claims: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in FIELDS:
        text = given.get(field.name, "").strip()
        if not text:
            continue
        try:
            value = before[field.name] if text == before.get(field.name, "").strip() else field.parse(text)
        except ValueError as error:  # urlsplit has its own
            errors[field.name] = (
                error.problem if isinstance(error, InvalidText) else Text("This cannot be read. Check it.")
            )
            continue
        if value:
            (claims.setdefault(ADDRESS, {}) if field.of_address else claims)[field.name] = value
    return claims, errors


def full_name_of(claims: Mapping[str, Any]) -> str | None:
    """Return the full name, put together from its parts where it is missing. None if they are missing too."""
    parts = (claims.get(part) for part in ("given_name", "middle_name", "family_name"))
    return claims.get("name") or " ".join(part for part in parts if part) or None


def with_full_name(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims with the full name, which apps show. It is left out if it would be too long."""
    named, _ = parse_profile({"name": full_name_of(claims) or ""})
    return {**claims, **named}


def change_profile(work: UnitOfWork, *, user_id: str, claims: Mapping[str, Any]) -> None:
    """Replace the claims that are fields of the form; keep all other claims."""
    _change(work, user_id, lambda before: _merge(before, claims))


def change_fields(work: UnitOfWork, *, user_id: str, fields: Mapping[str, Any]) -> None:
    """Set these claims, as `parse_profile` returns them; keep all others."""

    def change(before: dict[str, Any]) -> dict[str, Any]:
        wanted = {**before, **fields}
        if ADDRESS in fields and isinstance(before.get(ADDRESS), Mapping):
            wanted[ADDRESS] = {**before[ADDRESS], **fields[ADDRESS]}
        return _merge(before, wanted)

    _change(work, user_id, change)


def change_name(work: UnitOfWork, *, user_id: str, name: str) -> None:
    """Set the full name and change nothing else; "" removes it."""
    _change(work, user_id, lambda before: {**_without(before, "name"), **({"name": name} if name else {})})


def update_profile(work: UnitOfWork, *, user_id: str, claims: Mapping[str, Any]) -> None:
    """Set these claims and keep all others. Writes nothing if they are set already."""
    user = users.find(work.db, user_id)
    if user is None or all(user.claims.get(name) == value for name, value in claims.items()):
        return

    def wanted(before: dict[str, Any]) -> dict[str, Any]:
        is_other_phone = PHONE in claims and claims[PHONE] != before.get(PHONE)
        return {**before, **claims, **({PHONE_VERIFIED: False} if is_other_phone else {})}

    _change(work, user_id, wanted)


def _without(claims: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in claims.items() if other != name}


def _change(work: UnitOfWork, user_id: str, wanted: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    changed: list[str] = []

    def change(before: dict[str, Any]) -> dict[str, Any]:
        after = wanted(before)
        changed.extend(sorted(name for name in before | after if before.get(name) != after.get(name)))
        return after

    users.change_claims(work.db, user_id, change, now=work.now)
    if changed:
        search.index(work, user_id)
        record(work, Event.PROFILE_CHANGED, user_id=user_id, changed=changed)


def choose_language(work: UnitOfWork, *, user_id: str, tag: str) -> None:
    """Set the language of pages and emails. A more specific `locale` of the same language stays."""

    def change(before: dict[str, Any]) -> dict[str, Any]:
        return before if best([tag], [str(before.get("locale", ""))]) else {**before, "locale": tag}

    users.change_claims(work.db, user_id, change, now=work.now)


def _merge(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    ours = {field.name for field in FIELDS if not field.of_address} | {ADDRESS, PHONE_VERIFIED}
    after = {name: value for name, value in before.items() if name not in ours} | dict(said)
    if PHONE in after:
        # Another number is one nobody has called.
        after[PHONE_VERIFIED] = before.get(PHONE) == after[PHONE] and before.get(PHONE_VERIFIED) is True
    return after


def own_picture(work: UnitOfWork, user: User) -> str | None:
    """Return the URL of the user's picture if it is served here. Another site would learn who looks."""
    url = str(user.claims.get("picture", ""))
    return url if normal_url(url).startswith(f"{work.settings.issuer}/") else None
