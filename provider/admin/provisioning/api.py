"""Provisioning: set it up for a client, show its state, send all users again, and retry what failed."""

from datetime import datetime
from typing import Any

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users import user_id_of
from provider.admin.authority import MorePermissions
from provider.admin.operation import Resource, begin, by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.admin.provisioning import rules
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.oauth.clients.clients import NoSuchClient
from provider.provisioning import connections
from provider.provisioning.connections import (
    ConnectionFailed,
    InvalidProvisioning,
    NoProvisioning,
    ProvisioningOff,
    ProvisioningSettings,
)
from provider.provisioning.store import connections as store
from provider.provisioning.store import resources
from provider.provisioning.store.resources import Provisioned
from provider.web.call import Call

_BASE_URL = "The base URL of the application's SCIM 2.0 service, such as https://app.example.com/scim/v2."
_MEMBERS_OF = "Groups whose members the application gets. Empty: all users who may sign in to it."
_PUSH_GROUPS = "Groups that the application gets, with their members."
_ON_DELETION = "What happens there to a user who is deleted here: `deactivate` or `delete`."
_WITH_ATTRIBUTES = "Whether declared attributes that programs may see are sent, as a schema extension."
_STATES = "`pending`, `current` or `failed`."


class Provisioning(Body):
    """The provisioning of a client."""

    client_id: str = Field(description="The client's `client_id`.")
    base_url: str = Field(description=_BASE_URL)
    members_of: list[str] = Field(description=_MEMBERS_OF)
    push_groups: list[str] = Field(description=_PUSH_GROUPS)
    on_deletion: str = Field(description=_ON_DELETION)
    with_attributes: bool = Field(description=_WITH_ATTRIBUTES)
    disabled: bool = Field(description="Whether an operator turned it off.")
    created_at: datetime = Field(description="When provisioning was set up.")
    updated_at: datetime = Field(description="When its settings changed last.")


class Provisionings(Body):
    """The provisioning of each client that has any."""

    provisionings: list[Provisioning] = Field(description="In order of their `client_id`.")


class ProvisioningState(Body):
    """The state of provisioning of a client."""

    client_id: str = Field(description="The client's `client_id`.")
    state: str = Field(
        description="`on`; `scanning`, while all users are compared; `paused`, while the application is unavailable; "
        "`stopped`, because it rejects the token; or `disabled` by an operator."
    )
    error: str | None = Field(None, description="Why it is paused or stopped.")
    retry_at: datetime | None = Field(None, description="When the application is tried again, if it is paused.")
    users: int = Field(description="How many users are active there.")
    deactivated: int = Field(description="How many users are deactivated there.")
    groups: int = Field(description="How many groups are there.")
    pending: int = Field(description="How many users and groups are to be sent.")
    failed: int = Field(description="How many users and groups the application rejected for the last time.")
    scanned: int = Field(description="How many users the last comparison or resync has gone through.")
    scan_started_at: datetime | None = Field(None, description="When it started.")
    scan_finished_at: datetime | None = Field(None, description="When it ended. What it found may still be pending.")


class ProvisioningStates(Body):
    """The state of provisioning of each client that has any."""

    states: list[ProvisioningState] = Field(description="In order of their `client_id`.")


class NewProvisioning(Body):
    """The settings of provisioning."""

    base_url: str = Field(min_length=1, max_length=1500, description=_BASE_URL)
    token: str | None = Field(
        None,
        min_length=1,
        max_length=connections.LONGEST_TOKEN,
        description="The bearer token of the service. Required at first, and if `base_url` changes. Never returned.",
    )
    members_of: tuple[str, ...] = Field((), description=_MEMBERS_OF)
    push_groups: tuple[str, ...] = Field((), description=_PUSH_GROUPS)
    on_deletion: str = Field("deactivate", description=_ON_DELETION)
    with_attributes: bool = Field(default=False, description=_WITH_ATTRIBUTES)


