"""Actions on the users that are selected in the list: described first, with a field for the reason, then queued."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts import overview
from provider.accounts.overview import Overview
from provider.accounts.roles import roles
from provider.accounts.roles.names import InvalidRole, is_role_name
from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, operator_of, require_operator
from provider.admin.pages.actions import InvalidInput, record_reason
from provider.admin.pages.outbox import PATH as OUTBOX
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.operators import authority
from provider.operators.bulk import actions as bulk
from provider.outbox.topics import Topic
from provider.refusals import NotFound
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

FIELD = "user-"
"""A checkbox of the list is named by this and the ID of its user, because a parameter may be sent only once."""


SHORT = 22
"""The length of a short id."""
SUGGESTED = 100
"""How many roles for apps the field suggests."""


@dataclass(frozen=True)
class BulkAction:
    title: Text
    means: tuple[Text, ...]
    danger: bool = True
    asks: Text | None = None
    """The label of the field for a value, if the action needs one. So far it is always a role."""


ACTIONS: Mapping[str, BulkAction] = {
    "suspend": BulkAction(
        Text("Suspend accounts"),
        (
            Text("All sessions, tokens and links of these users end."),
            Text("The users can't sign in until you restore the accounts. Ended sessions and tokens don't come back."),
            Text("Each user is emailed that the account is suspended. The email doesn't include the reason."),
        ),
    ),
    "restore": BulkAction(
        Text("Restore accounts"),
        (
            Text("The users can sign in again. Ended sessions and tokens don't come back."),
            Text("Each user whose account was suspended is notified by email."),
        ),
        danger=False,
    ),
    "invite-again": BulkAction(
        Text("Resend invitations"),
        (
            Text("Each user is emailed a new link to set a password. Earlier links stop working."),
            Text("Users who have a password already get no email."),
        ),
        danger=False,
    ),
    "add-role": BulkAction(
        Text("Add role"),
        (
            Text("Each user gets the role, if they don't have it yet. Their other roles stay."),
            Text("Applications receive it at the next sign-in or token refresh."),
        ),
        danger=False,
        asks=Text("Role to add"),
    ),
    "remove-role": BulkAction(
        Text("Remove role"),
        (
            Text("The role is removed from each user who has it. Their other roles stay."),
            Text("Applications stop receiving it at the next sign-in or token refresh."),
        ),
        asks=Text("Role to remove"),
    ),
    "end-sessions": BulkAction(
        Text("Sign out everywhere"),
        (
            Text("All sessions and application access of these users end, including offline access."),
            Text("The users can sign in again."),
        ),
    ),
    "delete": BulkAction(
        Text("Delete accounts"),
        (
            Text("The accounts and all their data are deleted. This can't be undone."),
            Text("Applications may keep their own data about these users. Audit events are kept."),
        ),
    ),
}
"""What can be done to several users, by the names in `bulk.ACTIONS`."""


@endpoint
def act_on_selected_users(call: Call) -> Response:
    """Say what an action will do to the selected users (GET), or queue it (POST): /admin/users/selected?action=.

    The operator's own account is left out, and so are those with more permissions than the operator has.
    """
    operator = require_operator(call, Permission.USERS_WRITE)
    name = call.query.get("action", "")
    action = ACTIONS.get(name)
    if action is None:
        raise NotFound
    if "all" in call.query:
        filters = {key: value for key, value in call.query.items() if key != "all" and not key.startswith(FIELD)}
        return go(f"/admin/users/matching?{urlencode(filters)}")
    selected = overview.describe(call.work, _selected(call))
    others = [person for person in selected if person.user.id != operator.user_id]
    themselves = len(others) < len(selected)
    users = [
        one for one in others if authority.problem_with_user(operator.permissions, one.user.effective_roles) is None
    ]
    beyond = len(others) - len(users)
    if call.method in {"GET", "HEAD"} or not users:
        return _ask(call, action, users, themselves=themselves, beyond=beyond)
    value = call.form.text("value").strip() if action.asks else ""
    try:
        record_reason(call)
        if action.asks:
            require_role(operator, value, is_given=name == "add-role")
    except InvalidInput as refusal:
        return _ask(call, action, users, themselves=themselves, beyond=beyond, refusal=refusal)
    names = {person.user.id: person.email or person.user.id for person in users}
    bulk.enqueue(call.work, action=name, users=names, operator_id=operator.user_id, value=value)
    return go(f"{OUTBOX}?{urlencode({'topic': Topic.BULK, 'started': 'yes'})}")


def require_role(operator: Operator, role: str, *, is_given: bool) -> None:
    """Check the role that the operator entered. Raises InvalidInput."""
    if not is_role_name(role):
        raise InvalidInput("value", InvalidRole.message)
    if is_given and (problem := authority.problem_with_roles(operator.permissions, (role,))):
        raise InvalidInput("value", problem)


def short_id(user_id: str) -> str:
    """Return an id as short as the name of a checkbox needs: 200 of them must fit into a URL."""
    return base64.urlsafe_b64encode(uuid.UUID(user_id).bytes).decode().rstrip("=")


def _selected(call: Call) -> list[str]:
    ids = (_long_id(name.removeprefix(FIELD)) for name in call.query if name.startswith(FIELD))
    return [user_id for user_id in ids if user_id is not None]


def _long_id(text: str) -> str | None:
    if len(text) != SHORT:
        return parse_id(text)
    try:
        return str(uuid.UUID(bytes=base64.urlsafe_b64decode(f"{text}==")))
    except ValueError:
        return None


def _ask(
    call: Call,
    action: BulkAction,
    users: list[Overview],
    *,
    themselves: bool,
    beyond: int,
    refusal: InvalidInput | None = None,
) -> Response:
    return page(
        call,
        "admin/selected_users.html",
        status_code=200 if refusal is None else refusal.status_code,
        action=action,
        users=users,
        themselves=themselves,
        beyond=beyond,
        value=call.form.get("value", ""),
        suggested=role_names(call) if action.asks else [],
        why=call.form.get("why", ""),
        errors={} if refusal is None else {refusal.name: refusal.message},
    )


def role_names(call: Call) -> list[str]:
    """Return the names that the field suggests: roles of operators that this one can give, and some for apps."""
    permissions = operator_of(call).permissions
    found = [*roles.find_built_in(call.work), *roles.find_page(call.work, after=None, limit=SUGGESTED)[0]]
    return [role.name for role in found if role.permissions <= permissions]
