"""Bulk requests (RFC 7644 section 3.7)."""

from typing import Any

from tests.admin.conftest import events
from tests.scim.conftest import BULK, GROUP, PATCH, USER, Directory, problem
from tests.support.installation import Work


def _user(name: str, bulk_id: str) -> dict[str, Any]:
    data = {"schemas": [USER], "userName": f"{name}@example.test"}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def _group(name: str, bulk_id: str, *members: str) -> dict[str, Any]:
    data = {"schemas": [GROUP], "displayName": name, "members": [{"value": f"bulkId:{one}"} for one in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def test_operations_refer_to_each_other_and_fail_alone(directory: Directory, work: Work) -> None:
    patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "Countess"}]}
    results = directory.bulk(
        _group("staff", "g", "a"),
        _user("ada", "a"),
        _user("ada", "again"),
        {"method": "PATCH", "path": "/Users/bulkId:a", "data": patch},
        {"method": "DELETE", "path": "/Users/00000000-0000-0000-0000-000000000000"},
    )
    assert [one["status"] for one in results] == ["201", "201", "409", "200", "404"]
    assert results[2]["response"]["scimType"] == "uniqueness"
    assert results[0]["bulkId"] == "g"
    shown = directory.get("/Users")["Resources"]
    assert [(one["title"], one["groups"][0]["display"]) for one in shown] == [("Countess", "staff")]
    assert results[1]["location"] == shown[0]["meta"]["location"]
    assert len(events(work, "account.created")) == 1


def test_operations_in_a_circle_fail(directory: Directory) -> None:
    """N-341."""
    results = directory.bulk(_group("a", "a", "b"), _group("b", "b", "a"), _group("c", "c", "c"), _user("ada", "u"))
    assert [one["status"] for one in results] == ["409", "409", "409", "201"]
    assert directory.get("/Groups")["totalResults"] == 0


def test_a_bulk_request_stops_after_the_given_number_of_errors(directory: Directory) -> None:
    results = directory.bulk(*(_user("ada", f"{count}") for count in range(5)), failOnErrors=2)
    assert [one["status"] for one in results] == ["201", "409", "409"]


def test_a_bulk_request_that_is_too_large_or_no_bulk_request_is_refused(directory: Directory) -> None:
    """N-342."""
    many = [_user(f"u{count}", f"{count}") for count in range(101)]
    assert problem(directory("POST", "/Bulk", {"schemas": [BULK], "Operations": many})) == (413, "tooMany")
    huge = {"schemas": [BULK], "Operations": [{"data": "x" * 1_100_000}]}
    assert problem(directory("POST", "/Bulk", huge))[0] == 413
    assert problem(directory("POST", "/Bulk", {"schemas": [USER], "Operations": []})) == (400, "invalidSyntax")
    assert directory.get("/Users")["totalResults"] == 0
    results = directory.bulk(
        "x",
        {"method": "GET", "path": "/Users"},
        {"method": "POST", "path": "/Schemas", "bulkId": "s", "data": {}},
        {"method": "POST", "path": "/Users", "data": {}},
        {"method": "PUT", "path": "/Users/bulkId:nothing", "data": {}},
    )
    assert [one["status"] for one in results] == ["400", "400", "404", "400", "409"]
