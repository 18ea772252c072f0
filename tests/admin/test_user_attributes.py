"""Attributes of users: declared by the admin API, and given to users by it (docs/guides/user-attributes.md)."""

from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.reserved import CLAIMS, SCOPES
from provider.accounts.attributes.values import InvalidAttributes, change_values
from provider.accounts.store import attribute_values
from provider.accounts.store import user_attributes as store
from provider.accounts.store.attribute_values import attribute_values as values_table
from provider.oauth import scopes
from tests.admin.conftest import Console, Program, events
from tests.support.attributes import OPEN, declare, give, values_of
from tests.support.cases import in_one_world
from tests.support.installation import Work

PATH = "/user-attributes"
NUMBER: dict[str, Any] = {
    "type": "text",
    "label": {"en": "Customer number", "de": "Kundennummer"},
    "rules": {"pattern": "^[0-9]{4,8}$"},
    "searchable": True,
    "scope": "shop",
}
SIZES = {"type": "object", "additionalProperties": False, "properties": {"shoe": {"type": "number", "maximum": 60}}}


def kind_of(response: Any) -> str:
    return str(response.json()["type"].rpartition(":")[2])


def problems(response: Any) -> dict[str, str]:
    assert response.status_code == 400, response.text
    return {one["member"]: one["problem"] for one in response.json()["errors"]}


@pytest.mark.both_databases
def test_an_attribute_is_declared_changed_and_deleted_by_the_admin_api(
    operator: Program, reader: Program, work: Work, ada: str
) -> None:
    put = operator("PUT", f"{PATH}/customer_number", **NUMBER)
    assert put.status_code == 200, put.text
    shown = reader.get(f"{PATH}/customer_number")
    assert (shown["label"], shown["claim"], shown["edited_by"]) == (
        NUMBER["label"],
        "customer_number",
        ["operator", "api"],
    )
    stale = reader("GET", f"{PATH}/customer_number").headers["etag"]
    assert operator("PUT", f"{PATH}/customer_number", **NUMBER | {"label": "Number"}).status_code == 200
    assert operator("PUT", f"{PATH}/customer_number", seen=stale, **NUMBER).status_code == 412
    assert [one["name"] for one in reader.get(PATH)["attributes"]] == ["customer_number"]
    assert events(work, "user_attribute.updated")[0]["changed"] == ["label"]
    give(work, ada, customer_number="12345")
    assert operator("DELETE", f"{PATH}/customer_number").status_code == 204
    assert operator("DELETE", f"{PATH}/customer_number").status_code == 404
    operator("PUT", f"{PATH}/customer_number", **NUMBER)
    assert values_of(work, ada) == {}  # of the earlier attribute with this name
    with work() as w:
        assert attribute_values.purge(w.db, before=w.now, limit=50) == 1
        assert attribute_values.purge(w.db, before=w.now, limit=50) == 0
        assert w.db.scalar(select(func.count()).select_from(values_table)) == 0


@in_one_world(
    ("changes", "said"),
    [
        ({"label": ""}, "label: is missing"),
        ({"type": "color"}, "type: must be one of"),
        ({"rules": {"min": 3}}, "rules: min is not a rule"),
        ({"rules": {"pattern": "^(a+)+$"}}, "repeats a group"),
        ({"rules": {"pattern": ".*.*x"}}, "too many ways"),
        ({"rules": {"pattern": "^a$", "max_length": 1000}}, "max_length must be at most 256"),
        ({"rules": {"min_length": 5, "max_length": 4}}, "min_length must not be more"),
        ({"type": "enum", "rules": {}, "searchable": False}, "values is missing"),
        ({"type": "json", "rules": {"json_schema": {"$ref": "https://evil.test/"}}, "searchable": False}, "$ref"),
        ({"type": "list", "rules": {}}, "searchable: must be false"),
        ({"edited_by": ["user"]}, "edited_by: user must also be in seen_by"),
        ({"shown_at": ["sign-up"]}, "shown_at: needs user"),
        ({"required_at": ["profile"]}, "required_at: profile must also be in shown_at"),
        ({"scope": "email"}, "scope: email has a meaning already"),
        ({"scope": None, "claim": "x"}, "claim: needs a scope"),
        ({"scope": "two words"}, "scope"),
    ],
)
def test_what_is_no_declaration_is_refused_with_the_reason(
    operator: Program, changes: dict[str, Any], said: str
) -> None:
    """N-238. Patterns and schemas have a bounded cost (A-97)."""
    refused = operator("PUT", f"{PATH}/x", **NUMBER | changes)
    assert (refused.status_code, kind_of(refused)) == (400, "invalid-user-attribute"), refused.text
    assert said in refused.json()["detail"]


