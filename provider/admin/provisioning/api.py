"""Provisioning: set it up for a client, show its state, send all users again, and retry what failed."""

from typing import Any

from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.operation import Resource, begin, by_operator
from provider.admin.paging import PAGED, next_of, query_page
from provider.admin.provisioning.bodies import (
    STATES,
    ConnectionTest,
    NewProvisioning,
    ProvisionedResource,
    ProvisionedResources,
    ProvisionedUser,
    Provisioning,
    Provisionings,
    ProvisioningState,
    ProvisioningStates,
    Retried,
    Which,
)
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.oauth.clients.clients import NoSuchClient
from provider.operators import provisioning as rules
from provider.operators.authority import MorePermissions
from provider.provisioning import connections
from provider.provisioning.connections import ConnectionFailed, NoProvisioning, ProvisioningOff
from provider.provisioning.settings import InvalidProvisioning, ProvisioningSettings
from provider.provisioning.store import connections as store
from provider.provisioning.store import resources
from provider.provisioning.store.resources import Provisioned
from provider.web.call import Call


def _client_id(call: Call) -> str:
    return rules.require_client(call.work, call.path_params["client_id"]).client_id


def _show(call: Call) -> Provisioning:
    return _described(connections.find(call.work, _client_id(call)))


PROVISIONING = Resource(lambda call: store.lock(call.work.db, _client_id(call)), _show)


@by_operator(needs=Permission.APPLICATIONS_READ, gives=Provisionings)
def list_provisionings(call: Call, _operator: Operator, _body: Body) -> Provisionings:
    """List the provisioning of clients."""
    return Provisionings(provisionings=[_described(one) for one in store.find_all(call.work.read)])


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=ProvisioningStates,
    asks={"client_id": "Only the client with this `client_id`."},
    problems=(NoProvisioning,),
)
def list_states(call: Call, _operator: Operator, _body: Body) -> ProvisioningStates:
    """List the states of provisioning. They have the numbers, of all clients or of one."""
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
    """Change the provisioning of a client. It is set up if there is none. All users are then compared with what the
    application has. It also needs the permission `users:read`.
    """
    rules.require_permissions(operator.permissions)
    given = body.model_dump(exclude={"token"})
    rules.put(call.work, _client_id(call), given, token=body.token)
    return _show(call)


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=PROVISIONING, problems=(NoSuchClient, NoProvisioning))
def delete_provisioning(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete the provisioning of a client. Its token is deleted, and users stay at the application as they are."""
    connections.delete(call.work, _client_id(call))


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=PROVISIONING, problems=(NoSuchClient, NoProvisioning))
def disable_provisioning(call: Call, _operator: Operator, _body: Body) -> None:
    """Disable the provisioning of a client. Nothing is sent until you enable it."""
    connections.disable(call.work, _client_id(call))


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=PROVISIONING, problems=(NoSuchClient, NoProvisioning))
def enable_provisioning(call: Call, operator: Operator, _body: Body) -> None:
    """Enable the provisioning of a client. What changed meanwhile is sent. It also needs the permission
    `users:read`.
    """
    rules.require_permissions(operator.permissions)
    connections.enable(call.work, _client_id(call))


@by_operator(
    needs=Permission.APPLICATIONS_WRITE, of=PROVISIONING, problems=(NoSuchClient, NoProvisioning, ProvisioningOff)
)
def resync_provisioning(call: Call, _operator: Operator, _body: Body) -> None:
    """Start a resync of provisioning. All users and groups are sent again, for example after the application lost
    data.
    """
    connections.resync(call.work, _client_id(call))


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=PROVISIONING,
    takes=Which,
    gives=Retried,
    shows_other=True,
    problems=(NoSuchClient, NoProvisioning, ProvisioningOff),
)
def retry_provisioning(call: Call, _operator: Operator, body: Which) -> Retried:
    """Retry failed provisioning. What the application rejected is sent again now. If provisioning is stopped or paused,
    it continues.
    """
    kind, key = (body.kind, body.key) if body.kind and body.key else (None, None)
    return Retried(count=connections.retry(call.work, _client_id(call), kind=kind, key=key))


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    gives=ConnectionTest,
    problems=(NoSuchClient, NoProvisioning, ConnectionFailed),
    asks_others=True,
)
def check_connection(call: Call, _operator: Operator, _body: Body) -> ConnectionTest:
    """Check the connection of provisioning. It asks the SCIM service of the application and changes nothing there."""
    supported = connections.check(call.work, _client_id(call))
    begin(call)
    return ConnectionTest(patch=supported.patch, filter=supported.filter)


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=ProvisionedResources,
    asks={
        "client_id": "The `client_id` of the client.",
        "state": f"Only those in this state: {STATES} Or `failing`: with an error.",
        **PAGED,
    },
    problems=(NoSuchClient, NoProvisioning, InvalidBody),
)
def list_provisioned(call: Call, _operator: Operator, _body: Body) -> ProvisionedResources:
    """List the provisioned resources of a client. These are users and groups, with their state at the application."""
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
    """Get the applications a user is provisioned to. Each has the state of the user there."""
    found = resources.find_of_user(call.work.read, user_id_of(call))
    return ProvisionedUser(resources=[_described_resource(one) for one in found])


def _described(one: store.Provisioning) -> Provisioning:
    values = ProvisioningSettings.of(one).as_json()
    own: dict[str, Any] = {"client_id": one.client_id, "disabled": one.disabled_at is not None}
    return Provisioning(**own, **values, created_at=one.created_at, updated_at=one.updated_at)


def _described_resource(one: Provisioned) -> ProvisionedResource:
    values: dict[str, Any] = {name: getattr(one, name) for name in ProvisionedResource.model_fields}
    return ProvisionedResource(**values)
