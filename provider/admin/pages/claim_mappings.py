"""Claim mappings in the console: list, declare, change and delete them."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.etags import ChangedMeanwhile, version_of
from provider.admin.guards import Operator, require_operator
from provider.admin.pages import conflicts
from provider.admin.pages.actions import (
    Action,
    Actions,
    InvalidInput,
    Subject,
    action_endpoint,
    available,
    done_message,
    record_reason,
    require_version_seen,
)
from provider.admin.pages.conflicts import Record, conflict
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
from provider.refusals import Refusal
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

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
    rules.delete_mapping(call.work, subject.value.name)


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
    return _form(call, None, start | {f"places.{place}": "on" for place in Place})


@endpoint
def create_mapping(call: Call) -> Response:
    """Declare a mapping: POST /admin/claims/new."""
    require_operator(call, NEEDS)
    try:
        made = rules.create_mapping(call.work, call.form.text("name"), _parse(call.form))
    except (InvalidMapping, MappingExists) as refusal:
        return _form(call, None, call.form, refusal)
    return go(f"{url_of(made.name)}&created=yes")


@endpoint
def show_mapping(call: Call) -> Response:
    """Show a mapping and its form: GET /admin/claims/claim?name=."""
    operator = require_operator(call, Permission.APPLICATIONS_READ)
    found = find_mapping(call, operator).value
    return _form(call, found, _spelled(found), operator=operator)


@endpoint
def save_mapping(call: Call) -> Response:
    """Save the form of a mapping: POST to the same URL."""
    operator = require_operator(call, NEEDS)
    found = find_mapping(call, operator).value
    try:
        declaration = _parse(call.form)
        rules.lock_mapping(call.work, found.name)
        require_version_seen(call, _spelled(rules.find_mapping(call.work, found.name)))
        record_reason(call)
        rules.update_mapping(call.work, found.name, declaration)
    except (InvalidMapping, InvalidInput, ChangedMeanwhile) as refusal:
        return _form(call, found, call.form, refusal, operator=operator)
    return go(f"{url_of(found.name)}&changed=yes")


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


def _form(
    call: Call,
    found: ClaimMapping | None,
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
    *,
    operator: Operator | None = None,
) -> Response:
    errors: dict[str, str] = {}
    overtaken = None
    if isinstance(refusal, ChangedMeanwhile) and found is not None:
        errors, overtaken = {"": conflicts.MESSAGE}, _conflict(call, found)
    elif refusal is not None:
        about = getattr(refusal, "member", getattr(refusal, "name", ""))
        errors = {"name" if isinstance(refusal, MappingExists) else about: refusal.message}
    places = [
        SimpleNamespace(value=place.value, label=label, ticked=f"places.{place}" in typed)
        for place, label in PLACES.items()
    ]
    return page(
        call,
        "admin/claim_mapping.html",
        status_code=200 if refusal is None else refusal.status_code,
        found=found,
        url=None if found is None else url_of(found.name),
        typed={name: typed.get(name, "") for name in ("name", "why", *LABELS)},
        strip_prefix="strip_prefix" in typed,
        labels=LABELS,
        sources=_options(SOURCES),
        formats=_options(FORMATS),
        places=places,
        version="" if found is None else version_of(_spelled(found)),
        errors=errors,
        overtaken=overtaken,
        actions={} if found is None or operator is None else available(ACTIONS, found, NEEDS, operator),
        message=Text("Claim mapping declared.") if "created" in call.query else Text("Claim mapping updated."),
        is_done=refusal is None and ("created" in call.query or "changed" in call.query),
    )


def _conflict(call: Call, found: ClaimMapping) -> dict[str, Any]:
    saved = _spelled(found)
    typed = {name: "\n".join(call.form.get(name, "").split("\r\n")).strip() for name in LABELS}
    differing = [(label, saved.get(name, "")) for name, label in LABELS.items() if typed[name] != saved.get(name, "")]
    return conflict(call, Record(Event.CLAIM_MAPPING_UPDATED, detail=("name", found.name)), differing)
