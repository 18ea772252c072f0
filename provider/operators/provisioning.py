"""Provisioning of an app as operators set it: the client and the groups must exist, and who sends users to a URL must
be able to read them.
"""

from collections.abc import Mapping
from typing import Any

from provider.accounts.groups.groups import NoSuchGroup
from provider.accounts.groups.members import require_existing
from provider.accounts.groups.names import InvalidGroup
from provider.accounts.roles.permissions import Permission, Permissions
from provider.languages.text import Text
from provider.oauth.clients.clients import Client, NoSuchClient, find_client
from provider.operators.authority import MorePermissions
from provider.provisioning import connections
from provider.provisioning.settings import InvalidProvisioning, ProvisioningSettings, parse_settings
from provider.provisioning.store import resources
from provider.provisioning.store.connections import Provisioning, Scan
from provider.work import UnitOfWork

NEEDS_USERS = Text("Provisioning sends users to another system, so it also needs the permission users:read.")


def put(work: UnitOfWork, client_id: str, given: Mapping[str, Any], *, token: str | None = None) -> Provisioning:
    """Set up provisioning of an app, or change it (`connections.put`). Raises NoSuchClient or InvalidProvisioning."""
    require_client(work, client_id)
    settings = parse_settings(given)
    require_groups(work, settings)
    return connections.put(work, client_id, settings, token=token)


def require_client(work: UnitOfWork, client_id: str) -> Client:
    """Return the client. Raises NoSuchClient."""
    client = find_client(work, client_id)
    if client is None:
        raise NoSuchClient
    return client


def require_groups(work: UnitOfWork, settings: ProvisioningSettings) -> None:
    """Check that there are these groups. Raises InvalidProvisioning."""
    for member in ("members_of", "push_groups"):
        try:
            require_existing(work, getattr(settings, member))
        except (InvalidGroup, NoSuchGroup) as refusal:
            raise InvalidProvisioning(member, f"{member}: {refusal.message}") from None


def require_permissions(permissions: Permissions) -> None:
    """Check that an operator who changes applications can read users, too. Raises MorePermissions."""
    if Permission.USERS_READ not in permissions:
        raise MorePermissions(NEEDS_USERS)


def state_of(one: Provisioning) -> str:
    """Return the state of a connection: `disabled`, `stopped`, `paused`, `scanning` or `on`."""
    if one.disabled_at is not None:
        return "disabled"
    if one.stopped_at is not None:
        return "stopped"
    if one.failures:
        return "paused"
    return "on" if one.scan == Scan.NONE else "scanning"


def describe(work: UnitOfWork, one: Provisioning) -> dict[str, Any]:
    """Return a connection with its state and its numbers, without the token."""
    counts = resources.count(work.read, one.client_id)
    return {
        "client_id": one.client_id,
        **ProvisioningSettings.of(one).as_json(),
        "state": state_of(one),
        "error": one.error,
        "retry_at": one.retry_at if one.failures else None,
        **vars(counts),
        "scanned": one.scanned,
        "scan_started_at": one.scan_started_at,
        "scan_finished_at": one.scan_finished_at,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
