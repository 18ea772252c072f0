"""The action that edits the groups of a user."""

from provider.accounts.groups.groups import NoSuchGroup
from provider.accounts.groups.members import TooManyGroups
from provider.accounts.groups.names import InvalidGroup
from provider.admin.pages.actions import Action, Actions, Edit, Input, InvalidInput, Subject, require_version_seen
from provider.admin.pages.conflicts import Record
from provider.admin.pages.users.details import UserDetails, lock_user
from provider.audit.events import Event
from provider.languages.text import Text
from provider.operators import group_authority
from provider.operators.authority import MorePermissions
from provider.web.call import Call


def _set_groups(call: Call, subject: Subject[UserDetails]) -> None:
    user_id = subject.value.user.id
    require_version_seen(call, lock_user(call, user_id).groups)
    try:
        group_authority.set_groups(
            call.work, subject.operator.permissions, user_id=user_id, names=call.form.text("groups").split()
        )
    except (InvalidGroup, NoSuchGroup, TooManyGroups, MorePermissions) as refusal:
        raise InvalidInput("groups", refusal.message) from None


GROUP_ACTIONS: Actions[UserDetails] = {
    "groups": Action(
        title=Text("Edit groups"),
        button=Text("Save groups"),
        means=(Text("The user gets the roles of these groups. Applications receive them at the next token refresh."),),
        done=Text("Groups updated."),
        do=_set_groups,
        inputs=(
            Input(
                "groups",
                Text("Groups"),
                Text("Separate groups with spaces."),
                shown=lambda person: " ".join(person.user.groups),
            ),
        ),
        edits=Edit(
            lambda person: person.user.groups, lambda person: Record(Event.GROUPS_CHANGED, user_id=person.user.id)
        ),
    ),
}
