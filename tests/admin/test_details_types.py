"""Types of authorization details: declared in the console, by the admin API and on the command line (RFC 9396)."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from provider.oauth.authorization_details import store
from provider.oauth.authorization_details.types import create_type, parse_declaration
from tests.admin.conftest import Console, Program, action_form, events
from tests.oauth.authorization_details.conftest import ACCESS, FILES_TYPE, PAYMENT, PAYMENT_TYPE, PAYMENTS
from tests.support.cases import in_one_world
from tests.support.installation import Work

PATH = "/authorization-details-types"
URI = "https://scheme.example.org/files"
SCHEMA = json.dumps(ACCESS["json_schema"])


def names(work: Work) -> list[str]:
    with work() as w:
        return [one.type for one in store.find_all(w.read)]


def typed(**changes: str) -> dict[str, str]:
    return {
        "label": "Access your files",
        "description": "",
        "fields": "",
        "resources": "",
        "json_schema": SCHEMA,
    } | changes


def declare(console: Console, name: str, **changes: str) -> Any:
    asked = console.open("/details-types/new")
    return console.browser.submit({"type": name, **typed(**changes)}, action=action_form(asked).action)


@pytest.mark.both_databases
def test_a_type_is_declared_changed_and_deleted_by_the_admin_api(
    operator: Program, reader: Program, work: Work
) -> None:
    put = operator("PUT", f"{PATH}/{PAYMENT_TYPE}", **PAYMENT)
    assert put.status_code == 200, put.text
    shown = reader.get(f"{PATH}/{PAYMENT_TYPE}")
    assert shown["label"] == PAYMENT["label"]
    assert shown["json_schema"] == PAYMENT["json_schema"]
    assert shown["resources"] == [PAYMENTS]
    stale = reader("GET", f"{PATH}/{PAYMENT_TYPE}").headers["etag"]
    again = operator("PUT", f"{PATH}/{PAYMENT_TYPE}", **PAYMENT | {"label": "Pay"})
    assert again.json()["label"] == {"en": "Pay"}
    assert operator("PUT", f"{PATH}/{PAYMENT_TYPE}", seen=stale, **PAYMENT).status_code == 412
    assert operator("PUT", f"{PATH}/{quote(URI, safe='')}", **ACCESS).status_code == 200
    assert [one["type"] for one in reader.get(PATH)["types"]] == [URI, PAYMENT_TYPE]
    assert operator("DELETE", f"{PATH}/{URI}").status_code == 204
    assert operator("DELETE", f"{PATH}/{URI}").status_code == 404
    assert events(work, "authorization_details_type.updated")[0]["changed"] == ["label"]


def test_a_schema_whose_one_becomes_true_is_changed(operator: Program, reader: Program, work: Work) -> None:
    """N-581. Python takes 1 and true for equal."""
    for constant in (1, True):
        schema = {"type": "object", "properties": {"all": {"const": constant}}, "additionalProperties": False}
        put = operator("PUT", f"{PATH}/files", label="Files", json_schema=schema)
        assert put.status_code == 200, put.text
    assert reader.get(f"{PATH}/files")["json_schema"]["properties"]["all"]["const"] is True
    assert events(work, "authorization_details_type.updated")[0]["changed"] == ["json_schema"]


@in_one_world(
    ("changes", "said"),
    [
        ({"label": ""}, "label"),
        ({"label": {"xx": "x"}}, "languages"),
        ({"fields": {"a b": "x"}}, "path of a member"),
        ({"resources": ["payments"]}, "resources"),
        ({"json_schema": {"type": "object"}}, "additionalProperties"),
    ],
)
def test_what_is_no_declaration_is_refused_with_the_reason(
    operator: Program, changes: dict[str, Any], said: str
) -> None:
    refused = operator("PUT", f"{PATH}/x", **PAYMENT | changes)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (
        400,
        "invalid-authorization-details-type",
    )
    assert said in refused.json()["detail"]


def test_a_type_has_a_name_of_visible_characters(operator: Program) -> None:
    for name in ("two%20words", "%C3%A4", "x" * 201):
        assert operator("PUT", f"{PATH}/{name}", **ACCESS).status_code == 400


def test_a_type_is_declared_changed_and_deleted_in_the_console(console: Console, work: Work) -> None:
    assert "No types yet." in console.open("/details-types").text
    page = declare(
        console,
        URI,
        label="Access your files\n#de Auf Ihre Dateien zugreifen",
        fields="identifier Folder\nidentifier#de Ordner",
    )
    assert "Type declared." in page.text
    with work() as w:
        found = store.find(w.read, URI)
    assert found is not None
    assert found.label == {"en": "Access your files", "de": "Auf Ihre Dateien zugreifen"}
    assert found.fields == {"identifier": {"en": "Folder", "de": "Ordner"}}
    path = f"/details-types/type?name={quote(URI, safe='')}"
    assert URI in console.open("/details-types").text
    console.open(path)
    page = console.browser.submit({"label": "Open your files", "ask_each_time": "on", "why": "Shorter"})
    assert "Type updated." in page.text
    assert events(work, "authorization_details_type.updated")[0]["changed"] == ["label", "ask_each_time"]
    page = console.act(f"/details-types/type/delete?name={quote(URI, safe='')}", why="Unused")
    assert "Type deleted." in page.text
    assert names(work) == []


def test_an_invalid_form_of_the_console_keeps_what_was_typed(console: Console, work: Work) -> None:
    for changes, said in (
        ({"json_schema": "{"}, "json_schema"),
        ({"json_schema": '{"type": "object"}'}, "additionalProperties"),
        ({"label": ""}, "label: is missing"),
        ({"fields": "identifier"}, "has no text after it"),
        ({"resources": "files"}, "resources"),
    ):
        page = declare(console, FILES_TYPE, description="Typed before", **changes)
        assert page.status == 400
        assert said in page.text
        assert "Typed before" in page.text
    declare(console, FILES_TYPE)
    page = declare(console, FILES_TYPE)
    assert page.status == 409
    assert names(work) == [FILES_TYPE]


def test_an_edit_that_another_one_overtook_is_not_saved(console: Console, operator: Program, work: Work) -> None:
    with work() as w:
        create_type(w, FILES_TYPE, parse_declaration(ACCESS))
    console.open(f"/details-types/type?name={FILES_TYPE}")
    operator("PUT", f"{PATH}/{FILES_TYPE}", **ACCESS | {"label": "Theirs"})
    page = console.browser.submit({"label": "Mine"})
    assert page.status == 412
    assert "Someone else has changed this" in page.text
    assert "Mine" in page.text
    with work() as w:
        found = store.find(w.read, FILES_TYPE)
    assert found is not None
    assert found.label == {"en": "Theirs"}
