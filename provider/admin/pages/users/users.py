"""The user pages of the console: search, list, create, and act on a user."""

from starlette.responses import Response

from provider.accounts import invitation, registration
from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import InvalidAttributes, UserAttribute
from provider.accounts.email.new_addresses import AddressTaken, NotAnAddress
from provider.accounts.pages.attribute_form import errors_of, fields_of, read_values, typed_values
from provider.accounts.registration import clean_name
from provider.accounts.roles.permissions import Permission
from provider.accounts.store import user_attributes
from provider.admin.guards import require_operator
from provider.admin.pages.actions import action_endpoint, done_message
from provider.admin.pages.lists import export_page, list_page
from provider.admin.pages.users import selected
from provider.admin.pages.users.actions import ACTIONS, INVALID_ROLES, roles_of
from provider.admin.pages.users.frame import NEEDS, PATH, find_user
from provider.languages.free_text import InvalidText
from provider.languages.text import Text
from provider.operators import authority
from provider.operators.bulk import runs as bulk_runs
from provider.operators.imports import store as imports
from provider.operators.lists.users import USERS
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

RUNNING = 5
"""How many changes to many users are shown above the list while they run."""


@endpoint
def list_users(call: Call) -> Response:
    """List users: GET /admin/users?q=. The filters, the order and the columns are those of `lists.users`."""
    operator = require_operator(call, Permission.USERS_READ)
    return list_page(
        call,
        USERS,
        "admin/users.html",
        in_context=lambda _rows: {
            "done": done_message(call, ACTIONS),
            "bulk_actions": selected.ACTIONS if operator.may(NEEDS) else {},
            "short_id": selected.short_id,
            "running": bulk_runs.find_running(call.work.read, limit=RUNNING),
            "running_imports": imports.find_running(call.work.read, limit=RUNNING),
        },
    )


@endpoint
def export_users(call: Call) -> Response:
    """Download the users that match as CSV: GET /admin/users/export.csv."""
    require_operator(call, Permission.USERS_READ)
    return export_page(call, USERS)


@endpoint
def show_new_user(call: Call) -> Response:
    require_operator(call, NEEDS)
    return _new(call)


@endpoint
def create_user(call: Call) -> Response:
    """Create a user: POST /admin/users/new. With `invite`, the user is emailed an invitation; otherwise the operator
    passes on a link.
    """
    operator = require_operator(call, NEEDS)
    errors: dict[str, str] = {}
    name, roles = "", roles_of(call.form.text("roles"))
    try:
        name = clean_name(call.form.text("name"))
    except InvalidText as invalid:
        errors["name"] = invalid.problem
    if roles is None:
        errors["roles"] = INVALID_ROLES
    elif problem := authority.problem_with_roles(operator.permissions, roles):
        errors["roles"] = problem
    asked = _asked(call)
    try:
        attributes = values.check_new(
            call.work,
            read_values(asked, typed_values(call, asked, editor=Editor.OPERATOR)),
            editor=Editor.OPERATOR,
            place=Place.ADMIN,
        )
    except InvalidAttributes as refusal:
        errors |= errors_of(refusal)
    if errors or roles is None:
        return _new(call, errors=errors)
    claims = {"name": name} if name else {}
    try:
        if call.form.get("invite") is not None:
            user_id = invitation.invite(call.work, email=call.form.text("email"), roles=roles, claims=claims)
        else:
            user_id = registration.create_user(
                call.work, email=call.form.text("email"), password=None, verified=True, roles=roles, claims=claims
            )
    except NotAnAddress:
        return _new(call, errors={"email": Text("Enter an email address, like name@example.com.")})
    except AddressTaken as refusal:
        return _new(call, errors={"email": refusal.message})
    values.add_values(call.work, user_id=user_id, values=attributes)
    return go(f"{PATH}/{user_id}?created=yes")


act_on_user = action_endpoint(find_user, ACTIONS, here="users", needs=NEEDS)


def _asked(call: Call) -> list[UserAttribute]:
    """Return the attributes without which operators can't create a user."""
    found = [UserAttribute(one, None) for one in user_attributes.find_all(call.work.read)]
    return [one for one in found if one.may_edit(Editor.OPERATOR) and Place.ADMIN in one.attribute.required_at]


def _new(call: Call, *, errors: dict[str, str] | None = None) -> Response:
    asked = _asked(call)
    typed = typed_values(call, asked, editor=Editor.OPERATOR) if errors else None
    return page(
        call,
        "admin/new_user.html",
        status_code=400 if errors else 200,
        typed={name: call.form.text(name) for name in ("email", "name", "roles")},
        attributes=fields_of(asked, editor=Editor.OPERATOR, place=Place.ADMIN, typed=typed),
        invite=call.method == "GET" or call.form.get("invite") is not None,
        link_lifetime=call.settings.invite_link_lifetime,
        errors=errors or {},
    )
