"""The client operations: list, register, show, replace, disable, enable and delete clients, and rotate their secrets.

Metadata uses the member names of RFC 7591 and OIDC Registration, and our own. The rules for valid metadata are in
`oauth.clients.metadata_rules`.
"""

from datetime import datetime
from typing import Any

from pydantic import Field, create_model, model_validator

from provider.accounts.roles.permissions import Permission
from provider.admin.api.client_members import describe
from provider.admin.filters import query_text
from provider.admin.operation import Resource, begin, by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.oauth.clients import client_search, secret_rotation
from provider.oauth.clients import clients as rules
from provider.oauth.clients.clients import Client, NoSuchClient
from provider.oauth.clients.metadata import FIELDS, ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.metadata_values import without_nothing
from provider.oauth.clients.sector_documents import DocumentUnavailable, require_vouched_for
from provider.oauth.clients.store import clients as store
from provider.operators import authority
from provider.web.call import Call

_METADATA: dict[str, Any] = {
    name: (field.type, Field(field.default, description=describe(name))) for name, field in FIELDS.items()
}
_OWN: dict[str, Any] = {
    "client_id": (str, Field(description="The client's ID.")),
    "disabled": (bool, Field(description="Whether the client is disabled.")),
    "registered_itself": (bool, Field(description="Whether it used dynamic registration, and can update itself.")),
    "expires_at": (datetime | None, Field(None, description="When the client is deleted if it is still unused.")),
    "document_expires_at": (
        datetime | None,
        Field(None, description="When the metadata document at the `client_id` is fetched again. Null: registered."),
    ),
    "created_at": (datetime, Field(description="When the client was registered.")),
}  # fmt: skip
_SECRET: Any = (
    str | None,
    Field(None, description="The client secret, shown only in this response. Absent if it has none."),
)
_BROUGHT: dict[str, Any] = {
    "client_id": (
        str | None,
        Field(None, description="An ID to import from another provider. If left out, one is generated."),
    ),
    "client_secret": (
        str | None,
        Field(None, description="A secret to import, of at least 32 characters. Else one is generated."),
    ),
    "allow_short_secret": (
        bool,
        Field(False, description="Accept a client_secret of less than 32 characters. Rotate it soon."),
    ),
}


class SentMetadata(Body):
    """Client metadata in a request. A member that is null, empty or blank is treated as left out."""

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, given: Any) -> Any:
        return without_nothing(given) if isinstance(given, dict) else given


Metadata: type[Body] = create_model(
    "Metadata", __base__=SentMetadata, __doc__="The complete metadata of a client.", **_METADATA
)
Application: type[Body] = create_model(
    "Application", __base__=Body, __doc__="A client with its metadata.", **_OWN, **_METADATA
)
NewApplication: type[Body] = create_model(
    "NewApplication", __base__=SentMetadata, __doc__="A client to register.", **_BROUGHT, **_METADATA
)
CreatedApplication: type[Body] = create_model(
    "CreatedApplication",
    __base__=Body,
    __doc__="A new client with its secret.",
    **_OWN,
    client_secret=_SECRET,
    **_METADATA,
)


class Applications(Body):
    """A page of clients."""

    clients: list[Application] = Field(description="The clients.")
    next: str | None = Field(None, description=NEXT)


class NewSecret(Body):
    """A new client secret."""

    client_id: str = Field(description="The client's ID.")
    client_secret: str = Field(
        description="The new secret, shown only in this response. The previous one works for 24 hours."
    )


def _client(call: Call) -> Client:
    """Return the client named by the path. Raises NoSuchClient."""
    client = rules.find_client(call.work, call.path_params["client_id"])
    if client is None:
        raise NoSuchClient
    return client


def _show(call: Call) -> Body:
    return _describe(_client(call))


CLIENT = Resource(lambda call: store.lock(call.work.db, _client(call).client_id), _show)


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=Applications,
    asks={
        "search": (
            "Only clients whose name, `client_id` or redirect host contains this. Those whose name starts with it come "
            "first, ordered by name. Up to two characters find only those."
        ),
        **PAGED,
    },
    problems=(InvalidBody,),
)
def list_clients(call: Call, _operator: Operator, _body: Body) -> Applications:
    """List clients. Without `search`, all are listed, ordered by client_id."""
    if "search" in call.query:
        return _search(call, query_text(call, "search") or "")
    page = query_page(call, "clients")
    after = None if page.after is None else page.after["client_id"]
    found = rules.list_clients(call.work, after=after, limit=page.limit + 1)
    more = len(found) > page.limit
    shown = found[: page.limit]
    return Applications(
        clients=[_describe(client) for client in shown],  # type: ignore[misc]  # each is an Application
        next=next_of(call, "clients", client_id=shown[-1].client_id) if more else None,
    )


