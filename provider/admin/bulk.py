"""Actions on many users: one job of the outbox for each user, so that a restart loses none (topic `bulk`)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from provider.accounts import devices, suspension
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser, delete_user
from provider.admin import authority
from provider.languages.text import Text
from provider.outbox import messages
from provider.outbox.relay import PermanentFailure, RetryPolicy
from provider.refusals import Forbidden, Refusal
from provider.work import SYSTEM, Installation, UnitOfWork, unit_of_work

TOPIC = "bulk"
NO_LONGER = Text("The operator who started this no longer has permission to change users.")
RETRIES = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))


class UserOperation(Protocol):
    """A function of another package that acts on one user. Doing it twice changes nothing more. Raises NoSuchUser."""

    def __call__(self, work: UnitOfWork, *, user_id: str) -> object: ...


def suspend(work: UnitOfWork, *, user_id: str) -> None:
    """Suspend the account, for the reason that the operator gave."""
    suspension.suspend(work, user_id=user_id, reason=work.origin.why or None)


ACTIONS: Mapping[str, UserOperation] = {
    "suspend": suspend,
    "restore": suspension.restore,
    "end-sessions": devices.sign_out_everywhere_by_operator,
    "delete": delete_user,
}


def enqueue(work: UnitOfWork, *, action: str, users: Mapping[str, str], operator_id: str) -> None:
    """Queue the action for each user. `users` has the name that the outbox shows, by user ID.

    The audit events name the operator and the reason that the origin of this transaction has.
    """
    for user_id, name in users.items():
        payload = {"action": action, "user_id": user_id, "operator": operator_id, "why": work.origin.why}
        messages.enqueue(work, TOPIC, payload, about=f"{action.replace('-', '_')} to {name}")


def carry_out(installation: Installation, _message_id: str, payload: dict[str, Any]) -> None:
    """Do one job, if the operator who started it still has the permissions for it. A user who was deleted meanwhile
    needs nothing more. Raises PermanentFailure.
    """
    origin = SYSTEM.of_operator(payload["operator"], why=payload["why"])
    try:
        with unit_of_work(installation, origin) as work:
            permissions = authority.find_permissions(work, payload["operator"])
            if Permission.USERS_WRITE not in permissions:
                raise Forbidden(NO_LONGER)
            authority.require_user(work, permissions, payload["user_id"])
            ACTIONS[payload["action"]](work, user_id=payload["user_id"])
    except NoSuchUser:
        return
    except Refusal as refusal:
        raise PermanentFailure(str(refusal.message)) from refusal
