"""The conditions of filters that an index answers, for users and for groups."""

from datetime import UTC, datetime

from provider.accounts.attributes.kinds import to_text
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import attribute_values, email_addresses, search_keys
from provider.accounts.store import groups as group_store
from provider.database.base import parse_id
from provider.database.types import search_key
from provider.scim import attributes, groups, users
from provider.scim.callers import Directory
from provider.scim.filters import MOST, Condition, Finder
from provider.scim.store import groups as named
from provider.scim.store import users as store
from provider.scim.store.external_ids import GROUP_IDS, USER_IDS
from provider.work import UnitOfWork


def find_users(work: UnitOfWork, directory: Directory) -> Finder:
    """Return what finds users by a condition."""
    declared = {f"{attributes.URN}:{one.name}".lower(): one for one in attributes.find_declared(work) if one.searchable}

    def find(condition: Condition) -> list[str] | None:
        value = condition.value
        if condition.path == "meta.created":
            return _created(work, condition)
        if condition.operator == "sw" and condition.path in {"username", "emails"}:
            return _beginning(work, value)
        if condition.operator != "eq" or value is None:
            return None
        if condition.path in declared:
            key, attribute = search_key(to_text(value)), declared[condition.path]
            return attribute_values.find_page(work.read, attribute.id, key, after=None, limit=MOST + 1)
        if not isinstance(value, str):
            return None
        if condition.path == "id":
            return _some(parse_id(value))
        if condition.path == "username":
            return [one for one in users.find_named(work, value) if one is not None]
        if condition.path == "externalid":
            return _some(USER_IDS.find(work.read, directory.client_id, value))
        if condition.path == "emails":
            address = parse_address(value)
            owner = None if address is None else email_addresses.find_owner_and_claimant(work.read, address.normal)[0]
            return _some(None if owner is None else owner[0].id)
        if condition.path == "groups":
            name = groups.find_names(work, [value]).get(value)
            return [] if name is None else group_store.find_members(work.read, name, limit=MOST + 1)
        return None

    return find


def find_groups(work: UnitOfWork, directory: Directory) -> Finder:
    """Return what finds groups, by their names, by a condition."""

    def find(condition: Condition) -> list[str] | None:
        value = condition.value
        if condition.operator != "eq" or not isinstance(value, str):
            return None
        if condition.path == "id":
            return list(groups.find_names(work, [value]).values())
        if condition.path == "displayname":
            return named.find_titled(work.read, value, limit=MOST + 1)
        if condition.path == "externalid":
            return _some(GROUP_IDS.find(work.read, directory.client_id, value))
        if condition.path == "members":
            user_id = parse_id(value)
            if user_id is not None:
                return group_store.find_of_user(work.read, user_id)
            inner = groups.find_names(work, [value]).get(value)
            return [] if inner is None else group_store.find_containing(work.read, [inner])
        return None

    return find


def _beginning(work: UnitOfWork, text: object) -> list[str] | None:
    """Return the users whose user name or email address begins with a text, and others of whom something else does."""
    key = search_key(text) if isinstance(text, str) else ""
    if not key:
        return None
    of_addresses = [user_id for _, user_id in search_keys.find_page(work.read, key, after=None, limit=MOST + 1)]
    return of_addresses + store.find_beginning(work.read, key, limit=MOST + 1)


def _some(key: str | None) -> list[str]:
    return [] if key is None else [key]


def _created(work: UnitOfWork, condition: Condition) -> list[str] | None:
    moment = condition.value
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return None
    if not isinstance(moment, datetime):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    after = moment if condition.operator in {"gt", "ge", "eq"} else None
    before = moment if condition.operator in {"lt", "le", "eq"} else None
    if after is None and before is None:
        return None
    return store.find_created(work.read, after=after, before=before, limit=MOST + 1)
