"""The groups in the console: list, create, and a page for each with its roles, owners, groups and members."""

from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts import overview
from provider.accounts.groups import groups as rules
from provider.accounts.groups import members
from provider.accounts.groups.groups import (
    Group,
    GroupExists,
    GroupSettings,
    InvalidGroupSettings,
    NestedTooDeep,
    NoSuchGroup,
)
from provider.accounts.groups.names import InvalidGroup, is_group_name
from provider.accounts.roles.names import InvalidRole
from provider.accounts.roles.permissions import Permission
from provider.accounts.store import email_addresses
from provider.accounts.store.roles import COUNTED
from provider.accounts.users import AmbiguousAddress, NoSuchUser, get_user
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
from provider.database.base import parse_id
from provider.languages.free_text import InvalidText
from provider.languages.text import Text
from provider.operators import group_authority
from provider.operators.authority import MorePermissions
from provider.refusals import Refusal
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page
from provider.work import UnitOfWork

PATH = "/admin/groups"
NEEDS = Permission.GROUPS_WRITE
FIELDS = ("display_name", "description", "roles", "groups", "owners")


def _typed_settings(call: Call) -> GroupSettings:
    """Return the settings in the form. Raises InvalidInput."""
    text = {name: call.form.text(name) for name in FIELDS}
    return GroupSettings(
        display_name=text["display_name"],
        description=text["description"],
        roles=tuple(text["roles"].split()),
        groups=tuple(text["groups"].split()),
        owners=tuple(_user_id(call.work, typed, field="owners") for typed in text["owners"].split()),
    )


def _user_id(work: UnitOfWork, typed: str, *, field: str) -> str:
    """Return the ID of the user with this ID or email address. Raises InvalidInput."""
    try:
        return get_user(work, typed[:254].replace("\x00", "")).id
    except NoSuchUser:
        problem = Text("There is no user %(user)s. Enter an email address or a user ID.", user=typed[:254])
    except AmbiguousAddress:
        problem = Text("Several accounts have this address, and none is verified. Enter a user ID.")
    raise InvalidInput(field, problem)


def _require_new(work: UnitOfWork, name: str) -> None:
    if rules.exists(work, name):
        raise InvalidInput("name", GroupExists.message)


def _put(call: Call, operator: Operator, name: str, settings: GroupSettings) -> None:
    """Create or change a group. Raises InvalidInput for the field that is wrong."""
    try:
        group_authority.put_group(call.work, operator.permissions, name, settings)
    except InvalidRole as refusal:
        raise InvalidInput("roles", refusal.message) from None
    except MorePermissions as refusal:
        raise InvalidInput("roles", refusal.message) from None
    except (NoSuchGroup, NestedTooDeep) as refusal:
        raise InvalidInput("groups", refusal.message) from None
    except InvalidGroup as refusal:
        raise InvalidInput("groups" if is_group_name(name) else "name", refusal.message) from None
    except InvalidGroupSettings as refusal:
        raise InvalidInput(refusal.member, refusal.message) from None
    except InvalidText as invalid:
        raise InvalidInput("description", invalid.problem) from None


def _edit(call: Call, subject: Subject[Group]) -> None:
    name = subject.value.name
    rules.lock_group(call.work, name)
    require_version_seen(call, _version(rules.find_group(call.work, name)))
    _put(call, subject.operator, name, _typed_settings(call))


def _version(group: Group) -> object:
    return [getattr(group.settings, name) for name in FIELDS]


def _add_member(call: Call, subject: Subject[Group]) -> None:
    user_id = _user_id(call.work, call.form.text("user").strip(), field="user")
    try:
        group_authority.add_member(call.work, subject.operator.permissions, subject.value.name, user_id=user_id)
    except MorePermissions as refusal:
        raise InvalidInput("user", refusal.message) from None


def _remove_member(call: Call, subject: Subject[Group]) -> None:
    user_id = parse_id(call.query.text("user"))
    if user_id is None:
        raise NoSuchUser
    group_authority.remove_member(call.work, subject.operator.permissions, subject.value.name, user_id=user_id)


def _member_name(call: Call, _group: Group) -> str | None:
    user_id = parse_id(call.query.text("user"))
    return None if user_id is None else next(iter(_names(call.work, [user_id])), None)


def _names(work: UnitOfWork, user_ids: list[str]) -> list[str]:
    """Return the email addresses of these users, or the ID of one without."""
    holders = email_addresses.find_holders(work.read, user_ids)
    found = [holders[user_id] for user_id in user_ids if user_id in holders]
    return [user.id if address is None else address.address for user, address in found]


def _delete(call: Call, subject: Subject[Group]) -> None:
    group_authority.delete_group(call.work, subject.operator.permissions, subject.value.name)


