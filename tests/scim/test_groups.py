"""Groups that directories provision (RFC 7643 section 4.2)."""

import pytest

from provider.accounts.groups.groups import GroupSettings, create_group, find_group
from provider.accounts.groups.members import add_member
from provider.accounts.store import users
from tests.admin.conftest import events
from tests.scim.conftest import GROUP, Directory, problem
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work


@pytest.mark.both_databases
def test_a_directory_creates_renames_fills_and_deletes_a_group(directory: Directory, work: Work, clock: Clock) -> None:
    ada, bob = (directory.create(userName=f"{name}@example.test")["id"] for name in ("ada", "bob"))
    made = directory.group("Sales / Österreich", ada)
    assert [one["value"] for one in made["members"]] == [ada]
    at = f"/Groups/{made['id']}"
    changed = directory.patch(
        at,
        {"op": "Replace", "path": "displayName", "value": "Vertrieb"},
        {"op": "Add", "path": "members", "value": [{"value": bob}]},
        {"op": "Remove", "path": f'members[value eq "{ada}"]'},
    )
    assert (changed.status_code, changed.content) == (204, b"")
    now = directory.get(at)
    assert (now["displayName"], [one["value"] for one in now["members"]]) == ("Vertrieb", [bob])
    shown = directory.get(f"/Users/{bob}")["groups"]
    assert shown == [
        {"value": made["id"], "$ref": f"{now['meta']['location']}", "display": "Vertrieb", "type": "direct"}
    ]
    with work() as w:
        assert (user := users.find(w.read, bob)) is not None
        assert user.groups == ["Sales-Osterreich"]  # what applications get does not change
    remove = {"op": "Remove", "path": "members", "value": [{"value": bob}]}  # as Entra ID does
    assert directory.patch(at, remove).status_code == 204
    assert "members" not in directory.get(at)
    put = directory("PUT", at, {"schemas": [GROUP], "displayName": "Vertrieb", "members": [{"value": ada}]})
    assert [one["value"] for one in put.json()["members"]] == [ada]
    assert directory("DELETE", at).status_code == 204
    clock.advance(seconds=1)
    again = directory.group("Sales / Österreich")
    assert again["id"] != made["id"]
    assert problem(directory("GET", at)) == (404, None)
    assert events(work, "group.created")[0]["operator"] == f"client {directory.client_id}"


def test_what_okta_and_entra_id_send_of_groups_is_understood(directory: Directory) -> None:
    ada, bob = (directory.create(userName=f"{name}@example.test")["id"] for name in ("ada", "bob"))
    made = directory.group("staff", ada)
    at = f"/Groups/{made['id']}"
    for operation in (
        {"op": "replace", "value": {"id": made["id"], "displayName": "Staff of Okta"}},
        {"op": "Add", "path": "members", "value": [{"$ref": None, "value": bob}]},
        {"op": "add", "path": "members", "value": [{"value": ada, "display": "ada@example.test"}]},
        {"op": "remove", "path": f'members[value eq "{ada}"]'},
        {"op": "remove", "path": f'members[value eq "{ada}"]'},
        {"op": "replace", "path": "members", "value": [{"value": ada}, {"value": bob}]},
    ):
        assert directory.patch(at, operation).status_code == 204, operation
    now = directory.get(at)
    assert (now["displayName"], {one["value"] for one in now["members"]}) == ("Staff of Okta", {ada, bob})
    kept = {
        "schemas": [GROUP],
        "id": made["id"],
        "displayName": "staff",
        "members": now["members"],
        "meta": now["meta"],
    }
    put = directory("PUT", at, kept)
    assert (put.status_code, put.json()["members"]) == (200, now["members"])
    for path in (f'members[display eq "{ada}"]', f'members[value eq "{ada}"].display', "members.display"):
        assert problem(directory.patch(at, {"op": "remove", "path": path}))[0] == 400


def test_groups_are_found_by_name_member_and_external_id(directory: Directory) -> None:
    ada = directory.create(userName="ada@example.test")["id"]
    made = directory.group("staff", ada)
    directory.patch(f"/Groups/{made['id']}", {"op": "add", "path": "externalId", "value": "g1"})
    directory.group("others")
    for text in (
        'displayName eq "staff"',
        'externalId eq "g1"',
        f'id eq "{made["id"]}" and members eq "{ada}"',
        f'members[value eq "{ada}"]',
        'displayName eq "staff" or displayName eq "nothing"',
    ):
        assert directory.found(text, "Groups") == ["staff"], text
    assert directory.found(f'groups.value eq "{made["id"]}"') == ["ada@example.test"]
    page = directory.get("/Groups?excludedAttributes=members&count=1")
    assert (page["totalResults"], page["Resources"][0]["displayName"]) == (2, "others")
    assert all("members" not in one for one in directory.get("/Groups?excludedAttributes=members")["Resources"])


def test_a_group_contains_groups_one_level_deep(directory: Directory, work: Work) -> None:
    inner = directory.group("backend")
    outer = directory.group("engineering", inner["id"])
    assert [(one["value"], one["type"]) for one in outer["members"]] == [(inner["id"], "Group")]
    with work() as w:
        assert find_group(w, "engineering").settings.groups == ("backend",)
    nested = {"schemas": [GROUP], "displayName": "all", "members": [{"value": outer["id"]}]}
    assert problem(directory("POST", "/Groups", nested))[0] == 409
    assert directory.found('displayName eq "all"', "Groups") == []


def test_a_directory_makes_no_operators_and_changes_none(directory: Directory, work: Work) -> None:
    """N-334."""
    with work() as w:
        boss = make_user(w, "boss@example.test", roles=("admin",))
        create_group(w, "admins", GroupSettings(roles=("auditor",)))
        create_group(w, "team", GroupSettings(roles=("on-call",)))
        ada = make_user(w, "ada@example.test")
        second = make_user(w, "second@example.test")
        for name in ("admins", "team"):
            add_member(w, name, user_id=second)
    groups = {one["displayName"]: one["id"] for one in directory.get("/Groups")["Resources"]}
    join = {"op": "add", "path": "members", "value": [{"value": ada}]}
    assert problem(directory.patch(f"/Groups/{groups['admins']}", join)) == (403, None)
    rename = {"op": "replace", "path": "displayName", "value": "Friends"}
    assert problem(directory.patch(f"/Groups/{groups['admins']}", rename)) == (403, None)
    assert problem(directory("DELETE", f"/Groups/{groups['admins']}")) == (403, None)
    assert directory.patch(f"/Groups/{groups['team']}", join).status_code == 204
    for op, one in (("add", boss), ("remove", second)):
        change = {"op": op, "path": "members", "value": [{"value": one}]}
        assert problem(directory.patch(f"/Groups/{groups['team']}", change)) == (403, None)
    for one in (boss, second):
        off = {"op": "replace", "path": "active", "value": False}
        assert problem(directory.patch(f"/Users/{one}", off)) == (403, None)
        assert problem(directory("DELETE", f"/Users/{one}")) == (403, None)
    role = {"op": "add", "path": "roles", "value": [{"value": "admin"}]}
    assert problem(directory.patch(f"/Users/{ada}", role)) == (400, "mutability")
    made = directory.create(userName="eve@example.test", roles=[{"value": "admin"}])
    assert "roles" not in made
