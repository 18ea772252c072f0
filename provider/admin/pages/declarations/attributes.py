"""The attributes of users in the console: list, declare, change and delete them."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from provider.accounts.attributes import declared
from provider.accounts.attributes.declarations import (
    Declaration,
    Editor,
    InvalidAttribute,
    Place,
    parse_declaration,
)
from provider.accounts.attributes.declared import AttributeExists
from provider.accounts.attributes.kinds import Kind
from provider.accounts.roles.permissions import Permission
from provider.accounts.store import user_attributes as store
from provider.accounts.store.user_attributes import Attribute
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    InvalidInput,
    Subject,
    action_endpoint,
    done_message,
)
from provider.admin.pages.declarations.form import DeclarationForm
from provider.audit.events import Event
from provider.jose.json_objects import read_object
from provider.languages.own_text import format_texts, parse_texts
from provider.languages.text import OwnText, Text
from provider.operators.etags import ChangedMeanwhile
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

PATH = "/admin/attributes"
NEEDS = Permission.SETTINGS_WRITE
LABELS = {
    "label": Text("Label"),
    "help": Text("Hint (optional)"),
    "rules": Text("Rules"),
    "position": Text("Position"),
    "scope": Text("Scope (optional)"),
    "claim": Text("Claim (optional)"),
}
"""The labels of the fields with text."""
KINDS = {
    Kind.TEXT: Text("Text"),
    Kind.NUMBER: Text("Number"),
    Kind.BOOLEAN: Text("Yes or no"),
    Kind.DATE: Text("Date"),
    Kind.ENUM: Text("One of several values"),
    Kind.LIST: Text("List of texts"),
    Kind.JSON: Text("JSON"),
}
EDITORS = {Editor.USER: Text("The user"), Editor.OPERATOR: Text("Operators"), Editor.API: Text("Programs")}
PLACES = {
    Place.SIGN_UP: Text("At sign-up"),
    Place.PROFILE: Text("On the profile page"),
    Place.ADMIN: Text("When operators change users"),
}
SETS: Mapping[str, Mapping[Any, Text]] = {
    "seen_by": EDITORS,
    "edited_by": EDITORS,
    "shown_at": {place: label for place, label in PLACES.items() if place != Place.ADMIN},
    "required_at": PLACES,
}
"""The fields of which several values can be ticked."""
SET_LABELS = {
    "seen_by": Text("Seen by"),
    "edited_by": Text("Edited by"),
    "shown_at": Text("Shown"),
    "required_at": Text("Required"),
}
START = {"rules": "{}", "position": "0", "seen_by.operator": "on", "edited_by.operator": "on", "seen_by.api": "on"} | {
    "edited_by.api": "on"
}
"""What the form of a new attribute starts with."""


def _delete(call: Call, subject: Subject[Attribute]) -> None:
    declared.delete_attribute(call.work, subject.value.name)


ACTIONS: Actions[Attribute] = {
    "delete": Action(
        title=Text("Delete attribute"),
        button=Text("Delete attribute"),
        means=(
            Text("The values of all users are deleted."),
            Text("Applications don't get it any more."),
        ),
        done=Text("Attribute deleted."),
        do=_delete,
        danger=True,
        leads_to=PATH,
    ),
}


@endpoint
def list_attributes(call: Call) -> Response:
    """List the attributes: GET /admin/attributes."""
    require_operator(call, Permission.USERS_READ)
    found = [(one, OwnText(one.label), KINDS[Kind(one.type)]) for one in store.find_all(call.work.read)]
    return page(call, "admin/attributes.html", attributes=found, done=done_message(call, ACTIONS))


@endpoint
def show_new_attribute(call: Call) -> Response:
    require_operator(call, NEEDS)
    return FORM.show(call, None, START)


@endpoint
def create_attribute(call: Call) -> Response:
    """Declare an attribute: POST /admin/attributes/new."""
    require_operator(call, NEEDS)
    name = call.form.text("name").strip()
    try:
        made = declared.create_attribute(call.work, name, _parse(name, call.form, call.form.text("type")))
    except (InvalidAttribute, AttributeExists) as refusal:
        return FORM.show(call, None, call.form, refusal)
    return FORM.go(made.name, done="created")


@endpoint
def show_attribute(call: Call) -> Response:
    """Show an attribute and its form: GET /admin/attributes/attribute/{name}."""
    operator = require_operator(call, Permission.USERS_READ)
    found = find_attribute(call, operator).value
    return FORM.show(call, found, _spelled(found), operator=operator)


@endpoint
def save_attribute(call: Call) -> Response:
    """Save the form of an attribute: POST to the same URL."""
    operator = require_operator(call, NEEDS)
    found = find_attribute(call, operator).value
    try:
        declaration = _parse(found.name, call.form, found.type)
        declared.lock_attribute(call.work, found.name)
        FORM.require_unchanged(call, declared.find_attribute(call.work, found.name))
        declared.update_attribute(call.work, found.name, declaration)
    except (InvalidAttribute, InvalidInput, ChangedMeanwhile) as refusal:
        return FORM.show(call, found, call.form, refusal, operator=operator)
    return FORM.go(found.name, done="changed")


def find_attribute(call: Call, operator: Operator) -> Subject[Attribute]:
    """Return the attribute named by the path, as a Subject. Raises NoSuchAttribute."""
    found = declared.find_attribute(call.work, call.path_params["name"])
    return Subject(found.name, url_of(found.name), found, operator)


act_on_attribute = action_endpoint(find_attribute, ACTIONS, here="attributes", needs=NEEDS)


def url_of(name: str) -> str:
    """Return the URL of an attribute's page."""
    return f"{PATH}/attribute/{name}"


