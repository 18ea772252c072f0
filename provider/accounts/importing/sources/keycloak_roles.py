"""The roles of a Keycloak realm: what a composite role consists of, and which roles a group gives its members."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provider.accounts.groups.groups import MOST_ROLES
from provider.accounts.importing.sources.draft import text_of
from provider.accounts.roles.names import is_role_name
from provider.accounts.roles.permissions import OPERATOR_ROLES

OWN_ROLES = {"offline_access", "uma_authorization"}
"""Roles that every user of a realm has, besides `default-roles-REALM`."""
OWN_CLIENTS = {
    "account",
    "account-console",
    "admin-cli",
    "broker",
    "realm-management",
    "security-admin-console",
}
"""The clients that are part of Keycloak."""

Role = tuple[str, str]
"""The client ID of a role, or nothing for one of the realm, and its name."""


@dataclass
class RealmRoles:
    """The roles of a realm. A file of users alone has none: then each role stands for itself."""

    _parts: dict[Role, list[Role]] = field(default_factory=dict)
    _groups: dict[str, list[Role]] = field(default_factory=dict)

    def read_roles(self, value: Any) -> None:
        """Note the composite roles in the member `roles` of a realm. Raises what `dict` methods raise for others."""
        for role in value.get("realm") or []:
            self._note("", role)
        for client_id, roles in (value.get("client") or {}).items():
            for role in roles:
                self._note(client_id, role)

    def read_groups(self, value: Any) -> None:
        """Note the roles of the groups in the member `groups` of a realm. A group also gives those of the one above."""
        left: list[tuple[Mapping[str, Any], list[Role]]] = [(group, []) for group in value]
        while left:
            group, above = left.pop()
            roles = [*above, *roles_in(group)]
            if roles:
                self._groups[group_name(group.get("path"))] = roles
            left += [(contained, roles) for contained in group.get("subGroups") or []]

    def with_parts(self, roles: Iterable[Role]) -> list[Role]:
        """Return these roles and everything that they consist of, each once. A role may be a part of itself."""
        found: dict[Role, None] = {}
        left = list(roles)[::-1]
        while left:
            role = left.pop()
            if role not in found:
                found[role] = None
                left += reversed(self._parts.get(role, ()))
        return list(found)

    def of_groups(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Return the names of the roles that each group gives, by its name, and a note for those that it can't give:
        what gives permissions in Signet, and what is no name of a role.
        """
        found, notes = {}, {}
        for name, roles in self._groups.items():
            names = sorted({moved for role in self.with_parts(roles) if (moved := name_of(role)) is not None})
            given = [one for one in names if is_role_name(one) and one not in OPERATOR_ROLES]
            found[name] = given[:MOST_ROLES]
            if left_out := [one for one in names if one not in found[name]]:
                notes[name] = f"Roles of group {name} are skipped: {', '.join(left_out)}."
        return found, notes

    def _note(self, client_id: str, role: Mapping[str, Any]) -> None:
        composites = role.get("composites") or {}
        parts = [("", str(name)) for name in composites.get("realm") or []]
        parts += [(of, str(name)) for of, names in (composites.get("client") or {}).items() for name in names]
        if parts:
            self._parts[client_id, str(role["name"])] = parts


def roles_in(holder: Mapping[str, Any]) -> Iterator[Role]:
    """Yield the roles that a user or a group was given itself."""
    yield from (("", str(name)) for name in holder.get("realmRoles") or [])
    for client_id, names in (holder.get("clientRoles") or {}).items():
        yield from ((client_id, str(name)) for name in names)


def name_of(role: Role) -> str | None:
    """Return the name of a role in Signet, or None for one that is part of Keycloak."""
    client_id, name = role
    if client_id:
        return None if client_id in OWN_CLIENTS else f"{client_id}:{name}"
    return None if name in OWN_ROLES or name.startswith("default-roles-") else name


def group_name(path: object) -> str:
    """Return the name of a group in Signet: `/sales/emea` is `sales.emea`."""
    return text_of(path).strip("/").replace("/", ".")
