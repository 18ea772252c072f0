"""Requests about the same group at the same moment."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provider.accounts.groups.groups import find_group
from provider.scim import callers
from provider.scim.resources import Asked, Groups
from tests.scim.conftest import GROUP, PATCH, Directory
from tests.support.installation import Work

pytestmark = pytest.mark.also_on_postgresql


def second_while_the_first_is_open(work: Work, directory: Directory, *changes: Callable[[Groups], Any]) -> None:
    """Begin the second change before the first ends."""
    first, second = changes
    caller = callers.Directory(directory.client_id)

    def carry_out() -> None:
        with work() as w:
            second(Groups(w, caller))

    with ThreadPoolExecutor(1) as other:
        with work() as w:
            first(Groups(w, caller))
            waiting = other.submit(carry_out)
            time.sleep(0.2)  # so that it reads the group, if it reads before it waits
        waiting.result(60)


def replacing(group_id: str, *members: str) -> Callable[[Groups], Any]:
    operation = {"op": "replace", "path": "members", "value": [{"value": one} for one in members]}
    return lambda groups: groups.change(group_id, {"schemas": [PATCH], "Operations": [operation]}, Asked())


def test_of_two_requests_that_replace_the_members_the_later_one_counts(directory: Directory, work: Work) -> None:
    """RFC 7644 section 3.5.2.3."""
    ada, bob = (directory.create(userName=f"{name}@example.test")["id"] for name in ("ada", "bob"))
    made = directory.group("staff")["id"]
    second_while_the_first_is_open(work, directory, replacing(made, ada), replacing(made, bob))
    assert [one["value"] for one in directory.get(f"/Groups/{made}")["members"]] == [bob]
    body = {"schemas": [GROUP], "displayName": "staff", "members": [{"value": ada}]}
    second_while_the_first_is_open(work, directory, replacing(made), lambda groups: groups.replace(made, body, Asked()))
    assert [one["value"] for one in directory.get(f"/Groups/{made}")["members"]] == [ada]


def test_a_change_of_something_else_takes_no_new_name_back(directory: Directory, work: Work) -> None:
    made = directory.group("staff")["id"]

    def setting(path: str, value: str) -> Callable[[Groups], Any]:
        body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": path, "value": value}]}
        return lambda groups: groups.change(made, body, Asked())

    second_while_the_first_is_open(work, directory, setting("displayName", "Crew"), setting("externalId", "g1"))
    with work() as w:
        assert find_group(w, "staff").settings.display_name == "Crew"
    assert directory.get(f"/Groups/{made}")["externalId"] == "g1"
