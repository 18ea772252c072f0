"""The actions that operators take on a user's account."""

import re
from collections.abc import Callable
from typing import Protocol

from provider.accounts import devices, invitation, profile, suspension
from provider.accounts.email import email_addresses, operator_emails
from provider.accounts.factors import removal
from provider.accounts.operator_links import issue_by_operator
from provider.accounts.registration import clean_name
from provider.accounts.store import users
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import ADMIN, Status, User
from provider.accounts.users import NoSuchUser, delete_user, set_roles
from provider.admin.pages.actions import Action, Actions, Input, InvalidInput, ShownOnce, Subject, require_version_seen
from provider.admin.pages.user_addresses import ADDRESS_ACTIONS
from provider.admin.pages.user_connections import CONNECTION_ACTIONS
from provider.admin.pages.user_details import UserDetails
from provider.languages.free_text import InvalidText
from provider.languages.text import Text
from provider.mail.rendering import link_to
from provider.web.call import Call
from provider.work import UnitOfWork

_ROLE = re.compile(r"[!-~]{1,200}")


def roles_of(text: str) -> list[str] | None:
    """Split the roles typed, which are separated by spaces. Returns None if one is invalid."""
    roles = text.split()
    return roles if all(_ROLE.fullmatch(role) for role in roles) else None


class NotYourself(InvalidInput):
    """An action that operators may not take on their own account. They could lock themselves out and not undo it."""

    code = "not-yourself"

    def __init__(self) -> None:
        super().__init__("", Text("You cannot do this to your own account. Ask another operator."))


class ToPerson(Protocol):
    """A function of another package that acts on a user."""

    def __call__(self, work: UnitOfWork, *, user_id: str) -> object: ...


def _to_others(do: ToPerson) -> Callable[[Call, Subject[UserDetails]], None]:
    def carry_out(call: Call, subject: Subject[UserDetails]) -> None:
        if subject.value.user.id == subject.operator.user_id:
            raise NotYourself
        do(call.work, user_id=subject.value.user.id)

    return carry_out


def _simply(do: ToPerson) -> Callable[[Call, Subject[UserDetails]], None]:
    def carry_out(call: Call, subject: Subject[UserDetails]) -> None:
        do(call.work, user_id=subject.value.user.id)

    return carry_out


def _set_roles(call: Call, subject: Subject[UserDetails]) -> None:
    user_id, roles = subject.value.user.id, roles_of(call.form.text("roles"))
    if roles is None:
        raise InvalidInput("roles", Text("Roles are words of letters, digits and signs, with a space between them."))
    if user_id == subject.operator.user_id and ADMIN not in roles:
        raise NotYourself
    require_version_seen(call, _roles(_held(call, user_id)))
    set_roles(call.work, user_id=user_id, roles=roles)


def _set_name(call: Call, subject: Subject[UserDetails]) -> None:
    user_id, typed = subject.value.user.id, call.form.text("name")
    try:
        name = clean_name(typed)
    except InvalidText as invalid:
        raise InvalidInput("name", invalid.problem) from None
    user = _held(call, user_id)
    require_version_seen(call, _name(user))
    profile.change_name(call.work, user_id=user_id, name=name)


def _held(call: Call, user_id: str) -> User:
    """Lock the user's row and return the user as it is now. Raises NoSuchUser."""
    user = users.find(call.work.db, user_id) if users.lock(call.work.db, user_id) else None
    if user is None:
        raise NoSuchUser
    return user


def _roles(user: User) -> list[str]:
    return sorted(user.roles)


def _name(user: User) -> str:
    return str(user.claims.get("name", ""))


def _suspend(work: UnitOfWork, *, user_id: str) -> None:
    suspension.suspend(work, user_id=user_id, reason=work.origin.why or None)


def _make_link(call: Call, subject: Subject[UserDetails]) -> ShownOnce:
    user = subject.value
    purpose = Purpose.RESET if user.has_password else Purpose.INVITE
    link = issue_by_operator(call.work, user_id=user.user.id, purpose=purpose)
    return ShownOnce(
        title=Text("A link to choose a password"),
        told=Text("Hand it to this person and to nobody else. It works once, and is not shown again."),
        values={"link": link_to(call.settings, "/reset-password", token=link.token)},
    )