ROLES_HINT = Text("Members have these roles. Separate them with spaces.")
GROUPS_HINT = Text("Members of these groups are in this group, too. Separate them with spaces.")
OWNERS_HINT = Text("Who answers for the group: email addresses or user IDs, separated by spaces.")
ACTIONS: Actions[Group] = {
    "edit": Action(
        title=Text("Edit group"),
        button=Text("Save group"),
        means=(
            Text("Roles apply to all members. Applications receive them at the next sign-in or token refresh."),
            Text("The name of a group can't be changed, because applications know it."),
        ),
        done=Text("Group updated."),
        do=_edit,
        inputs=(
            Input("display_name", Text("Display name"), shown=lambda group: group.settings.display_name),
            Input("description", Text("Description"), shown=lambda group: group.settings.description),
            Input("roles", Text("Roles"), ROLES_HINT, shown=lambda group: " ".join(group.settings.roles)),
            Input(
                "groups", Text("Groups it contains"), GROUPS_HINT, shown=lambda group: " ".join(group.settings.groups)
            ),
            Input("owners", Text("Owners"), OWNERS_HINT, shown=lambda group: " ".join(group.settings.owners)),
        ),
        edits=Edit(_version, lambda group: Record(Event.GROUP_UPDATED, detail=("group", group.name))),
    ),
    "add-member": Action(
        title=Text("Add member"),
        button=Text("Add member"),
        means=(Text("The user gets the roles of the group, and of the groups that contain it."),),
        done=Text("Member added."),
        do=_add_member,
        inputs=(Input("user", Text("User"), Text("The user's email address or ID.")),),
    ),
    "remove-member": Action(
        title=Text("Remove member"),
        button=Text("Remove member"),
        means=(Text("The user loses the roles that they have only through this group."),),
        done=Text("Member removed."),
        do=_remove_member,
        part=_member_name,
    ),
    "delete": Action(
        title=Text("Delete group"),
        button=Text("Delete group"),
        means=(
            Text("Members lose the roles that they have only through this group. This can't be undone."),
            Text("Applications that only allow this group stop letting its members sign in."),
        ),
        done=Text("Group deleted."),
        do=_delete,
        danger=True,
        leads_to=PATH,
    ),
}


@endpoint
def list_groups(call: Call) -> Response:
    """List the groups: GET /admin/groups."""
    require_operator(call, Permission.GROUPS_READ)
    place = place_on(call, "groups")
    found, further = rules.find_page(call.work, after=None if place is None else place[0], limit=AT_ONCE)
    return page(
        call,
        "admin/groups.html",
        groups=found,
        counted=COUNTED,
        further=next_page(call, "groups", None if further is None else (further,)),
        done=done_message(call, ACTIONS),
    )


@endpoint
def show_new_group(call: Call) -> Response:
    require_operator(call, NEEDS)
    return _new(call)


@endpoint
def create_group(call: Call) -> Response:
    """Create a group: POST /admin/groups/new."""
    operator, name = require_operator(call, NEEDS), call.form.text("name").strip()
    try:
        _require_new(call.work, name)
        _put(call, operator, name, _typed_settings(call))
    except InvalidInput as invalid:
        return _new(call, errors={invalid.name: invalid.message})
    except Refusal as refusal:
        return _new(call, errors={"": refusal.message})
    return go(f"{url_of(name)}&created=yes")


@endpoint
def show_group(call: Call) -> Response:
    """Show a group and its members: GET /admin/groups/group?name=."""
    operator = require_operator(call, Permission.GROUPS_READ)
    group = find_group(call, operator).value
    place = place_on(call, "group")
    after = None if place is None else place[0]
    user_ids, further = members.find_members(call.work, group.name, after=after, limit=AT_ONCE)
    return page(
        call,
        "admin/group.html",
        group=group,
        url=url_of(group.name),
        owners=overview.describe(call.work, group.settings.owners),
        found=overview.describe(call.work, user_ids),
        counted=COUNTED,
        further=next_page(call, "group", None if further is None else (further,)),
        actions=available(ACTIONS, group, NEEDS, operator),
        done=done_message(call, ACTIONS),
        just_created="created" in call.query,
    )


def find_group(call: Call, operator: Operator) -> Subject[Group]:
    """Return the group named by the query, as a Subject. Raises NoSuchGroup."""
    group = rules.find_group(call.work, call.query.get("name", ""))
    return Subject(group.name, url_of(group.name), group, operator)


act_on_group = action_endpoint(find_group, ACTIONS, here="groups", needs=NEEDS)


def url_of(name: str) -> str:
    """Return the URL of a group's page. The name is in the query, as it may contain almost any printable character."""
    return f"{PATH}/group?{urlencode({'name': name})}"


def _new(call: Call, *, errors: dict[str, str] | None = None) -> Response:
    return page(
        call,
        "admin/new_group.html",
        status_code=400 if errors else 200,
        typed={name: call.form.text(name) for name in ("name", *FIELDS)},
        hints={"roles": ROLES_HINT, "groups": GROUPS_HINT, "owners": OWNERS_HINT},
        errors=errors or {},
    )
