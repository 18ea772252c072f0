"""The models of users and groups (RFC 7643 sections 4 and 8.7): what this service keeps of a directory's resources.

`/Schemas` is computed from them. Passwords, entitlements, photos and certificates of directories are not kept. Roles
are shown and never set: a directory must not make operators.
"""

from typing import Annotated, Any, Union

from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    Extension,
    External,
    Mutability,
    Reference,
    Required,
    Resource,
    Uniqueness,
)
from scim2_models.resources.resource import AnyExtension

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_ReadOnly = Annotated[str | None, Mutability.read_only]


class Name(ComplexAttribute):
    formatted: str | None = None
    """The full name."""

    family_name: str | None = None
    """The family name."""

    given_name: str | None = None
    """The given names."""

    middle_name: str | None = None
    """The middle names."""

    honorific_prefix: str | None = None
    """The title before the name."""

    honorific_suffix: str | None = None
    """What follows the name."""


class Email(ComplexAttribute):
    value: Annotated[str | None, Required.true] = None
    """The address."""

    display: str | None = None
    """The address as people read it."""

    type: str | None = Field(None, examples=["work", "home", "other"])
    """What the address is for."""

    primary: bool | None = None
    """Whether this is the user's email address here. Without one, it is the first."""


class PhoneNumber(ComplexAttribute):
    value: str | None = None
    """The phone number."""

    display: str | None = None
    """The number as people read it."""

    type: str | None = Field(None, examples=["work", "home", "mobile", "fax", "pager", "other"])
    """What the number is for."""

    primary: bool | None = None
    """Whether this is the user's phone number here. Without one, it is the first."""


class Address(ComplexAttribute):
    formatted: str | None = None
    """The whole address."""

    street_address: str | None = None
    """The street and number."""

    locality: str | None = None
    """The city."""

    region: str | None = None
    """The state or region."""

    postal_code: str | None = None
    """The postal code."""

    country: str | None = None
    """The country."""

    type: str | None = Field(None, examples=["work", "home", "other"])
    """What the address is for."""

    primary: bool | None = None
    """Whether this is the user's postal address here. Without one, it is the first."""


class Membership(ComplexAttribute):
    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The ID of the group."""

    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URL of the group."""

    display: _ReadOnly = None
    """The name of the group."""

    type: _ReadOnly = Field(None, examples=["direct", "indirect"])
    """How the user is in the group. Only direct memberships are listed."""


class Role(ComplexAttribute):
    value: _ReadOnly = None
    """The name of the role."""


class User(Resource[AnyExtension]):
    __schema__ = URN(USER)

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The name of the user in the directory. Users sign in with their email address."""

    name: Name | None = None
    """The parts of the name."""

    display_name: str | None = None
    """The name that apps show."""

    nick_name: str | None = None
    """The nickname."""

    profile_url: Reference[External] | None = None
    """The URL of the user's profile page."""

    title: str | None = None
    """The title at work."""

    user_type: str | None = None
    """The relation to the organization."""

    preferred_language: str | None = None
    """The language of pages and emails, such as en or fr-CA."""

    locale: str | None = None
    """The format of dates and numbers, such as en-US."""

    timezone: str | None = None
    """The time zone, such as Europe/Paris."""

    active: Annotated[bool | None, Required.true] = None
    """Whether the user can sign in. False suspends the user and ends all access. A new user without it is active."""

    emails: Annotated[list[Email] | None, Required.true] = None
    """The email addresses. The primary one is the user's address here, and counts as verified. If none is given, the
    user name must be an email address."""

    phone_numbers: list[PhoneNumber] | None = None
    """The phone numbers."""

    addresses: list[Address] | None = None
    """The postal addresses."""

    groups: Annotated[list[Membership] | None, Mutability.read_only] = None
    """The groups that the user is a member of."""

    roles: Annotated[list[Role] | None, Mutability.read_only] = None
    """The user's roles, those of the groups included."""


class Manager(ComplexAttribute):
    value: Annotated[str | None, CaseExact.true] = None
    """The ID of the manager."""

    ref: Reference["User"] | None = Field(  # type: ignore[type-arg]  # a name, which the library reads
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URL of the manager."""

    display_name: _ReadOnly = None
    """The name of the manager."""


class EnterpriseUser(Extension):
    __schema__ = URN(ENTERPRISE)

    employee_number: str | None = None
    """The number of the employee."""

    cost_center: str | None = None
    """The cost center."""

    organization: str | None = None
    """The organization."""

    division: str | None = None
    """The division."""

    department: str | None = None
    """The department."""

    manager: Manager | None = None
    """The user's manager."""


class Member(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The ID of the member."""

    ref: Annotated[Reference[Union["User", "Group"]] | None, Mutability.immutable] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URL of the member."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User", "Group"])
    """The kind of member: a user, or a group whose members are in this group, too."""

    display: _ReadOnly = None
    """The name of the member. It is not returned."""


class Group(Resource[Any]):
    __schema__ = URN(GROUP)

    display_name: Annotated[str | None, Required.true, CaseExact.true, Uniqueness.server] = None
    """The name that people read, up to 100 characters. Apps get the group's own name, which never changes."""

    members: list[Member] | None = None
    """The members of the group itself."""