@in_one_world("claim", ["iss", "sub", "aud", "exp", "cnf", "email", "email_verified", "roles", "act", "acr"])
def test_an_attribute_cannot_have_a_registered_claim(operator: Program, claim: str) -> None:
    """N-239. RFC 7519 section 4.1, OIDC Core section 5.1."""
    refused = operator("PUT", f"{PATH}/x", **NUMBER | {"claim": claim})
    assert (refused.status_code, kind_of(refused)) == (400, "invalid-user-attribute")
    assert f"{claim} is a claim with another meaning" in refused.json()["detail"]


def test_every_scope_and_claim_of_ours_is_reserved() -> None:
    assert {*scopes.SCOPES} <= SCOPES
    assert {*scopes.CLAIMS} <= CLAIMS


def test_two_attributes_cannot_have_one_claim_nor_can_a_type_change(operator: Program) -> None:
    """N-240."""
    operator("PUT", f"{PATH}/customer_number", **NUMBER)
    other = operator("PUT", f"{PATH}/other", **NUMBER | {"claim": "customer_number"})
    assert "is the claim of the attribute customer_number" in other.json()["detail"]
    changed = operator("PUT", f"{PATH}/customer_number", **NUMBER | {"type": "number", "rules": {}})
    assert "type: can't be changed from text" in changed.json()["detail"]
    assert operator("PUT", f"{PATH}/Customer-Number", **NUMBER).status_code in {400, 404}


VALUES: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("text", {"min_length": 2}, " Ada  King ", "a"),
    ("text", {"pattern": "^[A-Z]{3}$"}, "ABC", "abc"),
    ("number", {"min": 1, "max": 10}, 3.5, 11),
    ("number", {"whole": True}, 3.0, 3.5),
    ("boolean", {}, False, "yes"),
    ("date", {"min": "2000-01-01"}, "2026-02-28", "2026-02-30"),
    ("date", {"min": "2000-01-01"}, "2000-01-01", "1999-12-31"),
    ("enum", {"values": ["red", "blue"]}, "red", "green"),
    ("list", {"max_items": 2}, ["a", "b", "a"], ["a", "b", "c"]),
    ("json", {"json_schema": SIZES}, {"shoe": 38}, {"shoe": 61}),
]


@pytest.mark.parametrize(("kind", "rules", "good", "bad"), VALUES)
def test_values_conform_to_their_type_and_rules(
    operator: Program, work: Work, ada: str, kind: str, rules: dict[str, Any], good: Any, bad: Any
) -> None:
    """N-241."""
    declare(work, "x", kind, rules=rules)
    changed = operator("PATCH", f"/users/{ada}", attributes={"x": good})
    assert changed.status_code == 200, changed.text
    expected = {" Ada  King ": "Ada King"}.get(good, good) if isinstance(good, str) else good
    expected = ["a", "b"] if isinstance(good, list) else expected
    assert changed.json()["attributes"] == {"x": expected}
    assert [*problems(operator("PATCH", f"/users/{ada}", attributes={"x": bad}))] == ["attributes.x"]
    assert [*problems(operator("PATCH", f"/users/{ada}", attributes={"x": {"deep": [1]}}))] == ["attributes.x"]
    assert values_of(work, ada) == {"x": expected}
    assert operator("PATCH", f"/users/{ada}", attributes={"x": None}).json()["attributes"] == {}


