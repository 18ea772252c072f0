"""Users that directories provision (RFC 7643 section 4.1, RFC 7644 section 3)."""

import json

import pytest
from starlette.testclient import TestClient

from provider.accounts import profile
from provider.accounts.attributes.declarations import parse_declaration
from provider.accounts.attributes.declared import put_attribute
from provider.accounts.data_export import export
from provider.accounts.store import directories, users
from tests.admin.conftest import events
from tests.scim.conftest import ENTERPRISE, USER, Directory, directory_of, problem
from tests.support.factories import make_user
from tests.support.installation import Work

ADA = {"userName": "ada@example.test", "externalId": "a1", "name": {"givenName": "Ada", "familyName": "Lovelace"}}
ATTRIBUTES = "urn:signet:scim:schemas:extension:attributes:2.0:User"


@pytest.mark.both_databases
def test_a_directory_creates_changes_suspends_restores_and_deletes_a_user(directory: Directory, work: Work) -> None:
    made = directory.create(**ADA, phoneNumbers=[{"value": "555 1234", "type": "work"}], title="Countess")
    assert made["emails"] == [{"value": "ada@example.test", "type": "work", "primary": True}]
    assert (made["active"], made["meta"]["resourceType"], made["externalId"]) == (True, "User", "a1")
    with work() as w:
        user = users.find(w.read, made["id"])
        assert user is not None
        assert user.claims == {"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace"}
    at = f"/Users/{made['id']}"
    assert directory.get(at) == made
    changed = directory.patch(at, {"op": "replace", "path": "active", "value": False})
    assert changed.json()["active"] is False
    assert directory.patch(at, {"op": "replace", "value": {"active": True, "title": "Dr"}}).json()["title"] == "Dr"
    put = {**made, "displayName": "Countess of Lovelace", "title": None}
    assert "title" not in directory("PUT", at, put).json()
    with work() as w:
        assert (user := users.find(w.read, made["id"])) is not None
        assert user.claims["name"] == "Countess of Lovelace"
    assert directory("DELETE", at).status_code == 204
    assert problem(directory("GET", at)) == (404, None)
    assert events(work, "account.suspended")[0]["operator"] == f"client {directory.client_id}"
    assert len(events(work, "account.restored")) == len(events(work, "account.deleted")) == 1
    assert [one["changed"] for one in events(work, "account.profile.changed")] == [
        ["displayName", "title"],
        ["name"],
        ["title"],
    ]


def test_what_entra_id_sends_is_understood(directory: Directory) -> None:
    made = directory.create(
        schemas=[USER, ENTERPRISE],
        userName="ada",
        emails=[{"primary": True, "type": "work", "value": "ada@example.test"}],
        roles=[],
        password="ignored",
        **{ENTERPRISE: {"department": "Engines", "manager": "m-1"}},
    )
    assert made[ENTERPRISE] == {"department": "Engines", "manager": {"value": "m-1"}}
    at = f"/Users/{made['id']}"
    answer = directory.patch(
        at,
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "countess@example.test"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+44 20 7946 0018"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "m-2"},
        {"op": "Replace", "value": {"name.givenName": "Ada", f"{ENTERPRISE}:department": "Numbers"}},
        {"op": "Remove", "path": "title"},
    )
    assert answer.status_code == 200, answer.text
    now = answer.json()
    assert (now["active"], now["emails"][0]["value"]) == (False, "countess@example.test")
    assert now[ENTERPRISE] == {"department": "Numbers", "manager": {"value": "m-2"}}
    assert now["phoneNumbers"] == [{"value": "+44 20 7946 0018", "type": "mobile"}]
    assert directory.found('userName eq "ADA"') == ["ada"]
    assert directory.found('emails[type eq "work" and value eq "Countess@Example.test"]') == ["ada"]


def test_what_okta_sends_is_understood(directory: Directory) -> None:
    sent = {
        "schemas": [USER],
        "userName": "ada@example.test",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"primary": True, "value": "ada@example.test", "type": "work"}],
        "displayName": "Ada Lovelace",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    made = directory("POST", "/Users", sent).json()
    at = f"/Users/{made['id']}"
    assert directory.get("/Users?startIndex=1&count=2")["totalResults"] == 1
    put = {**sent, "id": made["id"], "meta": {"resourceType": "User"}, "name": {"givenName": "Another"}}
    now = directory("PUT", at, put)
    assert (now.status_code, now.json()["name"]) == (200, {"givenName": "Another"})
    off = directory.patch(at, {"op": "replace", "value": {"active": False}})
    assert off.json()["active"] is False
    kept = {name: value for name, value in sent.items() if name not in {"active", "emails"}}
    assert directory("PUT", at, kept).json()["active"] is False


def test_a_claim_that_the_user_changes_is_shown_in_place_of_what_was_provisioned(
    directory: Directory, work: Work
) -> None:
    made = directory.create(**ADA, nickName="Ada", title="Countess")
    with work() as w:
        profile.change_profile(w, user_id=made["id"], claims={"name": "Ada King", "given_name": "Ada"})
    now = directory.get(f"/Users/{made['id']}")
    assert (now["displayName"], now["name"], now["title"]) == ("Ada King", {"givenName": "Ada"}, "Countess")
    assert "nickName" not in now


