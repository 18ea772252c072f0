"""The actions that operators take on a user's account."""

import re
from collections.abc import Callable

from provider.accounts import devices, invitation, profile, suspension
from provider.accounts.email import email_addresses, operator_emails
from provider.accounts.factors import removal
from provider.accounts.operator_links import issue_by_operator
from provider.accounts.registration import clean_name
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import ADMIN, Status, User
from provider.admin.pages.actions import (
    Action,
    Actions,
    Edit,
    Input,
    InvalidInput,
    ShownOnce,
    Subject,
    require_version_seen,
)
from provider.admin.pages.conflicts import Record
from provider.admin.pages.users.addresses import ADDRESS_ACTIONS
from provider.admin.pages.users.connections import CONNECTION_ACTIONS
from provider.admin.pages.users.details import UserDetails, lock_user
from provider.admin.pages.users.groups import GROUP_ACTIONS
from provider.admin.pages.users.profile import PROFILE_ACTIONS
from provider.audit.events import Event
from provider.languages.free_text import InvalidText
from provider.languages.text import Text
from provider.mail.rendering import link_to
from provider.operators import authority
from provider.operators.bulk import actions as bulk
from provider.operators.bulk.actions import UserOperation
from provider.web.call import Call

_ROLE = re.compile(r"[!-~]{1,200}")


INVALID_ROLES = Text(
    "A role can contain ASCII letters, digits and punctuation, up to 200 characters. Separate roles with spaces."
)


def roles_of(text: str) -> list[str] | None:
    """Split the roles typed, which are separated by spaces. Returns None if one is invalid."""
    roles = text.split()
    return roles if all(_ROLE.fullmatch(role) for role in roles) else None


NOT_ON_YOURSELF = ("suspend", "delete", "reset-second-factor")
"""The actions that operators can't take on their own account."""


class NotYourself(InvalidInput):
    """An action that operators may not take on their own account. They could lock themselves out and not undo it."""

    code = "not-yourself"

    def __init__(self) -> None:
        super().__init__("", Text("You can't do this to your own account. Ask another operator."))


def _for_other_users(do: UserOperation) -> Callable[[Call, Subject[UserDetails]], None]:
    def carry_out(call: Call, subject: Subject[UserDetails]) -> None:
        if subject.value.user.id == subject.operator.user_id:
            raise NotYourself
        do(call.work, user_id=subject.value.user.id)

    return carry_out


def _simply(do: UserOperation) -> Callable[[Call, Subject[UserDetails]], None]:
    def carry_out(call: Call, subject: Subject[UserDetails]) -> None:
        do(call.work, user_id=subject.value.user.id)

    return carry_out


def _set_roles(call: Call, subject: Subject[UserDetails]) -> None:
    user_id, roles = subject.value.user.id, roles_of(call.form.text("roles"))
    if roles is None:
        raise InvalidInput("roles", INVALID_ROLES)
    if user_id == subject.operator.user_id and ADMIN not in roles:
        raise NotYourself
    require_version_seen(call, _roles(lock_user(call, user_id)))
    if problem := authority.problem_with_roles(subject.operator.permissions, roles):
        raise InvalidInput("roles", problem)
    authority.set_roles(call.work, subject.operator.permissions, user_id=user_id, roles=roles)


def _set_name(call: Call, subject: Subject[UserDetails]) -> None:
    user_id, typed = subject.value.user.id, call.form.text("name")
    try:
        name = clean_name(typed)
    except InvalidText as invalid:
        raise InvalidInput("name", invalid.problem) from None
    user = lock_user(call, user_id)
    require_version_seen(call, _name(user))
    profile.change_name(call.work, user_id=user_id, name=name)


def _roles(user: User) -> list[str]:
    return sorted(user.roles)


def _name(user: User) -> str:
    return str(user.claims.get("name", ""))


def _make_link(call: Call, subject: Subject[UserDetails]) -> ShownOnce:
    user = subject.value
    purpose = Purpose.RESET if user.has_password else Purpose.INVITE
    link = issue_by_operator(call.work, user_id=user.user.id, purpose=purpose)
    return ShownOnce(
        title=Text("Password link"),
        told=Text(
            "Anyone with this link can take over the account, so share it securely with this user only. It works once. "
            "You can't see it again."
        ),
        values={"link": link_to(call.settings, "/reset-password", token=link.token)},
    )


