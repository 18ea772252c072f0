"""Who calls the account API: a person through an app (RFC 6750), or a first-party app before anybody signed in."""

from dataclasses import dataclass

from provider.oauth.bearer import require_person
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.authenticate import authenticate
from provider.oauth.clients import Client
from provider.oauth.errors import InvalidRequestError, UnauthorizedClientError
from provider.oauth.scopes import ACCOUNT
from provider.oauth.store.grants import Grant, Person
from provider.web.endpoint import Call


@dataclass(frozen=True)
class Bearer:
    """The person who bears the token. Everything an operation touches is theirs: no operation names a user."""

    grant: Grant
    person: Person
    sub: str
    """Who they are to the app that calls: not the `user_id`, for an app with pairwise subjects."""

    @property
    def user_id(self) -> str:
        return self.grant.user_id


def require_bearer(call: Call) -> Bearer:
    """A live access token of a person, with the scope `account`. Raises InvalidTokenError or InsufficientScopeError."""
    live, grant, person = require_person(call, Checks("account API"), ACCOUNT)
    return Bearer(grant, person, str(live.claims["sub"]))


def require_first_party(call: Call) -> Client:
    """A confidential client that an operator marked `first_party`, by HTTP Basic: before there is a token, the secret
    keeps these operations from being open to anybody.
    """
    checks = Checks("account API")
    headers = call.headers.getlist("authorization")
    checks.require(
        len(headers) <= 1,
        "There is one Authorization header at most",
        section="RFC 6749 section 2.3",
        error=InvalidRequestError,
        description="More than one way of client authentication",
        got=f"{len(headers)} headers",
    )
    client = authenticate(
        call.work,
        call.seams.oauth,
        checks,
        authorization=headers[0] if headers else "",
        form={},
        endpoint_url=call.settings.issuer + call.path,
    )
    checks.require(
        client.metadata.first_party,
        "The client is first-party",
        section="the account API",
        error=UnauthorizedClientError,
        description="The client is not first-party",
        expected="first_party",
        got="a client of somebody else",
        fix="An operator may mark it: signet client update CLIENT_ID --first-party",
    )
    return client
