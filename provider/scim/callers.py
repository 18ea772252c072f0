"""The callers of SCIM: clients that act for themselves, with the scope `scim`.

They send an access token of the client credentials grant. Okta gets none for SCIM, so a client may also send its secret
with HTTP Basic, as at the token endpoint (RFC 7644 section 2, decision 318).
"""

from dataclasses import dataclass

from provider.accounts.roles.permissions import Permissions
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.authenticate import authenticate
from provider.oauth.errors import InsufficientScopeError
from provider.oauth.http.bearer import require_token
from provider.oauth.http.refused import require_one_authorization
from provider.oauth.http.server import server_of
from provider.oauth.scopes import SCIM, parse_scope
from provider.operator_names import OperatorName
from provider.web.call import Call

PERMISSIONS: Permissions = frozenset()
"""The permissions of operators that a SCIM client has. With none, it can neither change a user who is an operator, nor
give a role that makes one (`operators.authority`).
"""


@dataclass(frozen=True)
class Directory:
    """A client that keeps users and groups here as another system has them."""

    client_id: str


def require_directory(call: Call) -> Directory:
    """Require an active access token with the scope `scim` that a client got for itself, or the secret of a client that
    could get one. From then on, audit events name the client. Raises InvalidTokenError, InsufficientScopeError or
    InvalidClientError.
    """
    checks = Checks("SCIM")
    scheme = call.headers.get("authorization", "").partition(" ")[0]
    client_id = _of_secret(call, checks) if scheme.lower() == "basic" else _of_token(call, checks)
    call.work.origin = call.work.origin.of_operator(OperatorName.client(client_id))
    return Directory(client_id)


def _of_token(call: Call, checks: Checks) -> str:
    token = require_token(call, checks, {SCIM})
    checks.require(
        token.grant is None,
        "The client acts for itself",
        section="RFC 7644 section 2",
        error=InsufficientScopeError,
        description="The access token must come from the client credentials grant",
        expected="an access token that a client got for itself",
        got="an access token of a user",
        fix="Request the access token with grant_type=client_credentials and scope=scim.",
        scope=SCIM,
    )
    return str(token.claims["client_id"])


def _of_secret(call: Call, checks: Checks) -> str:
    """Authenticate a client by its secret. One whose access tokens are bound to a key can't use its secret here."""
    authorization = require_one_authorization(call, checks)
    client = authenticate(
        call.work,
        server_of(call),
        checks,
        authorization=authorization or "",
        form={},
        endpoint_url=call.settings.issuer + call.path,
    )
    metadata = client.metadata
    bound = metadata.dpop_bound_access_tokens or metadata.may_bind_certificate
    checks.require(
        SCIM in parse_scope(metadata.scope) and "client_credentials" in metadata.grant_types and not bound,
        "The client could get an access token with the scope scim",
        section="RFC 7644 section 2",
        error=InsufficientScopeError,
        description="The client must have the grant type client_credentials and the scope scim, and no bound tokens",
        expected="client_credentials, and scim",
        got=f"{' '.join(metadata.grant_types)}, and {metadata.scope or 'no scope'}",
        fix="Register the scope: `signet client update CLIENT_ID --scope scim`.",
        scope=SCIM,
    )
    return client.client_id
