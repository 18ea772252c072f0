"""Actions on many users: one job of the outbox for each user, so that a restart loses none (topic `bulk`)."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from provider.accounts import devices, invitation, suspension
from provider.accounts.invitation import HasPassword
from provider.accounts.roles.permissions import Permission, Permissions
from provider.accounts.users import NoSuchUser
from provider.languages.text import Text
from provider.operator_names import OperatorName
from provider.operators import authority
from provider.outbox import messages
from provider.outbox.relay import PermanentFailure, RetryPolicy
from provider.outbox.topics import Topic
from provider.refusals import Forbidden, Refusal
from provider.work import SYSTEM, Installation, UnitOfWork, unit_of_work

NO_LONGER = Text("The operator who started this no longer has permission to change users.")
RETRIES = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))


class UserOperation(Protocol):
    """A function of another package that acts on one user. Doing it twice changes nothing more. Raises NoSuchUser."""

    def __call__(self, work: UnitOfWork, *, user_id: str) -> object: ...


def suspend(work: UnitOfWork, *, user_id: str) -> None:
    """Suspend the account, for the reason that the operator gave."""
    authority.suspend(work, user_id=user_id, reason=work.origin.why or None)


def invite_again(work: UnitOfWork, *, user_id: str) -> None:
    """Email the invitation again, unless the user has set a password meanwhile."""
    with suppress(HasPassword):
        invitation.send(work, user_id=user_id)


@dataclass(frozen=True)
class Job:
    """A change to one user: the value that the operator entered, and the permissions that the operator has now."""

    user_id: str
    value: str
    permissions: Permissions


def _simply(do: UserOperation) -> Callable[[UnitOfWork, Job], object]:
    return lambda work, job: do(work, user_id=job.user_id)


def _add_role(work: UnitOfWork, job: Job) -> None:
    authority.add_role(work, job.permissions, user_id=job.user_id, role=job.value)


def _remove_role(work: UnitOfWork, job: Job) -> None:
    authority.remove_role(work, job.permissions, user_id=job.user_id, role=job.value)


ACTIONS: Mapping[str, Callable[[UnitOfWork, Job], object]] = {
    "suspend": _simply(suspend),
    "restore": _simply(suspension.restore),
    "invite-again": _simply(invite_again),
    "add-role": _add_role,
    "remove-role": _remove_role,
    "end-sessions": _simply(devices.sign_out_everywhere_by_operator),
    "delete": _simply(authority.delete),
}


def enqueue(work: UnitOfWork, *, action: str, users: Mapping[str, str], operator_id: str, value: str = "") -> None:
    """Queue the action for each user. `users` has the name that the outbox shows, by user ID, and `value` is what the
    operator entered, such as a role.

    The audit events name the operator and the reason that the origin of this transaction has.
    """
    for user_id, name in users.items():
        payload = {"action": action, "user_id": user_id, "operator": operator_id, "why": work.origin.why}
        if value:
            payload["value"] = value
        messages.enqueue(work, Topic.BULK, payload, about=f"{action.replace('-', '_')} to {name}")


def carry_out(installation: Installation, _job_id: str, payload: dict[str, Any]) -> None:
    """Do one job, if the operator who started it still has the permissions for it. A user who was deleted meanwhile
    needs nothing more. Raises PermanentFailure.
    """
    origin = SYSTEM.of_operator(OperatorName.user(payload["operator"]), why=payload["why"])
    try:
        with unit_of_work(installation, origin) as work:
            permissions = authority.find_permissions(work, payload["operator"])
            if Permission.USERS_WRITE not in permissions:
                raise Forbidden(NO_LONGER)
            authority.require_user(work, permissions, payload["user_id"])
            ACTIONS[payload["action"]](work, Job(payload["user_id"], payload.get("value", ""), permissions))
    except NoSuchUser:
        return
    except Refusal as refusal:
        raise PermanentFailure(str(refusal.message)) from refusal