def test_a_user_who_signed_up_is_found_by_email_address_and_adopted(directory: Directory, work: Work) -> None:
    with work() as w:
        ada = make_user(w, "ada@example.test", name="Ada")
        make_user(w, "eve@example.test", verified=False)
    assert directory.found('userName eq "Ada@Example.test"') == ["ada@example.test"]
    assert directory.found('userName eq "eve@example.test"') == []  # anyone can sign up with an address
    answer = directory.patch(f"/Users/{ada}", {"op": "add", "path": "externalId", "value": "7"})
    assert (answer.json()["externalId"], answer.json()["displayName"]) == ("7", "Ada")
    taken = directory("POST", "/Users", {"schemas": [USER], "userName": "ada@example.test"})
    assert problem(taken) == (409, "uniqueness")


def test_declared_attributes_are_an_extension(directory: Directory, work: Work) -> None:
    with work() as w:
        for name, kind, more in (
            ("customer_number", "number", {"searchable": True, "rules": {"whole": True}}),
            ("teams", "list", {}),
            ("policy", "json", {"rules": {"json_schema": {"type": "object"}}}),
            ("secret", "text", {"seen_by": ["operator"], "edited_by": ["operator"]}),
        ):
            put_attribute(w, name, parse_declaration(name, {"type": kind, "label": name, **more}))
    given = {"customer_number": 4711, "teams": ["a", "b"], "policy": '{"a":1}'}
    made = directory.create(**ADA, schemas=[USER, ATTRIBUTES], **{ATTRIBUTES: given})
    assert made[ATTRIBUTES] == given
    at = f"/Users/{made['id']}"
    patched = directory.patch(at, {"op": "replace", "path": f"{ATTRIBUTES}:customer_number", "value": 12})
    assert patched.json()[ATTRIBUTES]["customer_number"] == 12
    assert directory.found(f"{ATTRIBUTES}:customer_number eq 12") == ["ada@example.test"]
    wrong = directory.patch(at, {"op": "replace", "path": f"{ATTRIBUTES}:policy", "value": "no JSON"})
    assert problem(wrong) == (400, "invalidValue")
    schema = directory.get(f"/Schemas/{ATTRIBUTES}")
    assert [one["name"] for one in schema["attributes"]] == ["customer_number", "policy", "teams"]
    assert events(work, "account.attributes.changed")[0]["changed"] == ["customer_number"]


def test_of_two_clients_that_change_a_user_the_second_learns_of_the_first(
    directory: Directory, work: Work, client: TestClient
) -> None:
    """N-332."""
    made = directory.create(**ADA)
    at, other = f"/Users/{made['id']}", directory_of(work, client)
    seen, also_seen = directory("GET", at).headers["etag"], other("GET", at).headers["etag"]
    rename = {"op": "replace", "path": "displayName", "value": "Countess"}
    assert directory.patch(at, rename, if_match=seen).status_code == 200
    assert problem(other.patch(at, rename, if_match=also_seen)) == (412, None)
    assert problem(other("DELETE", at, if_match=also_seen)) == (412, None)
    now = directory("GET", at)
    assert now.headers["etag"] == now.json()["meta"]["version"] != seen
    assert directory("GET", at, if_none_match=now.headers["etag"]).status_code == 304


def test_an_external_id_belongs_to_one_client(directory: Directory, work: Work, client: TestClient) -> None:
    """N-333."""
    made, other = directory.create(**ADA), directory_of(work, client)
    assert directory.found('externalId eq "a1"') == ["ada@example.test"]
    assert other.found('externalId eq "a1"') == []
    assert "externalId" not in other.get(f"/Users/{made['id']}")
    assert other.patch(f"/Users/{made['id']}", {"op": "add", "path": "externalId", "value": "x"}).status_code == 200
    assert directory.get(f"/Users/{made['id']}")["externalId"] == "a1"
    again = {"schemas": [USER], "userName": "grace@example.test", "externalId": "a1"}
    assert problem(directory("POST", "/Users", again)) == (409, "uniqueness")
    assert directory.found('userName eq "grace@example.test"') == []  # nothing of it was created
    assert other("POST", "/Users", again).status_code == 201


def test_what_a_directory_said_is_in_the_users_export_and_goes_with_the_account(
    directory: Directory, work: Work
) -> None:
    made = directory.create(**ADA, title="Countess")
    with work() as w:
        exported = json.loads(export(w, user_id=made["id"], applications=[]))["directories"]
    assert exported["external_ids"] == {directory.client_id: "a1"}
    assert (exported["user_name"], exported["profile"]["title"]) == ("ada@example.test", "Countess")
    directory("DELETE", f"/Users/{made['id']}")
    with work() as w:
        assert directories.find_of_user(w.read, made["id"]) == {}
