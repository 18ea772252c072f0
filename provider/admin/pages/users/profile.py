"""The actions that change a user's profile: one for each group of the profile's fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from provider.accounts import profile
from provider.accounts.pages.profile import GROUPS
from provider.accounts.pages.profile_form import BIRTHDATE, CHOICES, INVALID_DATE, options_of, typed_date
from provider.accounts.profile import FIELDS, Field, parse_profile, values_of
from provider.admin.pages.actions import (
    Action,
    Actions,
    Edit,
    Input,
    InvalidInput,
    Subject,
    require_version_seen,
)
from provider.admin.pages.conflicts import Record
from provider.admin.pages.users.details import UserDetails, lock_user
from provider.audit.events import Event
from provider.languages.regions import countries
from provider.languages.text import Text
from provider.web.call import Call

NAMES = ("profile-names", "profile-about", "profile-contact", "profile-language", "profile-address")
"""The actions that edit the groups, in their order."""
TITLES = (
    Text("Name"),
    Text("Personal details"),
    Text("Contact"),
    Text("Language and time zone"),
    Text("Postal address"),
)
ACTION_TITLES = (
    Text("Edit names"),
    Text("Edit personal details"),
    Text("Edit phone number"),
    Text("Edit language and time zone"),
    Text("Edit postal address"),
)
HINTS = {
    "phone_number": Text("Include the country code"),
}
_FIELDS = {field.name: field for field in FIELDS}


@dataclass(frozen=True)
class Group:
    """A group of the profile's fields: the action that edits it, its title, and the label and value of each field that
    is set.
    """

    action: str
    title: Text
    values: list[tuple[Text, str]]


def groups_of(claims: Mapping[str, Any]) -> list[Group]:
    """Return the user's profile in groups."""
    values = values_of(claims)
    return [
        Group(action, title, [(_FIELDS[name].label, values[name]) for name in names if values[name]])
        for action, title, (_, names) in zip(NAMES, TITLES, GROUPS, strict=True)
    ]


def _values(person: UserDetails, names: tuple[str, ...]) -> dict[str, str]:
    values = values_of(person.user.claims)
    return {name: values[name] for name in names}


def _change(names: tuple[str, ...]) -> Callable[[Call, Subject[UserDetails]], None]:
    def carry_out(call: Call, subject: Subject[UserDetails]) -> None:
        user = lock_user(call, subject.value.user.id)
        before = values_of(user.claims)
        require_version_seen(call, {name: before[name] for name in names})
        typed = {name: call.form.text(name) for name in names if name != BIRTHDATE}
        if BIRTHDATE in names:
            typed[BIRTHDATE] = typed_date(call, before[BIRTHDATE])
        claims, errors = parse_profile(before | typed, before=before)
        for name, problem in errors.items():
            raise InvalidInput(name, INVALID_DATE if name == BIRTHDATE else problem)
        profile.change_profile(call.work, user_id=user.id, claims=claims)

    return carry_out


def _input(field: Field) -> Input[UserDetails]:
    return Input(
        field.name,
        field.label,
        HINTS.get(field.name, field.hint),
        shown=lambda person: values_of(person.user.claims)[field.name],
        kind="date" if field.name == BIRTHDATE else "text",
        options=partial(options_of, field.name) if field.name in CHOICES else None,
        suggests=countries if field.name == "country" else None,
    )


def _action(title: Text, names: tuple[str, ...]) -> Action[UserDetails]:
    claims = {"address" if _FIELDS[name].of_address else name for name in names}
    return Action(
        title=title,
        button=Text("Save changes"),
        means=(
            Text(
                "Applications receive the new profile at the next sign-in or token refresh. The user can change it "
                "again."
            ),
        ),
        done=Text("Profile updated."),
        do=_change(names),
        inputs=tuple(_input(_FIELDS[name]) for name in names),
        edits=Edit(
            lambda person: _values(person, names),
            lambda person: Record(Event.PROFILE_CHANGED, user_id=person.user.id, members=claims),
        ),
        is_listed=False,
    )


PROFILE_ACTIONS: Actions[UserDetails] = {
    action: _action(title, names) for action, title, (_, names) in zip(NAMES, ACTION_TITLES, GROUPS, strict=True)
}
