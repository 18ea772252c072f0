"""The profile page: see and edit what applications may learn about the user."""

from collections.abc import Mapping

from starlette.responses import Response

from provider.accounts import profile as rules
from provider.accounts.attributes import values as attribute_values
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import InvalidAttributes, UserAttribute
from provider.accounts.factors import passkey_signals
from provider.accounts.pages.attribute_form import errors_of, fields_of, read_values, typed_values
from provider.accounts.pages.profile_form import (
    BIRTHDATE,
    CHOICES,
    INVALID_DATE,
    countries,
    option_elements,
    parts_of,
    typed_date,
    typed_parts,
)
from provider.accounts.store import email_addresses, users
from provider.languages.text import Text
from provider.sessions.guards import require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/account/profile"

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
    return _page(call, session, values={**values, **parts_of(values[BIRTHDATE])})


@endpoint
def change(call: Call) -> Response:
    session = require_user(call)
    user = users.find(call.work.read, session.user_id)
    before = rules.values_of({} if user is None else user.claims)
    parts = typed_parts(call)
    typed = {field.name: call.form.text(field.name) for field in rules.FIELDS}
    typed[BIRTHDATE] = typed_date(call, before[BIRTHDATE])
    claims, errors = rules.parse_profile(typed, before=before)
    if BIRTHDATE in errors:
        errors[BIRTHDATE] = INVALID_DATE
    attributes = _shown(call, session)
    answers = typed_values(call, attributes, editor=Editor.USER)
    try:
        given = read_values(attributes, answers)
        if answers and not errors:
            attribute_values.change_values(
                call.work,
                user_id=session.user_id,
                given=given,
                editor=Editor.USER,
                place=Place.PROFILE,
                complete=True,
            )
    except InvalidAttributes as refusal:
        errors |= errors_of(refusal)
    if errors:
        return _page(call, session, values={**typed, **parts}, answers=answers, errors=errors, status_code=400)
    rules.change_profile(call.work, user_id=session.user_id, claims=claims)
    return go(f"{PATH}?saved=yes")


def _shown(call: Call, session: Session) -> list[UserAttribute]:
    found = attribute_values.find_of_user(call.work, session.user_id, seen_by=Editor.USER)
    return [one for one in found if Place.PROFILE in one.attribute.shown_at]


def _page(
    call: Call,
    session: Session,
    *,
    values: Mapping[str, str],
    answers: Mapping[str, str] | None = None,
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
        attributes=fields_of(_shown(call, session), editor=Editor.USER, place=Place.PROFILE, typed=answers),
        choices={name: option_elements(name, call.language, values[name]) for name in CHOICES},
        countries=countries(call.language),
        address="" if address is None else address.address,
        picture=None if user is None else rules.own_picture(call.work, user),
        just_saved="saved" in call.query and not errors,
        signals=passkey_signals.details(call.work, user_id=session.user_id),
        errors=errors or {},
    )
