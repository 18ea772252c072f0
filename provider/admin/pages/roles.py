"""The roles in the console: the built-in ones with their permissions, those for apps, and who has each."""

from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts import overview
from provider.accounts.roles import roles as rules
from provider.accounts.roles.names import InvalidRole
from provider.accounts.roles.permissions import MEANING, Permission
from provider.accounts.roles.roles import Role, RoleExists
from provider.accounts.store import roles as store
from provider.accounts.store.roles import COUNTED
from provider.admin.client_labels import VALUES
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Edit,
    Input,
    InvalidInput,
    Subject,
    action_endpoint,
    available,
    done_message,
    require_version_seen,
)
from provider.admin.pages.conflicts import Record
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.audit.events import Event
from provider.languages.catalogs import Language
from provider.languages.free_text import InvalidText
from provider.languages.text import Text
from provider.sessions.assurance import REQUIRED_FACTORS
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/admin/roles"
NEEDS = Permission.ROLES_WRITE


def _is_for_apps(role: Role) -> bool:
    return not role.is_built_in


def _describe(call: Call, subject: Subject[Role]) -> None:
    name = subject.value.name
    store.lock(call.work.db, name)
    require_version_seen(call, rules.find_role(call.work, name).description)
    try:
        rules.describe_role(call.work, name=name, description=call.form.text("description"))
    except InvalidText as invalid:
        raise InvalidInput("description", invalid.problem) from None


def _require(call: Call, subject: Subject[Role]) -> None:
    name, required = subject.value.name, call.form.text("required_factor")
    store.lock(call.work.db, name)
    require_version_seen(call, rules.find_role(call.work, name).required_factor)
    if required not in REQUIRED_FACTORS:
        raise InvalidInput("required_factor", Text("Choose one of the options."))
    rules.require_factor(call.work, name=name, required_factor=required)


def _options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": VALUES["required_factor"][value]} for value in REQUIRED_FACTORS]


def _delete(call: Call, subject: Subject[Role]) -> None:
    rules.delete_role(call.work, name=subject.value.name)


ACTIONS: Actions[Role] = {
    "describe": Action(
        title=Text("Edit description"),
        button=Text("Save description"),
        means=(Text("Operators see the description in the list of roles. Users and applications don't."),),
        done=Text("Description updated."),
        do=_describe,
        inputs=(Input("description", Text("Description"), shown=lambda role: role.description),),
        edits=Edit(lambda role: role.description, lambda role: Record(Event.ROLE_UPDATED, detail=("role", role.name))),
        is_available=_is_for_apps,
    ),
    "require": Action(
        title=Text("Require two-factor or a passkey"),
        button=Text("Save requirement"),
        means=(
            Text("Users with this role need it in every application, and in the console, from their next visit on."),
            Text("Users who don't have it are asked to set it up."),
        ),
        done=Text("Requirement updated."),
        do=_require,
        inputs=(
            Input(
                "required_factor",
                Text("Require for sign-in"),
                shown=lambda role: role.required_factor,
                options=_options,
            ),
        ),
        edits=Edit(
            lambda role: role.required_factor, lambda role: Record(Event.ROLE_UPDATED, detail=("role", role.name))
        ),
    ),
    "delete": Action(
        title=Text("Delete role"),
        button=Text("Delete role"),
        means=(
            Text("The role is removed from all users who have it. This can't be undone."),
            Text("Applications stop receiving it at the next sign-in or token refresh."),
        ),
        done=Text("Role deleted."),
        do=_delete,
        danger=True,
        is_available=_is_for_apps,
        leads_to=PATH,
    ),
}


@endpoint
def list_roles(call: Call) -> Response:
    """List the roles: GET /admin/roles. The built-in ones are on the first page."""
    require_operator(call, Permission.ROLES_READ)
    place = place_on(call, "roles")
    found, further = rules.find_page(call.work, after=None if place is None else place[0], limit=AT_ONCE)
    return page(
        call,
        "admin/roles.html",
        built_in=rules.find_built_in(call.work) if place is None else [],
        roles=found,
        counted=COUNTED,
        further=next_page(call, "roles", None if further is None else (further,)),
        done=done_message(call, ACTIONS),
    )


@endpoint
def show_new_role(call: Call) -> Response:
    require_operator(call, NEEDS)
    return _new(call)


@endpoint
def create_role(call: Call) -> Response:
    """Create a role for apps: POST /admin/roles/new."""
    require_operator(call, NEEDS)
    name, description = call.form.text("name"), call.form.text("description")
    try:
        rules.create_role(call.work, name=name, description=description)
    except (InvalidRole, RoleExists) as refusal:
        return _new(call, errors={"name": refusal.message})
    except InvalidText as invalid:
        return _new(call, errors={"description": invalid.problem})
    return go(f"{url_of(name)}&created=yes")


@endpoint
def show_role(call: Call) -> Response:
    """Show a role, what it allows and who has it: GET /admin/roles/role?name=."""
    operator = require_operator(call, Permission.ROLES_READ)
    role = find_role(call, operator).value
    place = place_on(call, "role")
    user_ids: list[str] = []
    further = None
    if operator.may(Permission.USERS_READ):
        after = None if place is None else place[0]
        user_ids, further = rules.find_users(call.work, role.name, after=after, limit=AT_ONCE)
    return page(
        call,
        "admin/role.html",
        role=role,
        url=url_of(role.name),
        permissions=[(each, MEANING[each]) for each in Permission if each in role.permissions],
        found=overview.describe(call.work, user_ids),
        groups=rules.find_groups(call.work, role.name) if operator.may(Permission.GROUPS_READ) else [],
        counted=COUNTED,
        further=next_page(call, "role", None if further is None else (further,)),
        actions=available(ACTIONS, role, NEEDS, operator),
        done=done_message(call, ACTIONS),
        just_created="created" in call.query,
    )


def find_role(call: Call, operator: Operator) -> Subject[Role]:
    """Return the role named by the query, as a Subject. Raises NoSuchRole."""
    role = rules.find_role(call.work, call.query.get("name", ""))
    return Subject(role.name, url_of(role.name), role, operator)


act_on_role = action_endpoint(find_role, ACTIONS, here="roles", needs=NEEDS)


def url_of(name: str) -> str:
    """Return the URL of a role's page. The name is in the query, as it may contain any printable character."""
    return f"{PATH}/role?{urlencode({'name': name})}"


def _new(call: Call, *, errors: dict[str, str] | None = None) -> Response:
    return page(
        call,
        "admin/new_role.html",
        status_code=400 if errors else 200,
        typed={name: call.form.text(name) for name in ("name", "description")},
        errors=errors or {},
    )