def test_programs_see_and_edit_only_what_is_declared_for_them(operator: Program, work: Work, ada: str) -> None:
    """N-242. Unknown names and hidden ones get the same answer."""
    declare(work, "hidden", seen_by=["operator"], edited_by=["operator"])
    declare(work, "shown", seen_by=["operator", "api"], edited_by=["operator"])
    give(work, ada, hidden="secret", shown="open")
    assert operator.get(f"/users/{ada}")["attributes"] == {"shown": "open"}
    refused = problems(operator("PATCH", f"/users/{ada}", attributes={"hidden": "x", "none": "x", "shown": "x"}))
    assert refused["attributes.hidden"] == refused["attributes.none"] == "There is no attribute with this name."
    assert refused["attributes.shown"] == "This attribute can't be changed here."
    assert values_of(work, ada) == {"hidden": "secret", "shown": "open"}


def test_a_required_attribute_is_given_with_a_new_user_and_stays(operator: Program, work: Work) -> None:
    """N-243."""
    declare(work, "team", required_at=["admin"])
    refused = operator("POST", "/users", email="new@example.test")
    assert problems(refused) == {"attributes.team": "This field is required."}
    made = operator("POST", "/users", email="new@example.test", attributes={"team": "Blue"})
    assert made.status_code == 201, made.text
    assert made.json()["attributes"] == {"team": "Blue"}
    user = f"/users/{made.json()['id']}"
    assert problems(operator("PATCH", user, attributes={"team": None})) == {
        "attributes.team": "This field is required."
    }
    assert operator("PATCH", user, claims={"name": "New"}).status_code == 200


def test_values_stay_readable_and_are_marked_when_a_rule_changes(operator: Program, work: Work, ada: str) -> None:
    """N-244."""
    declare(work, "code", **OPEN)
    give(work, ada, code="old-1")
    declare(work, "code", **OPEN, rules={"pattern": "^[0-9]{4}$"})
    found = operator.get(f"/users/{ada}")
    assert found["attributes"] == {"code": "old-1"}
    assert found["attribute_problems"] == {"code": "This doesn't have the expected format."}
    assert operator("PATCH", f"/users/{ada}", attributes={"code": "old-1"}).status_code == 200
    assert problems(operator("PATCH", f"/users/{ada}", attributes={"code": "old-2"})).keys() == {"attributes.code"}
    changed = operator("PATCH", f"/users/{ada}", attributes={"code": "1234"}).json()
    assert (changed["attributes"], changed["attribute_problems"]) == ({"code": "1234"}, {})


@pytest.mark.both_databases
def test_users_are_found_by_a_searchable_attribute(operator: Program, reader: Program, work: Work, ada: str) -> None:
    """N-245."""
    declare(work, "number", "number", searchable=True)
    declare(work, "city", searchable=True)
    declare(work, "note")
    declare(work, "inner", searchable=True, seen_by=["operator"], edited_by=["operator"])
    give(work, ada, number=7, city="São  Paulo", note="x", inner="x")
    for text in ("number:7", "city:são paulo", "city: SÃO PAULO"):
        found = reader("GET", f"/users?attribute={quote(text)}").json()
        assert [one["id"] for one in found["users"]] == [ada], text
    assert reader("GET", f"/users?attribute={quote('city:são')}").json()["users"] == []
    for text in ("note:x", "inner:x", "none:x", "city", "city:"):
        assert reader("GET", f"/users?attribute={quote(text)}").status_code == 400


def test_changes_are_in_the_audit_log_without_the_values(operator: Program, work: Work, ada: str) -> None:
    declare(work, "iban", scope="bank")
    operator("PATCH", f"/users/{ada}", attributes={"iban": "DE02"})
    found = events(work, "account.attributes.changed")
    assert [one["changed"] for one in found] == [["iban"]]
    assert "DE02" not in str(found)


def form(**changes: str) -> dict[str, str]:
    return {"name": "customer_number", "type": "text", "label": "Customer number", "rules": "{}"} | changes


