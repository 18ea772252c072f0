"""The callers of SCIM: clients that act for themselves, with the scope `scim`."""

from dataclasses import dataclass

from provider.accounts.roles.permissions import Permissions
from provider.oauth.checks import Checks
from provider.oauth.errors import InsufficientScopeError
from provider.oauth.http.bearer import require_token
from provider.oauth.scopes import SCIM
from provider.web.call import Call

PERMISSIONS: Permissions = frozenset()
"""The permissions of operators that a SCIM client has. With none, it can neither change a user who is an operator, nor
give a role that makes one (`admin.authority`).
"""


@dataclass(frozen=True)
class Directory:
    """A client that keeps users and groups here as another system has them."""

    client_id: str


def require_directory(call: Call) -> Directory:
    """Require an active access token with the scope `scim` that a client got for itself. From then on, audit events
    name the client. Raises InvalidTokenError or InsufficientScopeError.
    """
    checks = Checks("SCIM")
    live = require_token(call, checks, {SCIM})
    checks.require(
        live.grant is None,
        "The client acts for itself",
        section="RFC 7644 section 2",
        error=InsufficientScopeError,
        description="The access token must come from the client credentials grant",
        expected="an access token that a client got for itself",
        got="an access token of a user",
        fix="Request the access token with grant_type=client_credentials and scope=scim.",
        scope=SCIM,
    )
    directory = Directory(str(live.claims["client_id"]))
    call.work.origin = call.work.origin.of_operator(f"client {directory.client_id}")
    return directory