class ProvisionedResource(Body):
    """A user or a group at an application."""

    client_id: str = Field(description="The client's `client_id`.")
    kind: str = Field(description="`user` or `group`.")
    key: str = Field(description="The user's ID, or the name of the group.")
    state: str = Field(description=_STATES)
    active: bool = Field(description="Whether the user is active there, as of the last request.")
    remote_id: str | None = Field(None, description="The ID at the application. Absent: not there yet.")
    version: str | None = Field(None, description="The version (ETag) that the application returned last.")
    attempts: int = Field(description="How often the application rejected the present state.")
    error: str | None = Field(None, description="What the application answered last, if it was an error.")
    changed_at: datetime = Field(description="When it changed here last.")
    succeeded_at: datetime | None = Field(None, description="When it was sent last.")


class ProvisionedResources(Body):
    """A page of the users and groups at an application."""

    resources: list[ProvisionedResource] = Field(description="Groups first, then users by ID.")
    next: str | None = Field(None, description=NEXT)


class ProvisionedUser(Body):
    """A user at each application that has the user."""

    resources: list[ProvisionedResource] = Field(description="In order of the `client_id`.")


class Which(Body):
    """What to retry."""

    kind: str | None = Field(None, description="`user` or `group`. Absent: all that failed.")
    key: str | None = Field(None, max_length=200, description="The user's ID, or the name of the group.")


class Retried(Body):
    """The result of a retry."""

    count: int = Field(description="How many users and groups are tried again.")


class ConnectionTest(Body):
    """What the SCIM service of an application says that it supports."""

    patch: bool = Field(description="Whether it supports PATCH. Without it, whole users are sent to deactivate them.")
    filter: bool = Field(description="Whether it supports filters, by which existing users are found.")


def _client_id(call: Call) -> str:
    return rules.require_client(call.work, call.path_params["client_id"]).client_id


def _show(call: Call) -> Provisioning:
    return _described(connections.find(call.work, _client_id(call)))


PROVISIONING = Resource(lambda call: store.lock(call.work.db, _client_id(call)), _show)


@by_operator(needs=Permission.APPLICATIONS_READ, gives=Provisionings)
def list_provisionings(call: Call, _operator: Operator, _body: Body) -> Provisionings:
    """List the clients that users are provisioned to."""
    return Provisionings(provisionings=[_described(one) for one in store.find_all(call.work.read)])


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=ProvisioningStates,
    asks={"client_id": "Only the client with this `client_id`."},
    problems=(NoProvisioning,),
)
def list_states(call: Call, _operator: Operator, _body: Body) -> ProvisioningStates:
    """List the state of provisioning, with its numbers: of all clients, or of one."""
    client_id = call.query.get("client_id")
    found = store.find_all(call.work.read) if client_id is None else [connections.find(call.work, client_id)]
    described = [rules.describe(call.work, one) for one in found]
    names = ProvisioningState.model_fields
    return ProvisioningStates(states=[ProvisioningState(**{name: one[name] for name in names}) for one in described])


