"""Claim mappings, attributes and groups, for tests of any folder."""

from typing import Any

from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.declarations import parse_declaration as parse_attribute
from provider.accounts.attributes.declared import put_attribute
from provider.accounts.attributes.values import change_values
from provider.accounts.groups.groups import GroupSettings, put_group
from provider.accounts.groups.members import set_groups
from provider.oauth.claim_mapping.declarations import parse_declaration
from provider.oauth.tokens.claim_mappings import put_mapping
from tests.support.installation import Work

SHOP: dict[str, Any] = {
    "claim": "customer",
    "scope": "shop",
    "source": "attribute",
    "attribute": "customer_number",
    "description": {"en": "See your customer number", "de": "Ihre Kundennummer sehen"},
}
"""A mapping of a declared attribute to a scope of its own."""


def map_claim(work: Work, name: str, **given: Any) -> None:
    with work() as w:
        put_mapping(w, name, parse_declaration(given))


def declare_attribute(work: Work, name: str, kind: str = "text", **given: Any) -> None:
    with work() as w:
        put_attribute(w, name, parse_attribute(name, {"type": kind, "label": name.title(), **given}))


def give_attributes(work: Work, user_id: str, **values: Any) -> None:
    with work() as w:
        change_values(w, user_id=user_id, given=values, editor=Editor.OPERATOR, place=Place.ADMIN)


def join_groups(work: Work, user_id: str, *names: str) -> None:
    with work() as w:
        for name in names:
            put_group(w, name, GroupSettings())
        set_groups(w, user_id=user_id, names=names)
