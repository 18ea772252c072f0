"""The permissions of operators, and the built-in roles that give them.

The console, the admin API and background jobs all consult this table. Any other role is for apps only and gives no
permission here. The command line needs none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from provider.accounts.store.users import ADMIN
from provider.languages.text import Text


class Permission(StrEnum):
    """A permission of operators. One that only reads ends in `:read`."""

    OVERVIEW_READ = "overview:read"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    GROUPS_READ = "groups:read"
    GROUPS_WRITE = "groups:write"
    APPLICATIONS_READ = "applications:read"
    APPLICATIONS_WRITE = "applications:write"
    APPLICATIONS_TRUST = "applications:trust"
    REQUESTS_READ = "requests:read"
    AUDIT_READ = "audit:read"
    OUTBOX_READ = "outbox:read"
    OUTBOX_WRITE = "outbox:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"

    @property
    def only_reads(self) -> bool:
        return self.endswith(":read")


Permissions = frozenset[Permission]

MEANING: Mapping[Permission, Text] = {
    Permission.OVERVIEW_READ: Text("Open the console, with its overview and search"),
    Permission.USERS_READ: Text("See users, their roles, sessions, connected applications and activity"),
    Permission.USERS_WRITE: Text("Create, change, suspend and delete users, end their sessions, and give roles"),
    Permission.ROLES_READ: Text("See the list of roles"),
    Permission.ROLES_WRITE: Text("Create, describe and delete roles"),
    Permission.GROUPS_READ: Text("See groups and their members"),
    Permission.GROUPS_WRITE: Text("Create, change and delete groups, and change their members"),
    Permission.APPLICATIONS_READ: Text("See applications and their users"),
    Permission.APPLICATIONS_WRITE: Text("Register, change, disable and delete applications"),
    Permission.APPLICATIONS_TRUST: Text("Give applications access to accounts or the admin API, or skip consent"),
    Permission.REQUESTS_READ: Text("See rejected requests"),
    Permission.AUDIT_READ: Text("See and export the audit log"),
    Permission.OUTBOX_READ: Text("See the outbox"),
    Permission.OUTBOX_WRITE: Text("Retry and cancel jobs of the outbox"),
    Permission.WEBHOOKS_READ: Text("See webhooks"),
    Permission.WEBHOOKS_WRITE: Text("Create, change and delete webhooks"),
    Permission.KEYS_READ: Text("See signing keys"),
    Permission.KEYS_WRITE: Text("Rotate and revoke signing keys"),
    Permission.SETTINGS_READ: Text("See the settings"),
    Permission.SETTINGS_WRITE: Text(
        "Change the branding, declare user attributes, send test emails and run diagnostics"
    ),
}

EVERYTHING: Permissions = frozenset(Permission)
READING: Permissions = frozenset(permission for permission in Permission if permission.only_reads)


@dataclass(frozen=True)
class OperatorRole:
    """A built-in role that makes its users operators."""

    description: Text
    permissions: Permissions


OPERATOR_ROLES: Mapping[str, OperatorRole] = {
    ADMIN: OperatorRole(Text("Can see and change everything."), EVERYTHING),
    "user-manager": OperatorRole(
        Text("Manages users, groups and roles of users. Can't change users who have more permissions."),
        frozenset(
            {
                Permission.OVERVIEW_READ,
                Permission.USERS_READ,
                Permission.USERS_WRITE,
                Permission.ROLES_READ,
                Permission.GROUPS_READ,
                Permission.GROUPS_WRITE,
                Permission.OUTBOX_READ,
            }
        ),
    ),
    "app-manager": OperatorRole(
        Text("Manages applications, except those that skip consent or have access to accounts or the admin API."),
        frozenset(
            {
                Permission.OVERVIEW_READ,
                Permission.APPLICATIONS_READ,
                Permission.APPLICATIONS_WRITE,
                Permission.REQUESTS_READ,
            }
        ),
    ),
    "auditor": OperatorRole(Text("Can see everything and change nothing."), READING),
}
"""The roles of operators, by name. They can't be changed or deleted."""


def permissions_of(roles: Iterable[str]) -> Permissions:
    """Return everything that these roles allow together."""
    given = (OPERATOR_ROLES[role].permissions for role in roles if role in OPERATOR_ROLES)
    return frozenset().union(*given)


def roles_with(permission: Permission) -> list[str]:
    """Return the names of the roles that give this permission."""
    return [name for name, role in OPERATOR_ROLES.items() if permission in role.permissions]


def role_beyond(permissions: Permissions, roles: Iterable[str]) -> str | None:
    """Return the first of these roles that gives more than `permissions`, or None."""
    return next((role for role in sorted(roles) if not permissions_of((role,)) <= permissions), None)
