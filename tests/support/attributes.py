"""Declared attributes of users, and their values, for tests of any folder."""

from typing import Any

from provider.accounts.attributes.declarations import Editor, Place, parse_declaration
from provider.accounts.attributes.declared import put_attribute
from provider.accounts.attributes.values import change_values, find_of_user, set_values
from tests.support.installation import Work

EVERYONE = ["user", "operator", "api"]
OPEN: dict[str, Any] = {"seen_by": EVERYONE, "edited_by": EVERYONE, "shown_at": ["profile"]}
"""Members of an attribute that users see and edit on their profile."""


def declare(work: Work, name: str, kind: str = "text", **given: Any) -> None:
    with work() as w:
        put_attribute(w, name, parse_declaration(name, {"type": kind, "label": name.title(), **given}))


def give(work: Work, user_id: str, **values: Any) -> None:
    with work() as w:
        change_values(w, user_id=user_id, given=values, editor=Editor.OPERATOR, place=Place.ADMIN)


def values_of(work: Work, user_id: str) -> dict[str, Any]:
    with work() as w:
        return set_values(find_of_user(w, user_id))
