"""The settings that say what an upstream's claims mean here: profile fields, attributes, roles and groups."""

from collections.abc import Mapping

from pydantic import Field, StrictBool, ValidationInfo, field_validator

from provider.accounts.attributes.declarations import is_attribute_name
from provider.accounts.groups.names import is_group_name
from provider.accounts.profile import FIELDS
from provider.accounts.roles.names import is_role_name
from provider.federation.directory_settings import DirectorySettings

ATTRIBUTE = "attributes."
"""What the name of a declared attribute begins with, among the profile fields."""
SAME = "*"
"""The entry of `groups` that gives groups of the same name."""


class MappingSettings(DirectorySettings):
    """The members of an upstream that say what its claims mean here."""

    claims: dict[str, str] = Field(default_factory=dict)
    """The claim for each profile field or attribute of a new account."""
    updates_profile: StrictBool = False
    """Whether these are replaced at each sign-in."""
    roles_claim: str | None = Field(None, min_length=1, max_length=200)
    """The claim with the user's roles or groups there."""
    roles: dict[str, str] = Field(default_factory=dict)
    """The role here for each value of that claim."""
    groups_claim: str | None = Field(None, min_length=1, max_length=200)
    """The claim with the user's groups there. Default: `roles_claim`."""
    groups: dict[str, str] = Field(default_factory=dict)
    """The group here for each value of that claim. With `SAME`, other values are names of groups here."""

    @property
    def claim_of_groups(self) -> str | None:
        """The claim with the user's groups, if it is used."""
        return (self.groups_claim or self.roles_claim) if self.groups else None

    @property
    def profile_claims(self) -> Mapping[str, str]:
        """The claims of profile fields."""
        return {name: claim for name, claim in self.claims.items() if not name.startswith(ATTRIBUTE)}

    @property
    def attribute_claims(self) -> Mapping[str, str]:
        """The claims of declared attributes, by the attribute's name."""
        return {
            name.removeprefix(ATTRIBUTE): claim for name, claim in self.claims.items() if name.startswith(ATTRIBUTE)
        }

    @field_validator("claims")
    @classmethod
    def _claims(cls, value: dict[str, str]) -> dict[str, str]:
        known = {field.name for field in FIELDS}
        for name in value.keys() - known:
            if not (name.startswith(ATTRIBUTE) and is_attribute_name(name.removeprefix(ATTRIBUTE))):
                names = ", ".join(sorted(known))
                raise ValueError(f"must be a table of attributes.NAME and the profile fields {names}")
        return value

    @field_validator("updates_profile")
    @classmethod
    def _updates(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001  # as pydantic calls it
        if value and not info.data.get("claims"):
            raise ValueError("needs claims")
        return value

    @field_validator("roles")
    @classmethod
    def _roles(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if value and not info.data.get("roles_claim"):
            raise ValueError("needs roles_claim")
        if not all(is_role_name(role) for role in value.values()):
            raise ValueError("must be a table of values and roles, in visible ASCII characters")
        return value

    @field_validator("groups")
    @classmethod
    def _groups(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if value and not (info.data.get("groups_claim") or info.data.get("roles_claim")):
            raise ValueError("needs groups_claim or roles_claim")
        if not all(is_group_name(name) for name in value.values()):
            raise ValueError("must be a table of values and the names of groups here")
        if value.get(SAME, SAME) != SAME:
            raise ValueError('"*" must be "*", for groups of the same name')
        return value
