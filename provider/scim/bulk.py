"""Bulk requests (RFC 7644 section 3.7): up to `MOST_OPERATIONS` operations, each of which succeeds or fails alone.

An operation that refers to a resource by `bulkId` is carried out after the one that creates it. Operations that wait
for each other fail.
"""

import re
from collections.abc import Mapping
from typing import Any

from authlib.oauth2 import OAuth2Error

from provider.refusals import Refusal
from provider.scim.callers import Directory
from provider.scim.errors import ScimRefusal, body_of, scim_type_of
from provider.scim.resources import Answer, Asked, Groups, Users
from provider.work import UnitOfWork

MOST_OPERATIONS = 100
"""The most operations of a request: SQLite has one writer, who should not keep the others waiting for seconds."""
LARGEST = 1024 * 1024
"""The largest request, in bytes."""
REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
METHODS = {"POST", "PUT", "PATCH", "DELETE"}
_REFERENCE = re.compile(r'(?:^|(?<=[/"]))bulkId:([^/"]+)', re.IGNORECASE)
"""A reference: a whole value, a segment of a path, or a value in a filter."""


def carry_out(work: UnitOfWork, directory: Directory, given: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out the operations of a bulk request, and return the response. Raises ScimRefusal."""
    operations, most_errors = _operations(given), _most_errors(given)
    run = _Run(work, directory)
    results: dict[int, dict[str, Any]] = {}
    errors = 0
    for index in _order(operations):
        if most_errors and errors >= most_errors:
            break
        results[index] = run.carry_out(operations[index])
        errors += int(results[index]["status"]) >= 400
    return {"schemas": [RESPONSE], "Operations": [results[index] for index in sorted(results)]}


def _operations(given: Mapping[str, Any]) -> list[Any]:
    schemas, operations = given.get("schemas"), given.get("Operations")
    if not isinstance(schemas, list) or REQUEST not in schemas:
        raise ScimRefusal("invalidSyntax", f"schemas must be a list with {REQUEST}.")
    if not isinstance(operations, list) or not operations:
        raise ScimRefusal("invalidSyntax", "Operations must be a list of one or more operations.")
    if len(operations) > MOST_OPERATIONS:
        raise ScimRefusal("tooMany", f"A request can have at most {MOST_OPERATIONS} operations.", status=413)
    return operations


def _most_errors(given: Mapping[str, Any]) -> int:
    most = given.get("failOnErrors", 0)
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        raise ScimRefusal("invalidValue", "failOnErrors must be a whole number of 1 or more.")
    return most


def _order(operations: list[Any]) -> list[int]:
    """Return the order of the operations: as they are given, but none before those it refers to. Those in a circle come
    last, where they fail because what they refer to is missing (RFC 7644 section 3.7.1).
    """
    creators = {one["bulkId"]: index for index, one in enumerate(operations) if _creates(one)}
    needs = [
        {creators[name] for name in _references(one) if name in creators} if isinstance(one, dict) else set()
        for one in operations
    ]
    order: list[int] = []
    waiting = list(range(len(operations)))
    while waiting:
        done = set(order)
        ready = [index for index in waiting if needs[index] <= done]
        if not ready:
            return order + waiting
        order += ready
        waiting = [index for index in waiting if index not in ready]
    return order


def _creates(operation: Any) -> bool:
    return isinstance(operation, dict) and isinstance(operation.get("bulkId"), str)


def _references(value: Any) -> set[str]:
    """Return the bulkIds that a value refers to, at any depth. Its depth is bounded (`reading.DEEPEST`)."""
    if isinstance(value, str):
        return set(_REFERENCE.findall(value))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(_references(one) for one in inner))


class _Run:
    """The operations of one request, and the resources that they created so far."""

    def __init__(self, work: UnitOfWork, directory: Directory) -> None:
        self._kinds: dict[str, Users | Groups] = {"users": Users(work, directory), "groups": Groups(work, directory)}
        self._created: dict[str, str] = {}

    def carry_out(self, operation: Any) -> dict[str, Any]:
        """Return the result of an operation."""
        if not isinstance(operation, dict):
            return {"status": "400", "response": body_of(400, "An operation must be an object.", "invalidSyntax")}
        about = {name: operation[name] for name in ("method", "bulkId") if isinstance(operation.get(name), str)}
        try:
            answer = self._answer(operation)
        except Refusal as refusal:
            body = body_of(refusal.status_code, str(refusal.message), scim_type_of(refusal))
            return {**about, "status": str(refusal.status_code), "response": body}
        except OAuth2Error as error:
            body = body_of(error.status_code, error.description or error.error)
            return {**about, "status": str(error.status_code), "response": body}
        shown = {"location": answer.location, "version": answer.version}
        return {**about, **{name: value for name, value in shown.items() if value}, "status": str(answer.status)}

    def _answer(self, operation: Mapping[str, Any]) -> Answer:
        method, path = str(operation.get("method", "")).upper(), operation.get("path")
        if method not in METHODS or not isinstance(path, str):
            raise ScimRefusal("invalidSyntax", "An operation needs a method (POST, PUT, PATCH or DELETE) and a path.")
        parts = self._resolved(path).strip("/").split("/")
        kind = self._kinds.get(parts[0].lower())
        if kind is None or len(parts) != (1 if method == "POST" else 2):
            raise ScimRefusal("invalidPath", f"{method} is not possible at {path[:100]}.", status=404)
        version = operation.get("version")
        asked = Asked(if_match=version if isinstance(version, str) else "")
        if method == "DELETE":
            return kind.delete(parts[1], asked)
        data = self._resolved(operation.get("data"))
        if not isinstance(data, dict):
            raise ScimRefusal("invalidSyntax", "data must be an object.")
        if method == "POST":
            return self._create(kind, operation.get("bulkId"), data)
        change = kind.replace if method == "PUT" else kind.change
        return change(parts[1], data, asked)

    def _create(self, kind: Users | Groups, bulk_id: object, data: Mapping[str, Any]) -> Answer:
        if not isinstance(bulk_id, str) or not bulk_id:
            raise ScimRefusal("invalidSyntax", "A POST operation needs a bulkId.")
        if bulk_id in self._created:
            raise ScimRefusal("invalidValue", f"The bulkId {bulk_id[:100]} is used twice.")
        answer = kind.create(data, Asked())
        assert answer.view is not None  # noqa: S101  # of what was created
        self._created[bulk_id] = answer.view["id"]
        return answer

    def _resolved(self, value: Any) -> Any:
        """Return a value in which each `bulkId:` is the ID of what was created. Raises ScimRefusal."""
        if isinstance(value, str):
            return _REFERENCE.sub(lambda found: self._id_of(found[1]), value)
        if isinstance(value, dict):
            return {name: self._resolved(inner) for name, inner in value.items()}
        return [self._resolved(inner) for inner in value] if isinstance(value, list) else value

    def _id_of(self, bulk_id: str) -> str:
        if bulk_id not in self._created:
            raise ScimRefusal(
                "invalidValue", f"The resource with bulkId {bulk_id[:100]} could not be created.", status=409
            )
        return self._created[bulk_id]