def test_an_attribute_is_declared_changed_and_deleted_in_the_console(console: Console, work: Work) -> None:
    assert "No attributes yet." in console.open("/attributes").text
    console.open("/attributes/new")
    page = console.browser.submit(
        form(label="Customer number\n#de Kundennummer", rules='{"max_length": 8}', scope="shop")
        | {"seen_by.user": "on"}
    )
    assert "Attribute declared." in page.text
    with work() as w:
        [found] = store.find_all(w.read)
    assert found.label == {"en": "Customer number", "de": "Kundennummer"}
    assert (found.rules, found.scope, found.claim) == ({"max_length": 8}, "shop", "customer_number")
    assert (found.seen_by, found.edited_by) == (["user", "operator", "api"], ["operator", "api"])
    assert "customer_number" in console.open("/attributes").text
    console.open("/attributes/attribute/customer_number")
    page = console.browser.submit({"label": "Number", "why": "Shorter"})
    assert "Attribute updated." in page.text
    assert events(work, "user_attribute.updated")[0]["changed"] == ["label"]
    assert "Attribute deleted." in console.act("/attributes/attribute/customer_number/delete", why="Unused").text


def test_an_invalid_form_of_the_console_keeps_what_was_typed(console: Console, operator: Program) -> None:
    for changes, said in (
        ({"rules": "{"}, "rules"),
        ({"label": ""}, "label: is missing"),
        ({"scope": "email"}, "has a meaning already"),
        ({"position": "first"}, "position: must be a whole number"),
        ({"name": "Customer"}, "name: must be"),
    ):
        console.open("/attributes/new")
        page = console.browser.submit(form(help="Typed before", **changes))
        assert page.status == 400
        assert said in page.text
        assert "Typed before" in page.text
    operator("PUT", f"{PATH}/customer_number", **NUMBER)
    console.open("/attributes/attribute/customer_number")
    operator("PUT", f"{PATH}/customer_number", **NUMBER | {"label": "Theirs"})
    page = console.browser.submit({"label": "Mine"})
    assert page.status == 412
    assert "Someone else has changed this" in page.text


def test_an_operator_edits_the_attributes_of_a_user(console: Console, work: Work, ada: str) -> None:
    declare(work, "team", "enum", rules={"values": {"red": {"en": "Red team"}, "blue": {}}})
    declare(work, "vip", "boolean")
    declare(work, "synced", edited_by=["api"], seen_by=["operator", "api"])
    declare(work, "machines", edited_by=["api"], seen_by=["api"])
    with work() as w:
        change_values(w, user_id=ada, given={"synced": "4711"}, editor=Editor.API, place=Place.ADMIN)
    page = console.open(f"/users/{ada}/attributes")
    assert "4711" in page.text
    assert "Machines" not in page.text
    page = console.browser.submit({"attributes.team": "red", "attributes.vip": "true", "why": "Asked for it"})
    assert "Attributes updated." in page.text
    assert "Red team" in page.text
    assert values_of(work, ada) == {"team": "red", "vip": True, "synced": "4711"}
    found = events(work, "account.attributes.changed")[0]
    assert (found["changed"], found["why"]) == (["team", "vip"], "Asked for it")
    console.open(f"/users/{ada}/attributes")
    give(work, ada, team="blue")
    page = console.browser.submit({"attributes.vip": "false"})
    assert page.status == 412
    assert values_of(work, ada)["vip"] is True


def test_the_list_of_users_is_filtered_by_an_attribute(console: Console, work: Work, ada: str) -> None:
    declare(work, "city", searchable=True)
    give(work, ada, city="Paris")
    assert f"/admin/users/{ada}" in console.open("/users?attribute=city:paris").html
    assert f"/admin/users/{ada}" not in console.open("/users?attribute=city:rome").html
    assert console.open("/users?attribute=note:x").status == 400


def test_json_that_nothing_can_store_is_refused(work: Work, ada: str) -> None:
    declare(work, "x", "json", rules={"json_schema": {}})
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    for value in ({"a": "\ud800"}, deep, "x" * 5000):
        with work() as w, pytest.raises(InvalidAttributes):
            change_values(w, user_id=ada, given={"x": value}, editor=Editor.API, place=Place.ADMIN)
