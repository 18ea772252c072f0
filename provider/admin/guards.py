"""The guard of the console: only operators may open its pages, and each page needs a permission."""

from dataclasses import dataclass

from provider.accounts.factors.policy import required_level
from provider.accounts.roles.permissions import Permission, Permissions, permissions_of, roles_with
from provider.accounts.store import users
from provider.languages.text import Text
from provider.operator_names import OperatorName
from provider.refusals import Forbidden
from provider.sessions.assurance import AAL2, strictest
from provider.sessions.guards import require_level, require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.call_values import CallValue


@dataclass(frozen=True)
class Operator:
    """The operator who opened a page: the session, and what the roles allow."""

    session: Session
    permissions: Permissions

    @property
    def user_id(self) -> str:
        return self.session.user_id

    def may(self, permission: str) -> bool:
        """Return whether the operator has this permission. Templates name it by its value."""
        return permission in self.permissions


OPERATOR = CallValue[Operator]("admin.operator")
"""The operator of a page."""


class RoleRequired(Forbidden):
    """The user has none of the roles that a page needs."""

    code = "role-required"

    def __init__(self, needs: Permission) -> None:
        roles = roles_with(needs)
        super().__init__(
            Text("You need the role %(role)s to open this page. Ask an administrator.", role=roles[0])
            if len(roles) == 1
            else Text(
                "You need one of these roles to open this page: %(roles)s. Ask an administrator.",
                roles=", ".join(roles),
            )
        )


def require_operator(call: Call, needs: Permission) -> Operator:
    """Require a recent two-factor session of a user whose roles give this permission, and return the operator. From
    then on, audit events record this operator. Raises RoleRequired, SignInRequired, StepUpRequired.
    """
    session = require_user(call)
    user = users.find(call.work.read, session.user_id)
    permissions = permissions_of(() if user is None else user.effective_roles)
    if needs not in permissions:  # said first: more factors would not help
        raise RoleRequired(needs)
    required = strictest(AAL2, required_level(call.settings, session))
    operator = Operator(require_level(call, required), permissions)
    call.work.origin = call.work.origin.of_operator(OperatorName.user(operator.user_id))
    OPERATOR.put(call, operator)
    call.page_values["may"] = operator.may
    return operator


def operator_of(call: Call) -> Operator:
    """Return the operator that `require_operator` found."""
    return OPERATOR.of(call)
