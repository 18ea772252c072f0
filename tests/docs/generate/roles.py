"""The permissions of operators, and the roles that give them."""

from provider.accounts.roles.permissions import MEANING, OPERATOR_ROLES
from tests.docs.generate.markdown import table


def permissions() -> str:
    rows = [
        (
            f"`{permission}`",
            meaning,
            *("yes" if permission in role.permissions else "" for role in OPERATOR_ROLES.values()),
        )
        for permission, meaning in MEANING.items()
    ]
    return table(("permission", "what it allows", *(f"`{name}`" for name in OPERATOR_ROLES)), rows)
