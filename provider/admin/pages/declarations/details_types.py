"""The types of authorization details in the console: list, declare, change and delete them (RFC 9396)."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
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
from provider.languages.own_text import InvalidOwnText, format_lines, format_texts, parse_lines, parse_texts
from provider.languages.text import OwnText, Text
from provider.oauth.authorization_details import store
from provider.oauth.authorization_details import types as rules
from provider.oauth.authorization_details.store import DetailsType
from provider.oauth.authorization_details.types import Declaration, InvalidType, TypeExists
from provider.operators.etags import ChangedMeanwhile
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

PATH = "/admin/details-types"
NEEDS = Permission.APPLICATIONS_WRITE
LABELS = {
    "label": Text("Label"),
    "description": Text("Description (optional)"),
    "fields": Text("Labels of members"),
    "json_schema": Text("JSON Schema"),
    "resources": Text("APIs"),
    "ask_each_time": Text("Ask each time"),
}
"""The labels of the fields. The last one is a check box."""
START = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type"],
    "properties": {"type": {"type": "string"}},
}
"""The schema that the form of a new type starts with."""


def _delete(call: Call, subject: Subject[DetailsType]) -> None:
    rules.delete_type(call.work, subject.value.type)


ACTIONS: Actions[DetailsType] = {
    "delete": Action(
        title=Text("Delete type"),
        button=Text("Delete type"),
        means=(
            Text("Applications can't ask for these details any more."),
            Text("Tokens that exist keep them until they expire. Refreshed tokens don't have them."),
        ),
        done=Text("Type deleted."),
        do=_delete,
        danger=True,
        leads_to=PATH,
    ),
}


@endpoint
def list_types(call: Call) -> Response:
    """List the types: GET /admin/details-types."""
    require_operator(call, Permission.APPLICATIONS_READ)
    found = [(one, OwnText(one.label), url_of(one.type)) for one in store.find_all(call.work.read)]
    return page(call, "admin/details_types.html", types=found, done=done_message(call, ACTIONS))


@endpoint
def show_new_type(call: Call) -> Response:
    require_operator(call, NEEDS)
    return FORM.show(call, None, {"json_schema": json.dumps(START, indent=2)})


@endpoint
def create_type(call: Call) -> Response:
    """Declare a type: POST /admin/details-types/new."""
    require_operator(call, NEEDS)
    try:
        made = rules.create_type(call.work, call.form.text("type"), _parse(call.form))
    except (InvalidType, TypeExists) as refusal:
        return FORM.show(call, None, call.form, refusal)
    return FORM.go(made.type, done="created")


@endpoint
def show_type(call: Call) -> Response:
    """Show a type and its form: GET /admin/details-types/type?name=."""
    operator = require_operator(call, Permission.APPLICATIONS_READ)
    found = find_type(call, operator).value
    return FORM.show(call, found, _spelled(found), operator=operator)


@endpoint
def save_type(call: Call) -> Response:
    """Save the form of a type: POST to the same URL."""
    operator = require_operator(call, NEEDS)
    found = find_type(call, operator).value
    try:
        declaration = _parse(call.form)
        store.lock(call.work.db, found.type)
        FORM.require_unchanged(call, rules.find_type(call.work, found.type))
        rules.update_type(call.work, found.type, declaration)
    except (InvalidType, InvalidInput, ChangedMeanwhile) as refusal:
        return FORM.show(call, found, call.form, refusal, operator=operator)
    return FORM.go(found.type, done="changed")


def find_type(call: Call, operator: Operator) -> Subject[DetailsType]:
    """Return the type named by the query, as a Subject. Raises NoSuchType."""
    found = rules.find_type(call.work, call.query.get("name", ""))
    return Subject(found.type, url_of(found.type), found, operator)


act_on_type = action_endpoint(find_type, ACTIONS, here="details-types", needs=NEEDS)


def url_of(name: str) -> str:
    """Return the URL of a type's page. The name is in the query, as it can be a URI."""
    return f"{PATH}/type?{urlencode({'name': name})}"


def _spelled(one: DetailsType) -> dict[str, str]:
    """Return a declaration as its form shows it."""
    return {
        "label": format_texts(one.label),
        "description": format_texts(one.description),
        "fields": format_lines(one.fields),
        "resources": "\n".join(one.resources),
        "json_schema": json.dumps(one.json_schema, indent=2, ensure_ascii=False),
        **({"ask_each_time": "on"} if one.ask_each_time else {}),
    }


def _parse(typed: Mapping[str, str]) -> Declaration:
    """Parse the form. Raises InvalidType."""
    given: dict[str, Any] = {
        "label": parse_texts(typed.get("label", "")),
        "description": parse_texts(typed.get("description", "")),
        "resources": typed.get("resources", "").split(),
        "ask_each_time": "ask_each_time" in typed,
    }
    try:
        given["fields"] = parse_lines(typed.get("fields", ""))
    except InvalidOwnText as invalid:
        raise InvalidType("fields", invalid) from None
    try:
        given["json_schema"] = read_object(typed.get("json_schema", ""))
    except ValueError as error:
        raise InvalidType("json_schema", f"{error}.") from None
    return rules.parse_declaration(given)


def _more(found: DetailsType | None, typed: Mapping[str, str]) -> dict[str, Any]:
    label = None if found is None else OwnText(found.label)
    return {"label": label, "ask_each_time": "ask_each_time" in typed}


FORM: DeclarationForm[DetailsType] = DeclarationForm(
    template="admin/details_type.html",
    needs=NEEDS,
    name_field="type",
    exists=TypeExists,
    labels=LABELS,
    event=Event.DETAILS_TYPE_UPDATED,
    declared=Text("Type declared."),
    updated=Text("Type updated."),
    url_of=url_of,
    spelled=_spelled,
    actions=ACTIONS,
    more=_more,
)
