"""Claim mappings in the console: list, declare, change and delete them."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
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
from provider.jose.json_objects import read_json
from provider.languages.own_text import format_texts, parse_texts
from provider.languages.text import Text
from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import (
    NAMES,
    Declaration,
    Format,
    InvalidMapping,
    Place,
    Source,
    parse_declaration,
)
from provider.oauth.claim_mapping.store import ClaimMapping
from provider.oauth.tokens import claim_mappings as rules
from provider.oauth.tokens.claim_mappings import MappingExists
from provider.operators import claim_mappings
from provider.operators.authority import MorePermissions
from provider.operators.etags import ChangedMeanwhile
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

PATH = "/admin/claims"
NEEDS = Permission.APPLICATIONS_WRITE
LABELS = {
    "claim": Text("Claim"),
    "client_id": Text("Application (optional)"),
    "scope": Text("Scope (optional)"),
    "description": Text("Description (optional)"),
    "places": Text("Where the claim is"),
    "source": Text("Value"),
    "attribute": Text("Attribute"),
    "value": Text("Constant"),
    "expression": Text("Expression"),
    "prefix": Text("Only names that begin with"),
    "strip_prefix": Text("Remove this prefix"),
    "only": Text("Only these names"),
    "format": Text("Format"),
}
SOURCES = {
    Source.ATTRIBUTE: Text("An attribute of the user"),
    Source.GROUPS: Text("The user's groups"),
    Source.ROLES: Text("The user's roles"),
    Source.CONSTANT: Text("A constant"),
    Source.EXPRESSION: Text("An expression"),
}
FORMATS = {
    Format.LIST: Text("A list"),
    Format.COMMA: Text("Text with commas"),
    Format.SPACE: Text("Text with spaces"),
    Format.FIRST: Text("The first name alone"),
}
PLACES = {
    Place.ID_TOKEN: Text("ID token"),
    Place.ACCESS_TOKEN: Text("Access token"),
    Place.USERINFO: Text("UserInfo"),
    Place.INTROSPECTION: Text("Introspection"),
}


def _delete(call: Call, subject: Subject[ClaimMapping]) -> None:
    claim_mappings.delete_mapping(call.work, subject.operator.permissions, subject.value.name)


ACTIONS: Actions[ClaimMapping] = {
    "delete": Action(
        title=Text("Delete claim mapping"),
        button=Text("Delete claim mapping"),
        means=(Text("New and refreshed tokens don't have this claim. Tokens that exist keep it until they expire."),),
        done=Text("Claim mapping deleted."),
        do=_delete,
        danger=True,
        leads_to=PATH,
    ),
}


@endpoint
def list_mappings(call: Call) -> Response:
    """List the claim mappings: GET /admin/claims."""
    require_operator(call, Permission.APPLICATIONS_READ)
    found = [(one, SOURCES[Source(one.source)], url_of(one.name)) for one in store.find_all(call.work.read)]
    return page(call, "admin/claim_mappings.html", mappings=found, done=done_message(call, ACTIONS))


@endpoint
def show_new_mapping(call: Call) -> Response:
    require_operator(call, NEEDS)
    start = {"source": Source.ATTRIBUTE.value, "format": Format.LIST.value, "client_id": call.query.text("client_id")}
    return FORM.show(call, None, start | {f"places.{place}": "on" for place in Place})


@endpoint
def create_mapping(call: Call) -> Response:
    """Declare a mapping: POST /admin/claims/new."""
    operator = require_operator(call, NEEDS)
    try:
        declaration = _parse(call.form)
        made = claim_mappings.create_mapping(call.work, operator.permissions, call.form.text("name"), declaration)
    except (InvalidMapping, MappingExists, MorePermissions) as refusal:
        return FORM.show(call, None, call.form, refusal)
    return FORM.go(made.name, done="created")


@endpoint
def show_mapping(call: Call) -> Response:
    """Show a mapping and its form: GET /admin/claims/claim?name=."""
    operator = require_operator(call, Permission.APPLICATIONS_READ)
    found = find_mapping(call, operator).value
    return FORM.show(call, found, _spelled(found), operator=operator)


@endpoint
def save_mapping(call: Call) -> Response:
    """Save the form of a mapping: POST to the same URL."""
    operator = require_operator(call, NEEDS)
    found = find_mapping(call, operator).value
    try:
        declaration = _parse(call.form)
        rules.lock_mapping(call.work, found.name)
        FORM.require_unchanged(call, rules.find_mapping(call.work, found.name))
        claim_mappings.update_mapping(call.work, operator.permissions, found.name, declaration)
    except (InvalidMapping, InvalidInput, ChangedMeanwhile, MorePermissions) as refusal:
        return FORM.show(call, found, call.form, refusal, operator=operator)
    return FORM.go(found.name, done="changed")


def find_mapping(call: Call, operator: Operator) -> Subject[ClaimMapping]:
    """Return the mapping named by the query, as a Subject. Raises NoSuchMapping."""
    found = rules.find_mapping(call.work, call.query.get("name", ""))
    return Subject(found.name, url_of(found.name), found, operator)


act_on_mapping = action_endpoint(find_mapping, ACTIONS, here="claims", needs=NEEDS)


def url_of(name: str) -> str:
    """Return the URL of a mapping's page."""
    return f"{PATH}/claim?{urlencode({'name': name})}"


