"""The roles: list, create, describe and delete them. PATCH on a user gives and takes roles."""

from typing import Literal

from pydantic import Field

from provider.accounts.roles import roles as rules
from provider.accounts.roles.names import InvalidRole
from provider.accounts.roles.permissions import Permission
from provider.accounts.roles.roles import BuiltInRole, NoSuchRole, RoleInUse
from provider.accounts.store.roles import COUNTED, LONGEST_DESCRIPTION
from provider.admin.operation import Resource, by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body, InvalidBody, Line
from provider.api.callers import Operator
from provider.web.call import Call

ONE_OF = "`none`, `two-factor` (a passkey or any other second factor), or `passkey`."


class Role(Body):
    """A role."""

    name: str = Field(description="The role's name. A role in one app has the form client_id:role.")
    description: str = Field(description="Who should have the role, and what it allows.")
    built_in: bool = Field(description="Whether it is a role of operators, which can't be changed or deleted.")
    permissions: list[str] = Field(description="What it allows in the console and the admin API.")
    required_factor: str = Field(description=f"What users with the role must sign in with. {ONE_OF}")
    users: int = Field(description=f"How many users have the role themselves. {COUNTED + 1} means more than {COUNTED}.")


class Roles(Body):
    """A page of roles."""

    roles: list[Role] = Field(description="The roles: those of operators on the first page, then the others by name.")
    next: str | None = Field(None, description=NEXT)


class RoleDescription(Body):
    """The description of a role, and what it requires."""

    description: Line = Field(
        "", max_length=LONGEST_DESCRIPTION, description="Who should have the role, and what it allows, for operators."
    )
    required_factor: Literal["none", "two-factor", "passkey"] | None = Field(
        None,
        description=f"What users with the role must sign in with. {ONE_OF} If left out, it stays as it is. It is the "
        "only member that can be set for a built-in role.",
    )


def _show(call: Call) -> Role:
    return _describe(rules.find_role(call.work, call.path_params["role"]))


ROLE = Resource(lambda call: rules.lock_role(call.work, call.path_params["role"]), _show)


@by_operator(needs=Permission.ROLES_READ, gives=Roles, asks=PAGED, problems=(InvalidBody,))
def list_roles(call: Call, _operator: Operator, _body: Body) -> Roles:
    """List roles. The built-in ones come first. A role that was given to a user is listed, too."""
    work, page = call.work, query_page(call, "roles")
    found, further = rules.find_page(work, after=None if page.after is None else page.after["role"], limit=page.limit)
    return Roles(
        roles=[_describe(role) for role in [*(rules.find_built_in(work) if page.after is None else []), *found]],
        next=None if further is None else next_of(call, "roles", role=further),
    )


@by_operator(
    needs=Permission.ROLES_WRITE,
    of=ROLE,
    takes=RoleDescription,
    gives=Role,
    problems=(InvalidRole, NoSuchRole, BuiltInRole),
)
def put_role(call: Call, _operator: Operator, body: RoleDescription) -> Role:
    """Create or change a role. Set its description and what it requires. Roles that you create are for apps and give no
    permissions here.
    """
    rules.put_role(
        call.work,
        name=call.path_params["role"],
        description=body.description,
        required_factor=body.required_factor,
    )
    return _show(call)


@by_operator(needs=Permission.ROLES_WRITE, of=ROLE, problems=(NoSuchRole, BuiltInRole, RoleInUse))
def delete_role(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete a role. It is removed from all users who have it."""
    rules.delete_role(call.work, name=call.path_params["role"])


def _describe(role: rules.Role) -> Role:
    return Role(
        name=role.name,
        description=role.description,
        built_in=role.is_built_in,
        permissions=sorted(role.permissions),
        required_factor=role.required_factor,
        users=role.users,
    )