ACTIONS: Actions[UserDetails] = {
    **CONNECTION_ACTIONS,
    "suspend": Action(
        title=Text("Suspend account"),
        button=Text("Suspend"),
        means=(
            Text("All of the user's sessions, tokens and links end immediately."),
            Text("The user can't sign in until you restore the account. Ended sessions and tokens don't come back."),
            Text("The user is emailed that the account is suspended. The email doesn't include the reason."),
        ),
        done=Text("Account suspended."),
        do=_for_other_users(bulk.suspend),
        danger=True,
        is_available=lambda person: person.user.status != Status.SUSPENDED,
    ),
    "restore": Action(
        title=Text("Restore account"),
        button=Text("Restore"),
        means=(
            Text("The user can sign in again. Ended sessions and tokens don't come back."),
            Text("The user is notified by email."),
        ),
        done=Text("Account restored."),
        do=_simply(suspension.restore),
        is_available=lambda person: person.user.status == Status.SUSPENDED,
    ),
    "verify": Action(
        title=Text("Mark email as verified"),
        button=Text("Mark as verified"),
        means=(
            Text("The address is treated as verified. The user isn't asked to confirm it, so make sure it is theirs."),
        ),
        done=Text("Email address marked as verified."),
        do=_simply(email_addresses.verify_by_operator),
        is_available=lambda person: person.address is not None and not person.is_confirmed,
    ),
    "send-verification": Action(
        title=Text("Resend verification email"),
        button=Text("Send email"),
        means=(Text("The user is emailed a new code and link. Earlier codes and links stop working."),),
        done=Text("Email queued for delivery."),
        do=_simply(operator_emails.send_verification_again),
        is_available=lambda person: (
            person.has("email-verification")
            and not person.is_confirmed
            and person.user.status in operator_emails.UNVERIFIED
        ),
    ),
    "send-invitation": Action(
        title=Text("Resend invitation"),
        button=Text("Send email"),
        means=(Text("The user is emailed a new link to set a password. Earlier links stop working."),),
        done=Text("Email queued for delivery."),
        do=_simply(invitation.send),
        is_available=lambda person: person.may_choose_password and not person.has_password,
    ),
    "make-link": Action(
        title=Text("Create password link"),
        button=Text("Create link"),
        means=(
            Text(
                "Use this if the user can't receive email. You share the link yourself. Anyone with this link can take "
                "over the account."
            ),
            Text("Earlier password links stop working."),
        ),
        done=Text("Link created."),
        do=_make_link,
        creates=True,
        danger=True,
        is_available=lambda person: person.may_choose_password,
    ),
    "send-reset": Action(
        title=Text("Send password reset email"),
        button=Text("Send email"),
        means=(Text("The user is emailed a link to reset their password. Nothing changes until they use it."),),
        done=Text("Email queued for delivery."),
        do=_simply(operator_emails.send_reset),
        is_available=lambda person: person.may_choose_password and person.has_password,
    ),
    "reset-second-factor": Action(
        title=Text("Turn off two-factor authentication"),
        button=Text("Turn off"),
        means=(
            Text("Use this if the user lost their device and recovery codes. Verify their identity first."),
            Text("All sessions, application access and emailed links end now."),
            Text("The user then signs in with a password only, and is notified by email."),
        ),
        done=Text("Two-factor authentication turned off."),
        do=_for_other_users(removal.reset),
        danger=True,
        is_available=lambda person: person.two_factor,
    ),
    **GROUP_ACTIONS,
    "roles": Action(
        title=Text("Edit roles"),
        button=Text("Save roles"),
        means=(Text("Applications receive the new roles at the next sign-in or token refresh."),),
        done=Text("Roles updated."),
        do=_set_roles,
        inputs=(
            Input(
                "roles",
                Text("Roles"),
                Text("Separate roles with spaces. For a role in one app, use client_id:role."),
                shown=lambda person: " ".join(sorted(person.user.roles)),
            ),
        ),
        edits=Edit(
            lambda person: _roles(person.user), lambda person: Record(Event.ROLES_CHANGED, user_id=person.user.id)
        ),
    ),
    "name": Action(
        title=Text("Edit name"),
        button=Text("Save name"),
        means=(
            Text(
                "Applications receive the new name at the next sign-in or token refresh. The user can change it again."
            ),
        ),
        done=Text("Name updated."),
        do=_set_name,
        inputs=(Input("name", Text("Full name"), shown=lambda person: _name(person.user)),),
        edits=Edit(
            lambda person: _name(person.user),
            lambda person: Record(Event.PROFILE_CHANGED, user_id=person.user.id, members=("name",)),
        ),
    ),
    **PROFILE_ACTIONS,
    **ADDRESS_ACTIONS,
    "end-sessions": Action(
        title=Text("Sign out everywhere"),
        button=Text("Sign out everywhere"),
        means=(
            Text("All sessions and application access end now, including offline access."),
            Text("Links in emails stay valid. The user can sign in again."),
        ),
        done=Text("User signed out everywhere."),
        do=_simply(devices.sign_out_everywhere_by_operator),
        danger=True,
    ),
    "delete": Action(
        title=Text("Delete account"),
        button=Text("Delete permanently"),
        means=(
            Text("The account and all its data are deleted immediately. This can't be undone."),
            Text("Applications may keep their own data about this user. Audit events are kept."),
        ),
        done=Text("Account deleted."),
        do=_for_other_users(authority.delete),
        danger=True,
        leads_to="/admin/users",
    ),
}
