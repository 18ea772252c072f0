"""The bodies of the admin API about provisioning."""

from datetime import datetime

from pydantic import Field

from provider.admin.paging import NEXT
from provider.api.bodies import Body
from provider.provisioning.settings import LONGEST_TOKEN

_BASE_URL = "The base URL of the application's SCIM 2.0 service, such as https://app.example.com/scim/v2."
_MEMBERS_OF = "Groups whose members the application gets. Empty: all users who may sign in to it."
_PUSH_GROUPS = "Groups that the application gets, with their members."
_ON_DELETION = "What happens there to a user who is deleted here: `deactivate` or `delete`."
_WITH_ATTRIBUTES = "Whether declared attributes that programs may see are sent, as a schema extension."
STATES = "`pending`, `current` or `failed`."


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
        max_length=LONGEST_TOKEN,
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
    state: str = Field(description=STATES)
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
    """The users and groups to retry."""

    kind: str | None = Field(None, description="`user` or `group`. Absent: all that failed.")
    key: str | None = Field(None, max_length=200, description="The user's ID, or the name of the group.")


class Retried(Body):
    """The result of a retry."""

    count: int = Field(description="How many users and groups are tried again.")


class ConnectionTest(Body):
    """The features that the SCIM service of an application says it supports."""

    patch: bool = Field(description="Whether it supports PATCH. Without it, whole users are sent to deactivate them.")
    filter: bool = Field(description="Whether it supports filters, by which existing users are found.")
