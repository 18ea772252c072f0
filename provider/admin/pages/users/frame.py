"""The frame of a user's pages in the console: who it is, the state, the actions, and the tabs."""

from typing import Any

from starlette.responses import Response

from provider.accounts.profile import own_picture
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import Subject, available, done_message
from provider.admin.pages.users.actions import ACTIONS, NOT_ON_YOURSELF
from provider.admin.pages.users.details import UserDetails, find_details
from provider.database.base import parse_id
from provider.operators import authority
from provider.web.call import Call
from provider.web.pages import page

PATH = "/admin/users"
NEEDS = Permission.USERS_WRITE
"""The permission for everything that changes a user."""
OVERVIEW = "overview"
TABS = ("security", "sessions", "apps", "activity")
"""The tabs besides the overview. Each is the last part of its URL."""
FROM = "from"
"""The parameter of an action's URL with the tab that it was opened from."""


def find_user(call: Call, operator: Operator) -> Subject[UserDetails]:
    """Return the user named by the path, as a Subject. After an action, the operator returns to the tab that the query
    names. Raises NoSuchUser.
    """
    user_id = parse_id(call.path_params["user_id"])
    if user_id is None:
        raise NoSuchUser
    found = find_details(call, user_id)
    problem = authority.problem_with_user(operator.permissions, found.user.effective_roles)
    return Subject(found.email or user_id, url_of(user_id, call.query.get(FROM, "")), found, operator, problem)


def url_of(user_id: str, tab: str = "") -> str:
    """Return the URL of a user's tab, or of the overview if there is no such tab."""
    return f"{PATH}/{user_id}/{tab}" if tab in TABS else f"{PATH}/{user_id}"


def find_shown(call: Call) -> Subject[UserDetails]:
    """Return the user named by the path, for an operator who may see users. Raises NoSuchUser or RoleRequired."""
    return find_user(call, require_operator(call, Permission.USERS_READ))


def user_page(call: Call, subject: Subject[UserDetails], template: str, *, tab: str, **context: Any) -> Response:
    """Render a tab of the user's page."""
    person, operator = subject.value, subject.operator
    themselves = person.user.id == operator.user_id
    actions = available(ACTIONS, person, NEEDS, operator) if subject.problem is None else {}
    return page(
        call,
        template,
        person=person,
        picture=own_picture(call.work, person.user),
        tab=tab,
        actions={name: action for name, action in actions.items() if not (themselves and name in NOT_ON_YOURSELF)},
        may_change=operator.may(NEEDS) and subject.problem is None,
        problem=subject.problem if operator.may(NEEDS) else None,
        done=done_message(call, ACTIONS),
        just_created="created" in call.query,
        attributes_saved=call.query.get("attributes") == "saved",
        now=call.work.now,
        themselves=themselves,
        **context,
    )
