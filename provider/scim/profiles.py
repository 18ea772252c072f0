"""A directory's profile of a user, and the user's standard claims (OIDC Core section 5.1).

The profile is kept as it was sent, and the claims are derived from it: what can't be a claim, such as a phone number
without its country, stays in the profile alone. A claim that was changed elsewhere, by the user for example, is shown
in place of what the directory said.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.profile import ADDRESS, FIELDS, PHONE, PHONE_VERIFIED, parse_profile
from provider.scim.errors import invalid

Profile = dict[str, Any]
LONGEST = 16_000
"""The most characters of a stored profile, as JSON."""
STREET = {
    "streetAddress": "street_address",
    "locality": "locality",
    "region": "region",
    "postalCode": "postal_code",
    "country": "country",
}
"""The parts of an address, and the members of the claim."""


@dataclass(frozen=True)
class _Claim:
    """A claim: how it is read from a profile, and written into one. None removes it."""

    get: Callable[[Profile], Any]
    put: Callable[[Profile, Any], None]


def main_of(values: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    """Return the primary value of a multi-valued attribute, or else the first (RFC 7643 section 2.4)."""
    first = values[0] if values else None
    return next((one for one in values or [] if one.get("primary")), first)


def claims_in(profile: Profile, user_name: str | None = None) -> dict[str, Any]:
    """Return the claims that a profile says, those alone that have the form of a claim. A user name with `@` is no
    preferred username: apps that may not know the email address would learn it.
    """
    said = {name: claim.get(profile) for name, claim in _CLAIMS.items()}
    if user_name is not None and "@" not in user_name:
        said["preferred_username"] = user_name
    flat = {**said, **(said.pop(ADDRESS) or {})}
    texts = {name: value for name, value in flat.items() if isinstance(value, str)}
    return parse_profile(texts)[0]


def shown(profile: Profile, claims: Mapping[str, Any], address: str | None) -> Profile:
    """Return the profile of a user as it is now: with the claims that were changed since, and the email address."""
    now, said = copy.deepcopy(profile), claims_in(profile)
    for name, claim in _CLAIMS.items():
        if claims.get(name) != said.get(name):
            claim.put(now, claims.get(name))
    _put_address(now, address)
    return now


def with_changes(claims: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of the profile form after what was said changed from `before` to `after`. What did not change
    stays as it is.
    """
    ours = {field.name for field in FIELDS if not field.of_address} | {ADDRESS}
    now = {name: value for name, value in claims.items() if name in ours}
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            now[name] = after.get(name)
    return {name: value for name, value in now.items() if value is not None and name != PHONE_VERIFIED}


def email_in(profile: Profile, user_name: str) -> str:
    """Return the email address that a profile says: the primary, the first, or the user name. Raises ScimRefusal."""
    main = main_of(profile.get("emails"))
    value = user_name if main is None else main.get("value")
    if not isinstance(value, str) or not value:
        raise invalid("emails: the primary email has no value.")
    if main is None and parse_address(value) is None:
        raise invalid("emails: send an email address, or a userName that is one.")
    return value


def _put_address(profile: Profile, address: str | None) -> None:
    main = main_of(profile.get("emails"))
    if address is None:
        profile.pop("emails", None)
    elif main is None:
        profile["emails"] = [{"value": address, "type": "work", "primary": True}]
    elif main.get("value") != address:
        said, real = parse_address(str(main.get("value", ""))), parse_address(address)
        if said is None or real is None or said.normal != real.normal:
            main["value"] = address


def _plain(name: str) -> _Claim:
    def put(profile: Profile, value: Any) -> None:
        _set(profile, name, value)

    return _Claim(lambda profile: profile.get(name), put)


def _of_name(part: str) -> _Claim:
    def put(profile: Profile, value: Any) -> None:
        name = profile.setdefault("name", {})
        _set(name, part, value)
        if not name:
            del profile["name"]

    return _Claim(lambda profile: (profile.get("name") or {}).get(part), put)


def _full_name(profile: Profile) -> str | None:
    name = profile.get("name") or {}
    parts = (name.get(part) for part in ("givenName", "middleName", "familyName"))
    return profile.get("displayName") or name.get("formatted") or " ".join(part for part in parts if part) or None


def _put_full_name(profile: Profile, value: Any) -> None:
    if "displayName" not in profile and (profile.get("name") or {}).get("formatted"):
        _set(profile["name"], "formatted", value)
    else:
        _set(profile, "displayName", value)


def _put_language(profile: Profile, value: Any) -> None:
    _set(profile, "preferredLanguage", value)
    if value is None:
        profile.pop("locale", None)


def _main(name: str, usual: dict[str, Any]) -> Callable[[Profile, Any], None]:
    """Return the function that sets the main value of a multi-valued attribute."""

    def put(profile: Profile, value: dict[str, Any] | None) -> None:
        main = main_of(profile.get(name))
        others = [one for one in profile.get(name) or [] if one is not main]
        kept = {key: main[key] for key in ("type", "primary") if key in main} if main else usual
        _set(profile, name, others if value is None else [{**kept, **value}, *others])

    return put


def _put_phone(profile: Profile, value: Any) -> None:
    _main("phoneNumbers", {"type": "other"})(profile, None if value is None else {"value": value})


def _postal(profile: Profile) -> dict[str, Any] | None:
    main = main_of(profile.get("addresses"))
    return None if main is None else {claim: main[part] for part, claim in STREET.items() if main.get(part)}


def _put_postal(profile: Profile, value: Any) -> None:
    parts = value if isinstance(value, Mapping) else {}
    address = {part: parts[claim] for part, claim in STREET.items() if parts.get(claim)}
    _main("addresses", {"type": "other"})(profile, address or None)


def _set(within: dict[str, Any], name: str, value: Any) -> None:
    if value:
        within[name] = value
    else:
        within.pop(name, None)


_CLAIMS = {
    "name": _Claim(_full_name, _put_full_name),
    "given_name": _of_name("givenName"),
    "middle_name": _of_name("middleName"),
    "family_name": _of_name("familyName"),
    "nickname": _plain("nickName"),
    "profile": _plain("profileUrl"),
    "locale": _Claim(lambda profile: profile.get("preferredLanguage") or profile.get("locale"), _put_language),
    "zoneinfo": _plain("timezone"),
    PHONE: _Claim(lambda profile: (main_of(profile.get("phoneNumbers")) or {}).get("value"), _put_phone),
    ADDRESS: _Claim(_postal, _put_postal),
}
