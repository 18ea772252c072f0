"""The callers of our APIs: a user through an app (RFC 6750), a first-party app before a user is signed in, or an
operator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from provider.accounts.roles.permissions import (
    EVERYTHING,
    READING,
    Permission,
    Permissions,
    permissions_of,
    roles_with,
)
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.authenticate import authenticate
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InsufficientScopeError, UnauthorizedClientError
from provider.oauth.first_party.sign_in import use_email_pages_of
from provider.oauth.http.bearer import require_person, require_token
from provider.oauth.http.refused import require_one_authorization
from provider.oauth.http.server import server_of
from provider.oauth.scopes import ACCOUNT, ADMIN_READ, ADMIN_WRITE
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.store.people import Person
from provider.operator_names import OperatorName
from provider.sessions.assurance import acr_of, has_two_factors
from provider.web.call import Call


@dataclass(frozen=True)
class Bearer:
    """The user whose access token was sent. Operations touch only this user's data: none of them names a user."""

    grant: Grant
    person: Person
    sub: str
    """The user's `sub` for the calling app. It differs from `user_id` if the app has pairwise subjects."""

    @property
    def user_id(self) -> str:
        return self.grant.user_id


def require_bearer(call: Call) -> Bearer:
    """Require an active access token of a user with the scope `account`. Raises InvalidTokenError or
    InsufficientScopeError.
    """
    token, grant, person = require_person(call, Checks("account API"), ACCOUNT)
    return Bearer(grant, person, str(token.claims["sub"]))


def require_first_party(call: Call) -> Client:
    """Authenticate a confidential client marked `first_party`, by HTTP Basic, and return it. These operations are used
    before there is a token, so the secret keeps them from being public.
    """
    checks = Checks("account API")
    authorization = require_one_authorization(call, checks)
    client = authenticate(
        call.work,
        server_of(call),
        checks,
        authorization=authorization or "",
        form={},
        endpoint_url=call.settings.issuer + call.path,
    )
    checks.require(
        client.metadata.first_party,
        "The client is first-party",
        section="the account API",
        error=UnauthorizedClientError,
        description="This operation is only for clients with first_party",
        expected="a client with first_party set to true",
        got="first_party is false",
        fix="Ask an operator to run `signet client update CLIENT_ID --first-party`.",
    )
    use_email_pages_of(call.work, client)
    return client


@dataclass(frozen=True)
class Operator:
    """An operator: a client acting for itself, or a user with a role of operators who used a second factor."""

    client_id: str
    user_id: str | None
    permissions: Permissions
    """What the scope of the access token allows, and for a user the roles, too."""

    @property
    def name(self) -> OperatorName:
        return OperatorName.client(self.client_id) if self.user_id is None else OperatorName.user(self.user_id)


def require_operator(call: Call, *, needs: Permission) -> Operator:
    """Require an active access token from an operator with this permission. The scope `admin:read` gives those that
    only read, and `admin:write` all of them; for a user, the roles must give the permission, too.

    From then on, audit events record this operator, and emails name neither device nor place. Raises InvalidTokenError
    or InsufficientScopeError.
    """
    checks = Checks("admin API")
    token = require_token(call, checks, {_scope_for(needs), ADMIN_WRITE})
    grant, person = token.grant, token.person
    permissions = EVERYTHING if ADMIN_WRITE in token.scope else READING
    if grant is not None and person is not None:
        given, wanted = permissions_of(person.effective_roles), " or ".join(roles_with(needs))
        checks.require(
            needs in given and has_two_factors(grant.amr),
            f"The user has the role {wanted} and signed in with two factors",
            section="the admin API",
            error=InsufficientScopeError,
            description=f"The access token must belong to a user with the role {wanted} who signed in with two factors",
            expected=f"the role {wanted}, and acr aal2",
            got=f"the roles {' '.join(sorted(person.effective_roles)) or 'none'}, and acr {acr_of(grant.amr)}",
            fix=f"Sign in as a user with the role {wanted} and two-factor authentication, and send the new access "
            "token. `signet user set-role USER ROLE` gives a user a role.",
        )
        permissions &= given
    operator = Operator(str(token.claims["client_id"]), None if grant is None else grant.user_id, permissions)
    call.work.origin = call.work.origin.of_operator(operator.name)
    return operator


@dataclass(frozen=True, eq=False)
class Caller:
    """A kind of caller: how it authenticates, in the request and in the OpenAPI document."""

    scheme: str
    scopes: tuple[str, ...]
    authenticate: Callable[[Call], Any]
    codes: Mapping[int, list[str]]
    """The error codes with which authentication may fail, by status."""
    permission: Permission | None = None
    """The permission that the roles of an operator must give."""


_BEARER = {
    400: ["invalid_request"],
    401: ["invalid_token", "invalid_dpop_proof", "use_dpop_nonce"],
    403: ["insufficient_scope"],
}
PERSON = Caller("user", (ACCOUNT,), require_bearer, _BEARER)
CLIENT = Caller(
    "client", (), require_first_party, {400: ["invalid_request", "unauthorized_client"], 401: ["invalid_client"]}
)


@cache
def operator(needs: Permission) -> Caller:
    """Return the caller of an operation that needs this permission."""
    return Caller("operator", (_scope_for(needs),), partial(require_operator, needs=needs), _BEARER, needs)


def _scope_for(needs: Permission) -> str:
    return ADMIN_READ if needs.only_reads else ADMIN_WRITE