ACTIONS: Actions[UserDetails] = {
    **CONNECTION_ACTIONS,
    "suspend": Action(
        title=Text("Suspend the account"),
        button=Text("Suspend"),
        means=(
            Text("Every session, token and link of this person ends at once, on every node."),
            Text("Nobody can sign in until the account is restored; what ended stays ended."),
            Text("The person is told by letter that the account is suspended, and not why."),
        ),
        done=Text("The account is suspended."),
        do=_to_others(_suspend),
        danger=True,
        is_available=lambda person: person.user.status != Status.SUSPENDED,
    ),
    "restore": Action(
        title=Text("Restore the account"),
        button=Text("Restore"),
        means=(
            Text("This person can sign in again. Sessions and tokens that ended do not come back."),
            Text("They are told by letter."),
        ),
        done=Text("The account is restored."),
        do=_simply(suspension.restore),
        is_available=lambda person: person.user.status == Status.SUSPENDED,
    ),
    "verify": Action(
        title=Text("Confirm the email address"),
        button=Text("Confirm the address"),
        means=(Text("You answer for it that the address is theirs. Nobody is asked."),),
        done=Text("The email address is confirmed."),
        do=_simply(email_addresses.verify_by_operator),
        is_available=lambda person: person.address is not None and not person.is_confirmed,
    ),
    "send-verification": Action(
        title=Text("Send the letter that confirms the address"),
        button=Text("Send the letter"),
        means=(Text("A letter with a code and a link goes to the address. Earlier ones no longer work."),),
        done=Text("The letter is on its way."),
        do=_simply(operator_emails.send_verification_again),
        is_available=lambda person: (
            person.has("email-verification")
            and not person.is_confirmed
            and person.user.status in operator_emails.UNVERIFIED
        ),
    ),
    "send-invitation": Action(
        title=Text("Send the invitation again"),
        button=Text("Send the letter"),
        means=(Text("A letter with a link to choose a password goes to the address. Earlier links no longer work."),),
        done=Text("The letter is on its way."),
        do=_simply(invitation.send),
        is_available=lambda person: person.may_choose_password and not person.has_password,
    ),
    "make-link": Action(
        title=Text("Make a link to choose a password"),
        button=Text("Make the link"),
        means=(
            Text("For somebody who gets no letters: you hand the link on yourself. Whoever has it has the account."),
            Text("Earlier links of this kind no longer work."),
        ),
        done=Text("The link is made."),
        do=_make_link,
        creates=True,
        danger=True,
        is_available=lambda person: person.may_choose_password,
    ),
    "send-reset": Action(
        title=Text("Send a letter for a new password"),
        button=Text("Send the letter"),
        means=(Text("The letter goes to the account's own address. Until its link is used, nothing changes."),),
        done=Text("The letter is on its way."),
        do=_simply(operator_emails.send_reset),
        is_available=lambda person: person.may_choose_password and person.has_password,
    ),
    "reset-second-factor": Action(
        title=Text("Turn two-factor sign-in off"),
        button=Text("Turn it off"),
        means=(
            Text("For somebody who lost the device and the recovery codes. Make sure that it is really them who asks."),
            Text("Every session ends now, and so do the access of every application and every link in an email."),
            Text("The password alone signs in from now on. The user is notified by email."),
        ),
        done=Text("Two-factor sign-in is off."),
        do=_to_others(removal.reset),
        danger=True,
        is_available=lambda person: person.two_factor,
    ),
    "roles": Action(
        title=Text("Change the roles"),
        button=Text("Set the roles"),
        means=(Text("Applications see the roles at the next sign-in or refresh."),),
        done=Text("The roles are set."),
        do=_set_roles,
        inputs=(
            Input(
                "roles",
                Text("Roles"),
                Text("With a space between them. A role of one application alone: client_id:role."),
                shown=lambda person: " ".join(sorted(person.user.roles)),
            ),
        ),
        edits=lambda person: _roles(person.user),
    ),
    "name": Action(
        title=Text("Change the name"),
        button=Text("Save the name"),
        means=(Text("Applications see it at the next sign-in or refresh. The person may change it again."),),
        done=Text("The name is changed."),
        do=_set_name,
        inputs=(Input("name", Text("Full name"), shown=lambda person: _name(person.user)),),
        edits=lambda person: _name(person.user),
    ),
    **ADDRESS_ACTIONS,
    "end-sessions": Action(
        title=Text("Sign this person out everywhere"),
        button=Text("Sign out everywhere"),
        means=(
            Text("Every session ends now, and so does the access of every application, offline access included."),
            Text("Links in emails stay valid. The user can sign in again."),
        ),
        done=Text("Everything of theirs is signed out."),
        do=_simply(devices.sign_out_everywhere_by_operator),
        danger=True,
    ),
    "delete": Action(
        title=Text("Delete the account"),
        button=Text("Delete for good"),
        means=(
            Text("The account goes at once, with everything that belongs to it. It cannot be undone."),
            Text("Applications may have data of their own about this person. The audit log keeps what happened."),
        ),
        done=Text("The account is deleted."),
        do=_to_others(delete_user),
        danger=True,
        leads_to="/admin/users",
    ),
}
