"""The user pages of the console: search, list, create, and show a user with all that belongs to the account."""

from starlette.responses import Response

from provider.accounts import invitation, overview, registration
from provider.accounts.registration import AddressTaken, NotAnAddress, clean_name
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin import authority
from provider.admin.guards import Operator, require_operator
from provider.admin.lists import users
from provider.admin.lists.listing import Count
from provider.admin.pages.actions import Subject, action_endpoint, available, done_message
from provider.admin.pages.event_list import event_list
from provider.admin.pages.lists import asked_of, with_chosen_columns
from provider.admin.pages.users import selected
from provider.admin.pages.users.actions import ACTIONS, INVALID_ROLES, roles_of
from provider.admin.pages.users.details import UserDetails, find_details
from provider.audit import store as audit
from provider.audit.devices import device_name
from provider.database.base import parse_id
from provider.languages.free_text import InvalidText
from provider.languages.text import Text
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/admin/users"
NEEDS = Permission.USERS_WRITE
"""The permission for everything that changes a user."""
LATEST = 20
"""How many events are shown on a user's page. The audit log has all of them."""


@endpoint
def list_users(call: Call) -> Response:
    """List users: GET /admin/users?q=. The filters, the order and the columns are those of `lists.users`."""
    operator = require_operator(call, Permission.USERS_READ)
    asked = asked_of(call, users.USERS)
    if redirect := with_chosen_columns(call, asked):
        return redirect
    found: list[str] = []
    further, count = None, Count(0)
    if not asked.problems:
        found, further = users.find_page(
            call.work, asked.text, asked.conditions, order=asked.order, after=asked.after, limit=asked.size
        )
        count = users.count(call.work, asked.text, asked.conditions)
    return page(
        call,
        "admin/users.html",
        status_code=400 if asked.problems else 200,
        found=overview.describe(call.work, found),
        done=done_message(call, ACTIONS),
        bulk_actions=selected.ACTIONS if operator.may(NEEDS) else {},
        **asked.page_values(call, further=further, count=count),
    )


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
    return go(f"{PATH}/{user_id}?created=yes")


@endpoint
def show_user(call: Call) -> Response:
    """Show a user and the actions available: GET /admin/users/{user_id}."""
    operator = require_operator(call, Permission.USERS_READ)
    subject = find_user(call, operator)
    person = subject.value
    return page(
        call,
        "admin/user.html",
        person=person,
        sessions=[(session, device_name(session.user_agent)) for session in person.sessions],
        actions=available(ACTIONS, person, NEEDS, operator) if subject.problem is None else {},
        may_change=operator.may(NEEDS) and subject.problem is None,
        problem=subject.problem if operator.may(NEEDS) else None,
        **event_list(call.work, audit.find(call.work.read, user_id=person.user.id, limit=LATEST)),
        done=done_message(call, ACTIONS),
        just_created="created" in call.query,
        themselves=person.user.id == operator.user_id,
    )


def find_user(call: Call, operator: Operator) -> Subject[UserDetails]:
    """Return the user named by the path, as a Subject. Raises NoSuchUser."""
    user_id = parse_id(call.path_params["user_id"])
    if user_id is None:
        raise NoSuchUser
    found = find_details(call, user_id)
    problem = authority.problem_with_user(operator.permissions, found.user.roles)
    return Subject(found.email or user_id, f"{PATH}/{user_id}", found, operator, problem)


act_on_user = action_endpoint(find_user, ACTIONS, here="users", needs=NEEDS)


def _new(call: Call, *, errors: dict[str, str] | None = None) -> Response:
    return page(
        call,
        "admin/new_user.html",
        status_code=400 if errors else 200,
        typed={name: call.form.text(name) for name in ("email", "name", "roles")},
        invite=call.method == "GET" or call.form.get("invite") is not None,
        link_lifetime=call.settings.invite_link_lifetime,
        errors=errors or {},
    )