def _spelled(one: ClaimMapping) -> dict[str, str]:
    """Return a declaration as its form shows it."""
    only = one.only or {}
    return {
        "claim": one.claim,
        "client_id": one.client_id or "",
        "scope": one.scope or "",
        "description": format_texts(one.description),
        **{f"places.{place}": "on" for place in one.places},
        "source": one.source,
        "attribute": one.attribute or "",
        "value": "" if one.value is None else json.dumps(one.value, ensure_ascii=False),
        "expression": one.expression or "",
        "prefix": one.prefix,
        **({"strip_prefix": "on"} if one.strip_prefix else {}),
        "only": "\n".join(name if name == text else f"{name} {text}" for name, text in only.items()),
        "format": one.format,
    }


def _parse(typed: Mapping[str, str]) -> Declaration:
    """Parse the form. What belongs to another source is ignored. Raises InvalidMapping."""
    source = typed.get("source", "")
    given: dict[str, Any] = {name: typed.get(name, "").strip() for name in ("claim", "client_id", "scope")}
    given["source"] = source
    given["description"] = parse_texts(typed.get("description", ""))
    given["places"] = [place.value for place in Place if f"places.{place}" in typed]
    if source == Source.ATTRIBUTE:
        given["attribute"] = typed.get("attribute", "").strip()
    elif source == Source.EXPRESSION:
        given["expression"] = typed.get("expression", "")
    elif source == Source.CONSTANT:
        given["value"] = _constant(typed.get("value", "").strip())
    elif source in NAMES:
        lines = [line.split(maxsplit=1) for line in typed.get("only", "").splitlines() if line.strip()]
        given["only"] = {words[0]: words[-1].strip() for words in lines} or None
        given |= {"prefix": typed.get("prefix", "").strip(), "strip_prefix": "strip_prefix" in typed}
        given["format"] = typed.get("format", "")
    return parse_declaration(given)


def _constant(text: str) -> Any:
    """Return a JSON value. What is none is text."""
    try:
        return read_json(text)
    except ValueError:
        return text


def _options(labels: Mapping[Any, Text]) -> list[SimpleNamespace]:
    return [SimpleNamespace(value=one.value, label=label) for one, label in labels.items()]


def _more(_found: ClaimMapping | None, typed: Mapping[str, str]) -> dict[str, Any]:
    places = [
        SimpleNamespace(value=place.value, label=label, ticked=f"places.{place}" in typed)
        for place, label in PLACES.items()
    ]
    choices = {"sources": _options(SOURCES), "formats": _options(FORMATS), "places": places}
    return choices | {"strip_prefix": "strip_prefix" in typed}


FORM: DeclarationForm[ClaimMapping] = DeclarationForm(
    template="admin/claim_mapping.html",
    needs=NEEDS,
    name_field="name",
    exists=MappingExists,
    labels=LABELS,
    event=Event.CLAIM_MAPPING_UPDATED,
    declared=Text("Claim mapping declared."),
    updated=Text("Claim mapping updated."),
    url_of=url_of,
    spelled=_spelled,
    actions=ACTIONS,
    more=_more,
)
