"""The profile page: see and edit what applications may learn about the user."""

import re
from collections.abc import Mapping

from starlette.responses import Response

from provider.accounts import profile as rules
from provider.accounts.pages.picture import own_picture
from provider.accounts.store import email_addresses, users
from provider.languages import regions
from provider.languages.text import Text
from provider.sessions.guards import require_user
from provider.sessions.store import Session
from provider.typed_codes import fold
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/account/profile"
BIRTHDATE = "birthdate"
PARTS = tuple(f"{BIRTHDATE}-{part}" for part in ("day", "month", "year"))
"""The fields of the form in which the date of birth is typed."""
INVALID_DATE = Text("Enter a real date, like 31 12 1990. You can leave out the year, or enter only the year.")

GROUPS = (
    (Text("Name"), ("name", "given_name", "middle_name", "family_name", "nickname", "preferred_username")),
    (Text("About you"), (BIRTHDATE, "gender", "profile", "website")),
    (Text("Contact"), (rules.PHONE,)),
    (Text("Language and time zone"), ("locale", "zoneinfo")),
    (Text("Postal address"), tuple(field.name for field in rules.FIELDS if field.of_address)),
)
"""The fields of the page in groups, each with its title."""


@endpoint
def show_profile(call: Call) -> Response:
    session = require_user(call)
    user = users.find(call.work.read, session.user_id)
    values = rules.values_of({} if user is None else user.claims)
    return _page(call, session, values={**values, **_parts_of(values[BIRTHDATE])})


@endpoint
def change(call: Call) -> Response:
    session = require_user(call)
    user = users.find(call.work.read, session.user_id)
    before = rules.values_of({} if user is None else user.claims)
    parts = {name: call.form.text(name).strip() for name in PARTS}
    typed = {field.name: call.form.text(field.name) for field in rules.FIELDS}
    typed[BIRTHDATE] = before[BIRTHDATE] if parts == _parts_of(before[BIRTHDATE]) else _date_of(*parts.values())
    claims, errors = rules.parse_profile(typed, before=before)
    if BIRTHDATE in errors:
        errors[BIRTHDATE] = INVALID_DATE
    if errors:
        return _page(call, session, values={**typed, **parts}, errors=errors, status_code=400)
    rules.change_profile(call.work, user_id=session.user_id, claims=claims)
    return go(f"{PATH}?saved=yes")


def _parts_of(birthdate: str) -> dict[str, str]:
    """Return day, month and year as the form shows them. All are empty if the claim has another form."""
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)-(\d\d))?", birthdate, re.ASCII)
    year, month, day = found.groups() if found else ("", "", "")
    shown = ((day or "").lstrip("0"), (month or "").lstrip("0"), "" if year == "0000" else year)
    return dict(zip(PARTS, shown, strict=True))


def _date_of(day: str, month: str, year: str) -> str:
    """Return the claim that these parts describe (OIDC Core section 5.1)."""
    day, month, year = fold(day), fold(month), fold(year)
    return f"{year or '0000'}-{month:0>2}-{day:0>2}" if day or month else year


def _page(
    call: Call,
    session: Session,
    *,
    values: Mapping[str, str],
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    user = users.find(call.work.read, session.user_id)
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    fields = {field.name: field for field in rules.FIELDS}
    return page(
        call,
        "accounts/profile.html",
        status_code=status_code,
        groups=[(title, [fields[name] for name in names]) for title, names in GROUPS],
        values=values,
        choices={
            "locale": _with(regions.languages(call.language), values["locale"]),
            "zoneinfo": _with(regions.time_zones(call.language), values["zoneinfo"]),
        },
        countries=regions.countries(call.language),
        address="" if address is None else address.address,
        picture=None if user is None else own_picture(call, user),
        just_saved="saved" in call.query and not errors,
        errors=errors or {},
    )


def _with(names: Mapping[str, str], value: str) -> list[dict[str, str]]:
    """Return the options of a list, with the value that is stored or was sent even if the list does not have it."""
    options = {value: value} if value and value not in names else {}
    return [{"value": "", "label": Text("Not set")}] + [
        {"value": each, "label": name} for each, name in (options | dict(names)).items()
    ]
