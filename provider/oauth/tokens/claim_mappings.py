"""Claim mappings: find, declare, change and delete them.

Tokens that exist when a mapping is changed keep their claims until they expire. Later ones have those of the mappings
as they are then (decision 316).
"""

from dataclasses import asdict

from provider.accounts.store import user_attributes
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import (
    Declaration,
    InvalidMapping,
    attributes_read_by,
    is_mapping_name,
)
from provider.oauth.claim_mapping.store import LONGEST_NAME, ClaimMapping
from provider.oauth.clients.clients import find_client
from provider.refusals import NotFound, Refusal
from provider.work import UnitOfWork

MOST = 500
"""The largest number of mappings."""


class NoSuchMapping(NotFound):
    code = "no-such-claim-mapping"
    title = Text("Claim mapping not found")
    message = Text("There is no claim mapping with this name.")


class MappingExists(Refusal):
    code = "claim-mapping-exists"
    status_code = 409
    title = Text("Claim mapping exists")
    message = Text("There is a claim mapping with this name already.")


def find_mapping(work: UnitOfWork, name: str) -> ClaimMapping:
    """Return a mapping by its name. Raises NoSuchMapping."""
    found = store.find(work.read, name) if is_mapping_name(name) else None
    if found is None:
        raise NoSuchMapping
    return found


def lock_mapping(work: UnitOfWork, name: str) -> None:
    """Keep other changes of mappings waiting until the transaction ends. Raises NoSuchMapping if it can't be one."""
    if not is_mapping_name(name):
        raise NoSuchMapping
    store.lock(work.db)


def create_mapping(work: UnitOfWork, name: str, declaration: Declaration) -> ClaimMapping:
    """Declare a new mapping. Raises InvalidMapping or MappingExists."""
    store.lock(work.db)
    _require_valid(work, name, declaration)
    if store.find(work.db, name) is not None:
        raise MappingExists
    if store.count(work.db) >= MOST:
        raise InvalidMapping("name", f"is one too many. There can be at most {MOST} claim mappings.")
    made = ClaimMapping(name=name, **asdict(declaration), created_at=work.now, updated_at=work.now)
    store.add(work.db, made, sorted(attributes_read_by(declaration)))
    record(work, Event.CLAIM_MAPPING_CREATED, client_id=made.client_id, name=name, claim=made.claim)
    return made


def update_mapping(work: UnitOfWork, name: str, declaration: Declaration) -> ClaimMapping:
    """Replace the declaration of a mapping. Raises NoSuchMapping or InvalidMapping."""
    lock_mapping(work, name)
    before = store.find(work.db, name)
    if before is None:
        raise NoSuchMapping
    changed = Declaration.of(before).differences(declaration)
    if not changed:
        return before
    _require_valid(work, name, declaration)
    made = ClaimMapping(name=name, **asdict(declaration), created_at=before.created_at, updated_at=work.now)
    store.replace(work.db, made, sorted(attributes_read_by(declaration)))
    record(work, Event.CLAIM_MAPPING_UPDATED, client_id=made.client_id, name=name, **changed.as_details())
    return made


def put_mapping(work: UnitOfWork, name: str, declaration: Declaration) -> ClaimMapping:
    """Declare a mapping, or replace its declaration. Raises InvalidMapping.

    The order is that of `authorization_details.types.put_type`, for the same reason.
    """
    try:
        return update_mapping(work, name, declaration)
    except NoSuchMapping:
        return create_mapping(work, name, declaration)


def delete_mapping(work: UnitOfWork, name: str) -> None:
    """Delete a mapping. Later tokens don't have its claim. Raises NoSuchMapping."""
    lock_mapping(work, name)
    found = store.find(work.db, name)
    if found is None or not store.remove(work.db, name):
        raise NoSuchMapping
    record(work, Event.CLAIM_MAPPING_DELETED, client_id=found.client_id, name=name, claim=found.claim)


def _require_valid(work: UnitOfWork, name: str, declaration: Declaration) -> None:
    """Check a declaration against what else is declared: its client, its attributes, and a claim that another mapping
    sets in the same case. Raises InvalidMapping.
    """
    if not is_mapping_name(name):
        raise InvalidMapping("name", f"must be 1 to {LONGEST_NAME} of a-z, 0-9, - and _, and begin with a-z.")
    if declaration.client_id is not None and find_client(work, declaration.client_id) is None:
        raise InvalidMapping("client_id", f"{declaration.client_id[:100]} is not registered.")
    declared = {one.name for one in user_attributes.find_all(work.read)}
    missing = sorted(attributes_read_by(declaration) - declared)
    if missing:
        member = "expression" if declaration.attribute is None else "attribute"
        raise InvalidMapping(member, f"there is no attribute {missing[0]}. Declare it first.")
    case = (declaration.claim, declaration.client_id, declaration.scope)
    for other in store.find_all(work.read):
        is_same_case = other.name != name and (other.claim, other.client_id, other.scope) == case
        if is_same_case and not set(other.places).isdisjoint(declaration.places):
            raise InvalidMapping("claim", f"is set by the mapping {other.name} for the same scope and client.")