@by_operator(
    needs=Permission.APPLICATIONS_READ, of=PROVISIONING, gives=Provisioning, problems=(NoSuchClient, NoProvisioning)
)
def show_provisioning(call: Call, _operator: Operator, _body: Body) -> Provisioning:
    """Get the provisioning of a client. The token is not included."""
    return _show(call)


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=PROVISIONING,
    takes=NewProvisioning,
    gives=Provisioning,
    problems=(NoSuchClient, NoProvisioning, InvalidProvisioning),
)
def put_provisioning(call: Call, operator: Operator, body: NewProvisioning) -> Provisioning:
    """Set up or change the provisioning of a client. All users are then compared with what the application has. It also
    needs the permission `users:read`.
    """
    rules.require_permissions(operator.permissions)
    given = body.model_dump(exclude={"token"})
    rules.put(call.work, _client_id(call), given, token=body.token)
    return _show(call)


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=PROVISIONING, problems=(NoSuchClient, NoProvisioning))
def delete_provisioning(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete the provisioning of a client with its token. Users stay at the application as they are."""
    connections.delete(call.work, _client_id(call))


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=PROVISIONING, problems=(NoSuchClient, NoProvisioning))
def disable_provisioning(call: Call, _operator: Operator, _body: Body) -> None:
    """Turn provisioning off. Nothing is sent until you turn it on."""
    connections.disable(call.work, _client_id(call))


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=PROVISIONING, problems=(NoSuchClient, NoProvisioning))
def enable_provisioning(call: Call, operator: Operator, _body: Body) -> None:
    """Turn provisioning on. What changed meanwhile is sent. It also needs the permission `users:read`."""
    rules.require_permissions(operator.permissions)
    connections.enable(call.work, _client_id(call))


@by_operator(
    needs=Permission.APPLICATIONS_WRITE, of=PROVISIONING, problems=(NoSuchClient, NoProvisioning, ProvisioningOff)
)
def resync_provisioning(call: Call, _operator: Operator, _body: Body) -> None:
    """Send all users and groups to the application again, for example after it lost data."""
    connections.resync(call.work, _client_id(call))


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=PROVISIONING,
    takes=Which,
    gives=Retried,
    problems=(NoSuchClient, NoProvisioning, ProvisioningOff),
)
def retry_provisioning(call: Call, _operator: Operator, body: Which) -> Retried:
    """Retry now what the application rejected. If provisioning is stopped or paused, it continues."""
    kind, key = (body.kind, body.key) if body.kind and body.key else (None, None)
    return Retried(count=connections.retry(call.work, _client_id(call), kind=kind, key=key))


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    gives=ConnectionTest,
    problems=(NoSuchClient, NoProvisioning, ConnectionFailed),
    asks_others=True,
)
def check_connection(call: Call, _operator: Operator, _body: Body) -> ConnectionTest:
    """Test the connection to the application's SCIM service. Nothing is changed."""
    supported = connections.check(call.work, _client_id(call))
    begin(call)
    return ConnectionTest(patch=supported.patch, filter=supported.filter)


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=ProvisionedResources,
    asks={
        "client_id": "The `client_id` of the client.",
        "state": f"Only those in this state: {_STATES} Or `failing`: with an error.",
        **PAGED,
    },
    problems=(NoSuchClient, NoProvisioning, InvalidBody),
)
def list_provisioned(call: Call, _operator: Operator, _body: Body) -> ProvisionedResources:
    """List the users and groups of a client with their state at the application."""
    client_id, state = call.query.get("client_id", ""), call.query.get("state") or None
    rules.require_client(call.work, client_id)
    connections.find(call.work, client_id)
    listed = f"provisioned/{client_id}/{state}"
    page = query_page(call, listed)
    after = None if page.after is None else (page.after["kind"], page.after["key"])
    found = resources.find_page(call.work.read, client_id, state=state, after=after, limit=page.limit + 1)
    shown, last = found[: page.limit], found[page.limit - 1] if len(found) > page.limit else None
    return ProvisionedResources(
        resources=[_described_resource(one) for one in shown],
        next=None if last is None else next_of(call, listed, kind=last.kind, key=last.key),
    )


@by_operator(needs=Permission.USERS_READ, gives=ProvisionedUser, problems=(NoSuchUser, MorePermissions))
def show_provisioned_user(call: Call, _operator: Operator, _body: Body) -> ProvisionedUser:
    """Get the state of a user at each application that users are provisioned to."""
    found = resources.find_of_user(call.work.read, user_id_of(call))
    return ProvisionedUser(resources=[_described_resource(one) for one in found])


def _described(one: store.Provisioning) -> Provisioning:
    values = ProvisioningSettings.of(one).as_json()
    own: dict[str, Any] = {"client_id": one.client_id, "disabled": one.disabled_at is not None}
    return Provisioning(**own, **values, created_at=one.created_at, updated_at=one.updated_at)


def _described_resource(one: Provisioned) -> ProvisionedResource:
    values: dict[str, Any] = {name: getattr(one, name) for name in ProvisionedResource.model_fields}
    return ProvisionedResource(**values)