def _spelled(one: Attribute) -> dict[str, str]:
    """Return a declaration as its form shows it."""
    ticked = {f"{name}.{value}": "on" for name in SETS for value in getattr(one, name)}
    return {
        "label": format_texts(one.label),
        "help": format_texts(one.help),
        "rules": json.dumps(one.rules, indent=2, ensure_ascii=False),
        "position": str(one.position),
        "scope": one.scope or "",
        "claim": one.claim or "",
        **ticked,
        **({"searchable": "on"} if one.searchable else {}),
    }


def _parse(name: str, typed: Mapping[str, str], kind: str) -> Declaration:
    """Parse the form. Raises InvalidAttribute."""
    try:
        rules = read_object(typed.get("rules", "").strip() or "{}")
    except ValueError as error:
        raise InvalidAttribute("rules", f"{error}.") from None
    position = typed.get("position", "").strip() or "0"
    given: dict[str, Any] = {
        "type": kind,
        "label": parse_texts(typed.get("label", "")),
        "help": parse_texts(typed.get("help", "")),
        "rules": rules,
        "position": int(position) if position.isascii() and position.isdigit() else position,
        "searchable": "searchable" in typed,
        "scope": typed.get("scope", "").strip() or None,
        "claim": typed.get("claim", "").strip() or None,
        **{each: [value.value for value in known if f"{each}.{value}" in typed] for each, known in SETS.items()},
    }
    return parse_declaration(name, given)


def _more(found: Attribute | None, typed: Mapping[str, str]) -> dict[str, Any]:
    options = {
        name: [{"value": value, "label": label, "ticked": f"{name}.{value}" in typed} for value, label in known.items()]
        for name, known in SETS.items()
    }
    return {
        "label": None if found is None else OwnText(found.label),
        "kind": None if found is None else KINDS[Kind(found.type)],
        "kinds": [{"value": kind, "label": label} for kind, label in KINDS.items()],
        "sets": [(name, SET_LABELS[name], options[name]) for name in SETS],
        "searchable": "searchable" in typed,
    }


FORM: DeclarationForm[Attribute] = DeclarationForm(
    template="admin/attribute.html",
    needs=NEEDS,
    name_field="name",
    exists=AttributeExists,
    labels=LABELS,
    choices=("type",),
    event=Event.USER_ATTRIBUTE_UPDATED,
    declared=Text("Attribute declared."),
    updated=Text("Attribute updated."),
    url_of=url_of,
    spelled=_spelled,
    actions=ACTIONS,
    more=_more,
)
