"""The trusted issuers, whose tokens authenticate clients or stand for users (docs/guides/workloads.md)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.api.validation import VISIBLE
from provider.database.base import parse_id
from provider.jose.algorithms import SIGNATURES
from provider.oauth.trusted_issuers import issuers, store
from provider.oauth.trusted_issuers.issuers import InvalidIssuer, IssuerSettings, NoSuchIssuer
from provider.oauth.trusted_issuers.store import TrustedIssuer as Row
from provider.web.call import Call

Url = Annotated[str, Field(min_length=1, max_length=2000, pattern=VISIBLE)]
NEEDS = Permission.APPLICATIONS_TRUST


class ChangedIssuer(Body):
    """The settings of a trusted issuer. Without `jwks_uri` and `jwks`, its keys are found by discovery."""

    jwks_uri: Url | None = Field(None, description="The URL of its JSON Web Key Set.")
    jwks: dict[str, Any] | None = Field(None, description="Its public keys as a JSON Web Key Set.")
    algorithms: tuple[str, ...] = Field(SIGNATURES, description="The algorithms that it may sign with.")
    user_mapping: str = Field(
        issuers.NONE,
        description="How its subjects are users: `none`, `linked` (users who linked the issuer) or `sub` (the subject "
        "is the user ID).",
    )


class NewIssuer(ChangedIssuer):
    """An issuer to trust."""

    issuer: Annotated[str, Field(min_length=1, max_length=255, pattern=VISIBLE)] = Field(
        description="Its URL, exactly as its tokens have it in `iss`, or a SPIFFE trust domain."
    )


class TrustedIssuer(NewIssuer):
    """A trusted issuer: a server whose tokens authenticate clients or stand for users."""

    id: str = Field(description="The ID of the trusted issuer.")
    disabled: bool = Field(description="Whether its tokens are rejected.")
    created_at: datetime = Field(description="When the issuer was added.")


class TrustedIssuers(Body):
    """The trusted issuers."""

    trusted_issuers: list[TrustedIssuer] = Field(description="The trusted issuers, sorted by URL.")


def _issuer(call: Call) -> Row:
    """Return the issuer named by the path. Raises NoSuchIssuer."""
    issuer_id = parse_id(call.path_params["issuer_id"])
    if issuer_id is None:
        raise NoSuchIssuer
    return issuers.find(call.work, issuer_id)


ISSUER = Resource(lambda call: store.lock(call.work.db, _issuer(call).id), lambda call: _body(_issuer(call)))


@by_operator(needs=Permission.APPLICATIONS_READ, gives=TrustedIssuers)
def list_trusted_issuers(call: Call, _operator: Operator, _body_given: Body) -> TrustedIssuers:
    """List trusted issuers. They are sorted by URL."""
    return TrustedIssuers(trusted_issuers=[_body(row) for row in store.find_all(call.work.read)])


@by_operator(needs=NEEDS, takes=NewIssuer, gives=TrustedIssuer, status=201, problems=(InvalidIssuer,))
def create_trusted_issuer(call: Call, _operator: Operator, body: NewIssuer) -> TrustedIssuer:
    """Create a trusted issuer. Then name it in the clients that its tokens authenticate."""
    return _body(issuers.create(call.work, body.issuer, _settings(body)))


@by_operator(needs=Permission.APPLICATIONS_READ, of=ISSUER, gives=TrustedIssuer, problems=(NoSuchIssuer,))
def show_trusted_issuer(call: Call, _operator: Operator, _body_given: Body) -> TrustedIssuer:
    """Get a trusted issuer."""
    return _body(_issuer(call))


@by_operator(needs=NEEDS, of=ISSUER, takes=ChangedIssuer, gives=TrustedIssuer, problems=(NoSuchIssuer, InvalidIssuer))
def replace_trusted_issuer(call: Call, _operator: Operator, body: ChangedIssuer) -> TrustedIssuer:
    """Replace the settings of a trusted issuer. Members that you leave out get their defaults."""
    return _body(issuers.update(call.work, _issuer(call).id, _settings(body)))


@by_operator(needs=NEEDS, of=ISSUER, problems=(NoSuchIssuer,))
def delete_trusted_issuer(call: Call, _operator: Operator, _body_given: Body) -> None:
    """Delete a trusted issuer. Clients that it authenticates can no longer authenticate, and what was issued for its
    tokens ends.
    """
    issuers.delete(call.work, _issuer(call).id)


@by_operator(needs=NEEDS, of=ISSUER, problems=(NoSuchIssuer,))
def disable_trusted_issuer(call: Call, _operator: Operator, _body_given: Body) -> None:
    """Disable a trusted issuer. Its tokens are rejected until you enable it, and what was issued for them ends."""
    issuers.disable(call.work, _issuer(call).id)


@by_operator(needs=NEEDS, of=ISSUER, problems=(NoSuchIssuer,))
def enable_trusted_issuer(call: Call, _operator: Operator, _body_given: Body) -> None:
    """Enable a trusted issuer. Its tokens are accepted again. What ended when you disabled it stays ended."""
    issuers.enable(call.work, _issuer(call).id)


def _settings(body: ChangedIssuer) -> IssuerSettings:
    return IssuerSettings(body.jwks_uri, body.jwks, body.algorithms, body.user_mapping)


def _body(row: Row) -> TrustedIssuer:
    return TrustedIssuer(
        id=row.id,
        issuer=row.issuer,
        jwks_uri=row.jwks_uri,
        jwks=row.jwks,
        algorithms=tuple(row.algorithms),
        user_mapping=row.user_mapping,
        disabled=row.disabled_at is not None,
        created_at=row.created_at,
    )
