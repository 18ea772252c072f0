"""The operations on users and groups, as requests and bulk operations ask for them: with versions, and whole or not at
all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from provider.accounts.groups import groups as group_rules
from provider.accounts.store import users as accounts
from provider.database.base import parse_id
from provider.database.dialect import queue_for
from provider.operators.etags import ChangedMeanwhile
from provider.savepoints import all_or_nothing
from provider.scim import groups, lists, members, users
from provider.scim.callers import Directory
from provider.scim.models import Group
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Answer:
    """The answer of an operation. `view` is the resource, or None for an empty response."""

    status: int
    view: dict[str, Any] | None = None
    location: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Asked:
    """The wishes of a request besides its body: attributes to return, and the versions it knows."""

    query: Mapping[str, Any] = field(default_factory=dict)
    if_match: str = ""
    if_none_match: str = ""


class Users:
    """The operations on users."""

    def __init__(self, work: UnitOfWork, directory: Directory) -> None:
        self._work, self._directory = work, directory

    def list(self, query: Mapping[str, Any]) -> dict[str, Any]:
        return lists.list_users(self._work, self._directory, query)

    def show(self, resource_id: str, asked: Asked) -> Answer:
        return self._answer(_parse(resource_id), asked)

    def create(self, given: Mapping[str, Any], asked: Asked) -> Answer:
        with all_or_nothing(self._work):
            user_id = users.create(self._work, self._directory, given)
            return self._answer(user_id, asked, status=201)

    def replace(self, resource_id: str, given: Mapping[str, Any], asked: Asked) -> Answer:
        with all_or_nothing(self._work):
            user_id = self._lock(resource_id, asked)
            users.replace(self._work, self._directory, user_id, given)
            return self._answer(user_id, asked)

    def change(self, resource_id: str, given: Mapping[str, Any], asked: Asked) -> Answer:
        with all_or_nothing(self._work):
            user_id = self._lock(resource_id, asked)
            users.change(self._work, self._directory, user_id, given)
            return self._answer(user_id, asked)

    def delete(self, resource_id: str, asked: Asked) -> Answer:
        with all_or_nothing(self._work):
            user_id = self._lock(resource_id, asked)
            users.delete(self._work, self._directory, user_id)
            return Answer(204, location=_location(self._work, "Users", user_id))

    def _lock(self, resource_id: str, asked: Asked) -> str:
        user_id = _parse(resource_id)
        accounts.lock(self._work.db, user_id)
        if asked.if_match:
            _require_version(asked.if_match, users.show(self._work, self._directory, user_id))
        return user_id

    def _answer(self, user_id: str, asked: Asked, *, status: int = 200) -> Answer:
        view = users.show(self._work, self._directory, user_id)
        model = users.find_model(self._work)
        return _answer(view, lists.project(model, view, lists.read_selection(model, asked.query)), asked, status)


class Groups:
    """The operations on groups."""

    def __init__(self, work: UnitOfWork, directory: Directory) -> None:
        self._work, self._directory = work, directory

    def list(self, query: Mapping[str, Any]) -> dict[str, Any]:
        return lists.list_groups(self._work, self._directory, query)

    def show(self, resource_id: str, asked: Asked) -> Answer:
        return self._answer(groups.require_name(self._work, resource_id), asked)

    def create(self, given: Mapping[str, Any], asked: Asked) -> Answer:
        with all_or_nothing(self._work):
            name, given_members = groups.create(self._work, self._directory, given)
            members.add(self._work, name, given_members)
            return self._answer(name, asked, status=201)

    def replace(self, resource_id: str, given: Mapping[str, Any], asked: Asked) -> Answer:
        with all_or_nothing(self._work):
            name = self._lock(resource_id, asked)
            members.replace(self._work, self._directory, name, given)
            return self._answer(name, asked)

    def change(self, resource_id: str, given: Mapping[str, Any], asked: Asked) -> Answer:
        """Change a group. Without `attributes` in the query nothing is returned (RFC 7644 section 3.5.2): it may be
        ten thousand members.
        """
        with all_or_nothing(self._work):
            name = self._lock(resource_id, asked)
            members.change(self._work, self._directory, name, given)
            selects = any(parameter.lower() in {"attributes", "excludedattributes"} for parameter in asked.query)
            if selects:
                return self._answer(name, asked)
            return Answer(204, location=_location(self._work, "Groups", resource_id))

    def delete(self, resource_id: str, asked: Asked) -> Answer:
        with all_or_nothing(self._work):
            groups.delete(self._work, self._lock(resource_id, asked))
            return Answer(204, location=_location(self._work, "Groups", resource_id))

    def _lock(self, resource_id: str, asked: Asked) -> str:
        # Otherwise of two requests that replace the members, both would compare them with those from before. It is not
        # the lock of the group's row: that one is taken after those of its members (`accounts.groups.members`).
        queue_for(self._work.db, f"SCIM group {resource_id}")
        name = groups.require_name(self._work, resource_id)
        if asked.if_match:
            group_rules.lock_group(self._work, name)
            _require_version(asked.if_match, groups.show(self._work, self._directory, name))
        return name

    def _answer(self, name: str, asked: Asked, *, status: int = 200) -> Answer:
        with_members = lists.wants_members(asked.query)
        view = groups.show(self._work, self._directory, name, with_members=with_members)
        return _answer(view, lists.project(Group, view, lists.read_selection(Group, asked.query)), asked, status)


def _location(work: UnitOfWork, endpoint: str, resource_id: str) -> str:
    return f"{work.settings.issuer}/scim/v2/{endpoint}/{quote(resource_id)}"


def _parse(resource_id: str) -> str:
    user_id = parse_id(resource_id)
    if user_id is None:
        raise users.not_found(resource_id)
    return user_id


def _answer(view: Mapping[str, Any], shown: dict[str, Any], asked: Asked, status: int) -> Answer:
    version = view["meta"].get("version")
    if status == 200 and version is not None and version[3:-1] in _tags(asked.if_none_match):
        return Answer(304, version=version)
    return Answer(status, shown, view["meta"]["location"], version)


def _require_version(seen: str, view: Mapping[str, Any]) -> None:
    """Check that the resource still has a version that the client knows (RFC 7644 section 3.14). Raises
    ChangedMeanwhile.
    """
    if seen.strip() != "*" and view["meta"]["version"][3:-1] not in _tags(seen):
        raise ChangedMeanwhile


def _tags(header: str) -> set[str]:
    return set(re.findall(r'"([^"]*)"', header))
