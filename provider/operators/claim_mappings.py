"""What operators may do with claim mappings: a mapping changes the tokens of its application, so only who may change
the application may set one, and only who may change all applications one for a scope or for everything.
"""

from provider.accounts.roles.permissions import Permission, Permissions
from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import Declaration, is_mapping_name
from provider.oauth.claim_mapping.store import ClaimMapping
from provider.oauth.clients.clients import find_client
from provider.oauth.tokens import claim_mappings as rules
from provider.operators.authority import MorePermissions, require_client
from provider.work import UnitOfWork


def create_mapping(work: UnitOfWork, permissions: Permissions, name: str, declaration: Declaration) -> ClaimMapping:
    """Declare a mapping, for an operator with these permissions. Raises MorePermissions, and what
    `rules.create_mapping` raises.
    """
    _require_client(work, permissions, declaration.client_id)
    return rules.create_mapping(work, name, declaration)


def update_mapping(work: UnitOfWork, permissions: Permissions, name: str, declaration: Declaration) -> ClaimMapping:
    """Replace the declaration of a mapping. Raises MorePermissions, and what `rules.update_mapping` raises."""
    _require_present(work, permissions, name)
    _require_client(work, permissions, declaration.client_id)
    return rules.update_mapping(work, name, declaration)


def put_mapping(work: UnitOfWork, permissions: Permissions, name: str, declaration: Declaration) -> ClaimMapping:
    """Declare a mapping, or replace its declaration. Raises MorePermissions or InvalidMapping."""
    _require_present(work, permissions, name)
    _require_client(work, permissions, declaration.client_id)
    return rules.put_mapping(work, name, declaration)


def delete_mapping(work: UnitOfWork, permissions: Permissions, name: str) -> None:
    """Delete a mapping. Raises MorePermissions or NoSuchMapping."""
    _require_present(work, permissions, name)
    rules.delete_mapping(work, name)


def _require_present(work: UnitOfWork, permissions: Permissions, name: str) -> None:
    """Check that the operator may change the mapping as it is, and keep others from changing it until the transaction
    ends. One that does not exist is left to the caller.
    """
    if not is_mapping_name(name):
        return
    store.lock(work.db)
    found = store.find(work.db, name)
    if found is not None:
        _require_client(work, permissions, found.client_id)


def _require_client(work: UnitOfWork, permissions: Permissions, client_id: str | None) -> None:
    """Check that the operator may change this client, or all clients without one. Raises MorePermissions."""
    if client_id is not None:
        require_client(permissions, find_client(work, client_id))
    elif Permission.APPLICATIONS_TRUST not in permissions:
        raise MorePermissions