def _search(call: Call, text: str) -> Applications:
    page = query_page(call, "clients/search")
    after = None if page.after is None else (page.after["key"], page.after["client_id"])
    found, further = client_search.find_page(call.work, text, after=after, limit=page.limit)
    return Applications(
        clients=[_describe(client) for client in found],  # type: ignore[misc]  # each is an Application
        next=None if further is None else next_of(call, "clients/search", key=further[0], client_id=further[1]),
    )


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    takes=NewApplication,
    gives=CreatedApplication,
    status=201,
    problems=(InvalidMetadata,),
    asks_others=True,
)
def create_client(call: Call, operator: Operator, body: Body) -> Body:
    """Register a client. Members left out get the defaults of RFC 7591 section 2. The secret is shown only in this
    response.
    """
    given = body.model_dump(exclude_unset=True)
    client_id, secret = given.pop("client_id", None), given.pop("client_secret", None)
    allow_short = given.pop("allow_short_secret", False)
    metadata = _parse(call, operator, given)
    begin(call)
    client, shown = rules.create_client(
        call.work, metadata, client_id=client_id, secret=secret, allow_short_secret=allow_short
    )
    return CreatedApplication.model_validate(_values(client) | {"client_secret": shown})


@by_operator(needs=Permission.APPLICATIONS_READ, of=CLIENT, gives=Application, problems=(NoSuchClient,))
def show_client(call: Call, _operator: Operator, _body: Body) -> Body:
    """Get a client. Its secrets are not included."""
    return _show(call)


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=CLIENT,
    takes=Metadata,
    gives=Application,
    problems=(NoSuchClient, InvalidMetadata),
    asks_others=True,
)
def replace_client(call: Call, operator: Operator, body: Body) -> Body:
    """Update a client. This replaces all of its metadata. Members left out return to their defaults."""
    metadata = _parse(call, operator, body.model_dump(exclude_unset=True))
    client = _client(call)
    begin(call)
    rules.update_client(call.work, client.client_id, metadata)
    return _show(call)


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=CLIENT, problems=(NoSuchClient,))
def delete_client(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete a client. Its consents and tokens are deleted too."""
    rules.delete_client(call.work, call.path_params["client_id"])


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=CLIENT,
    gives=NewSecret,
    shows_other=True,
    problems=(NoSuchClient, InvalidMetadata),
)
def rotate_client_secret(call: Call, _operator: Operator, _body: Body) -> Body:
    """Rotate a client secret. The previous secret works for 24 hours."""
    client = _client(call)
    return NewSecret(
        client_id=client.client_id, client_secret=secret_rotation.rotate_secret(call.work, client.client_id)
    )


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=CLIENT, problems=(NoSuchClient,))
def end_old_client_secrets(call: Call, _operator: Operator, _body: Body) -> None:
    """Revoke old client secrets. Only the newest keeps working. Use this if an old secret has leaked."""
    secret_rotation.end_retired_secrets(call.work, _client(call).client_id)


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=CLIENT, problems=(NoSuchClient,))
def disable_client(call: Call, _operator: Operator, _body: Body) -> None:
    """Disable a client. It gets no new tokens, and its existing tokens stop working."""
    rules.disable(call.work, call.path_params["client_id"])


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=CLIENT, problems=(NoSuchClient,))
def enable_client(call: Call, _operator: Operator, _body: Body) -> None:
    """Enable a client. Its tokens work again until they expire."""
    rules.enable(call.work, call.path_params["client_id"])


def _parse(call: Call, operator: Operator, given: dict[str, Any]) -> ClientMetadata:
    """Parse client metadata and check it against its sector identifier document, which is fetched. Raises
    InvalidMetadata, or MorePermissions if the operator can't register such a client.
    """
    metadata = parse_metadata(given)
    authority.require_application(operator.permissions, metadata)
    try:
        require_vouched_for(call.work, metadata)
    except DocumentUnavailable as refused:  # an operator may know what our network looks like
        raise InvalidMetadata(f"sector_identifier_uri: {refused.reason}.") from None
    return metadata


def _values(client: Client) -> dict[str, Any]:
    own = {"client_id": client.client_id, "disabled": client.disabled, "created_at": client.created_at}
    own |= {"registered_itself": client.registered_itself, "expires_at": client.expires_at}
    own |= {"document_expires_at": client.document_expires_at}
    return own | client.metadata.as_json()


def _describe(client: Client) -> Body:
    return Application.model_validate(_values(client))
