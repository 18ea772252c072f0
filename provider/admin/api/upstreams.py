"""The upstream providers that users can sign in with (docs/guides/upstream.md)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.api.validation import VISIBLE
from provider.database.base import parse_id
from provider.federation import managed
from provider.federation.managed import MEMBERS, InvalidSettings, NoSuchUpstream
from provider.federation.presets import OF_PROVIDERS, PresetName
from provider.federation.signals import verification
from provider.federation.signals.verification import NoVerification
from provider.federation.upstream_settings import SECRETS, UpstreamSettings
from provider.saved_settings.upstreams import SavedUpstream, find_all, lock
from provider.web.call import Call

Line = Annotated[str, Field(min_length=1, max_length=1000)]
Word = Annotated[str, Field(min_length=1, max_length=255, pattern=VISIBLE)]
NEEDS = Permission.APPLICATIONS_TRUST


class UpstreamMembers(Body):
    """The settings of an upstream provider. A preset fills in most of them."""

    preset: PresetName | None = Field(None, description="The provider, if it is one that Signet knows.")
    name: str | None = Field(None, min_length=1, max_length=60, description="The name that users know it by.")
    issuer: Word | None = Field(None, description="Its issuer, exactly as in its discovery document.")
    client_id: Word | None = Field(
        None, description="The client ID that it gave to this server. Required, except for a directory."
    )
    team_id: str | None = Field(None, max_length=20, description="The team ID, for Apple.")
    key_id: str | None = Field(None, max_length=20, description="The ID of the private key, for Apple.")
    scopes: list[Word] | None = Field(None, description="The scopes to ask for.")
    hosted_domain: Word | None = Field(None, description="The only Google Workspace domain whose users may sign in.")
    tenant: Word | None = Field(
        None,
        description="The authority of Microsoft: the ID of a tenant, `common`, `organizations` or `consumers`.",
    )
    allowed_tenants: list[Word] | None = Field(
        None, description="The IDs of the only Microsoft tenants whose users may sign in."
    )
    trust_email_verified: bool | None = Field(None, description="Whether its claim `email_verified` is trusted.")
    verifies_email_addresses: bool | None = Field(
        None, description="Whether each address that it sends is verified, unless it says otherwise."
    )
    may_create_accounts: bool | None = Field(None, description="Whether new users get an account.")
    refuses_unknown_users: bool | None = Field(
        None, description="Whether users without an account are turned away, instead of linking or signing up."
    )
    allowed_domains: list[Word] | None = Field(
        None, description="The only domains of addresses for which accounts are created."
    )
    domains: list[Word] | None = Field(
        None, description="The domains whose users belong to it: who types such an address is sent there."
    )
    is_required_for_domains: bool | None = Field(
        None, description="Whether users of these domains may sign in only there."
    )
    claims: dict[str, str] | None = Field(
        None,
        description="The claim for each profile field, or declared attribute (`attributes.NAME`), of a new account.",
    )
    updates_profile: bool | None = Field(None, description="Whether these are replaced at each sign-in.")
    roles_claim: Word | None = Field(None, description="The claim with the user's roles or groups there.")
    roles: dict[str, str] | None = Field(None, description="The role here for each value of that claim.")
    groups_claim: Word | None = Field(
        None, description="The claim with the user's groups there. Default: that of `roles_claim`."
    )
    groups: dict[str, str] | None = Field(
        None,
        description="The group here for each value of that claim. `*` with the value `*` stands for groups of the same"
        " name, except those that give permissions of operators.",
    )
    store_tokens: bool | None = Field(
        None,
        description="Whether users' tokens of it are stored, encrypted, so that clients can call its APIs for them.",
    )
    token_scopes: list[Word] | None = Field(
        None, description="The scopes to ask for in addition, if tokens are stored."
    )
    signs_out_there: bool | None = Field(
        None, description="Whether a sign-out here continues at the provider, which signs the user out too."
    )
    receives_signals: bool | None = Field(
        None,
        description="Whether its shared signals end the access of users whose account there is closed or in danger.",
    )
    signals_configuration: Word | None = Field(
        None, description="The URL of the configuration of its transmitter. Default: that of its issuer."
    )
    signals_audiences: list[Word] | None = Field(
        None, description="Other client IDs that its signals may be for, beside `client_id`."
    )
    label: str | None = Field(None, min_length=1, max_length=60, description="The text of its button.")
    servers: list[Word] | None = Field(
        None, description="The URLs of a directory's servers, with `ldaps` or `ldap`. If one is down, the next is used."
    )
    start_tls: bool | None = Field(None, description="Whether to use StartTLS on servers with `ldap`.")
    ca_file: Line | None = Field(
        None, description="A file on this server with the CA certificates to trust. Default: those of the system."
    )
    bind_dn: Line | None = Field(None, description="The DN of the directory's account that searches for users.")
    base_dn: Line | None = Field(None, description="The DN below which users are.")
    user_filter: Line | None = Field(
        None, description="The filter that finds a user, with `{email}` or `{name}` (what is before the @)."
    )
    subject_attribute: Word | None = Field(
        None, description="The attribute that identifies a user and never changes, for example `entryUUID`."
    )
    email_attribute: Word | None = Field(None, description="The attribute with the email address. Default: `mail`.")
    group_base_dn: Line | None = Field(
        None, description="The DN below which the groups are that count. Default: `base_dn`."
    )
    group_filter: Line | None = Field(
        None,
        description="The filter that finds a user's groups, with `{dn}`. Default: memberOf names them.",
    )
    position: int | None = Field(
        None, ge=0, le=managed.LARGEST_POSITION, description="Its place among the buttons. Default: the last."
    )


class ChangedUpstream(UpstreamMembers):
    """The settings of an upstream provider. Without a secret, it keeps the one it has."""

    client_secret: str | None = Field(None, min_length=1, max_length=4000, description="The client secret.")
    private_key: str | None = Field(
        None,
        min_length=1,
        max_length=4000,
        description="The private key in PEM, for Apple, instead of a client secret.",
    )
    bind_password: str | None = Field(
        None, min_length=1, max_length=4000, description="The password of `bind_dn`, for a directory."
    )


class NewUpstream(ChangedUpstream):
    """An upstream provider to add."""

    key: Annotated[str, Field(min_length=1, max_length=32, pattern=VISIBLE)] = Field(
        description="Its name in URLs and events: lower-case letters, digits and hyphens."
    )


class Upstream(UpstreamMembers):
    """An upstream provider. Its secret is not shown."""

    id: str = Field(description="The ID of the upstream provider.")
    key: str = Field(description="Its name in URLs and events.")
    redirect_uri: str | None = Field(
        None, description="The redirect URI to register at the provider. Absent for a directory."
    )
    post_logout_redirect_uri: str | None = Field(
        None, description="The post-logout redirect URI to register at the provider. Absent for a directory."
    )
    backchannel_logout_uri: str | None = Field(
        None, description="The back-channel logout URI to register at the provider. Absent for a directory."
    )
    signals_uri: str | None = Field(
        None, description="Where the provider pushes shared signals. Absent for a directory."
    )
    in_file: bool = Field(description="Whether the file of SIGNET_UPSTREAMS has this key too. Then the file is used.")
    disabled: bool = Field(description="Whether users can't sign in with it.")
    created_at: datetime = Field(description="When it was added.")


class UpstreamSignals(Body):
    """The state of the shared signals of an upstream provider."""

    key: str = Field(description="The name of the provider in URLs and events.")
    receives_signals: bool = Field(description="Whether signals are taken.")
    signals_uri: str = Field(description="Where the provider pushes signals.")
    configuration_url: str | None = Field(None, description="Where the configuration of its transmitter is.")
    received_at: datetime | None = Field(None, description="When a signal was taken last.")
    received: str | None = Field(None, description="The short names of the events in it.")
    problem_at: datetime | None = Field(None, description="When the last problem occurred.")
    problem: str | None = Field(None, description="Why a signal was rejected, or no test could be requested.")
    requested_at: datetime | None = Field(None, description="When a test signal was requested last.")
    verified_at: datetime | None = Field(None, description="When it arrived.")


class Upstreams(Body):
    """The upstream providers that were saved."""

    upstreams: list[Upstream] = Field(description="The upstream providers in the order of their buttons.")


def _upstream(call: Call) -> SavedUpstream:
    """Return the upstream named by the path. Raises NoSuchUpstream."""
    upstream_id = parse_id(call.path_params["upstream_id"])
    if upstream_id is None:
        raise NoSuchUpstream
    return managed.find(call.work, upstream_id)


UPSTREAM = Resource(lambda call: lock(call.work.db, _upstream(call).id), lambda call: _body(call, _upstream(call)))


@by_operator(needs=Permission.APPLICATIONS_READ, gives=Upstreams)
def list_upstreams(call: Call, _operator: Operator, _body_given: Body) -> Upstreams:
    """List saved upstream providers. They are in the order of their buttons. Those of the file are not listed."""
    return Upstreams(upstreams=[_body(call, row) for row in find_all(call.work.read)])


@by_operator(needs=NEEDS, takes=NewUpstream, gives=Upstream, status=201, problems=(InvalidSettings,))
def create_upstream(call: Call, _operator: Operator, body: NewUpstream) -> Upstream:
    """Create an upstream provider. Users find its button on the sign-in page immediately."""
    row = managed.create(call.work, body.key, _members(body), position=body.position)
    return _body(call, row)


@by_operator(needs=Permission.APPLICATIONS_READ, of=UPSTREAM, gives=Upstream, problems=(NoSuchUpstream,))
def show_upstream(call: Call, _operator: Operator, _body_given: Body) -> Upstream:
    """Get an upstream provider."""
    return _body(call, _upstream(call))


@by_operator(
    needs=NEEDS, of=UPSTREAM, takes=ChangedUpstream, gives=Upstream, problems=(NoSuchUpstream, InvalidSettings)
)
def replace_upstream(call: Call, _operator: Operator, body: ChangedUpstream) -> Upstream:
    """Replace the settings of an upstream provider. Members that you leave out get their defaults. The secret and the
    position stay if you leave them out.
    """
    return _body(call, managed.update(call.work, _upstream(call).id, _members(body), position=body.position))


@by_operator(needs=NEEDS, of=UPSTREAM, problems=(NoSuchUpstream,))
def delete_upstream(call: Call, _operator: Operator, _body_given: Body) -> None:
    """Delete an upstream provider. Users can no longer sign in with it. Their linked identities stay."""
    managed.delete(call.work, _upstream(call).id)


@by_operator(needs=NEEDS, of=UPSTREAM, problems=(NoSuchUpstream,))
def disable_upstream(call: Call, _operator: Operator, _body_given: Body) -> None:
    """Disable an upstream provider. Users can't sign in with it until you enable it."""
    managed.disable(call.work, _upstream(call).id)


@by_operator(needs=NEEDS, of=UPSTREAM, problems=(NoSuchUpstream,))
def enable_upstream(call: Call, _operator: Operator, _body_given: Body) -> None:
    """Enable an upstream provider. Users can sign in with it again."""
    managed.enable(call.work, _upstream(call).id)


@by_operator(needs=Permission.APPLICATIONS_READ, gives=UpstreamSignals, problems=(NoSuchUpstream,))
def show_upstream_signals(call: Call, _operator: Operator, _body_given: Body) -> UpstreamSignals:
    """Get the signals of an upstream provider. It says what arrived last, and what failed."""
    return UpstreamSignals(**verification.describe(call.work, _upstream(call).key))


@by_operator(needs=NEEDS, problems=(NoSuchUpstream, NoVerification))
def request_upstream_test_signal(call: Call, _operator: Operator, _body_given: Body) -> None:
    """Request a test signal of an upstream provider. It arrives like any other signal. If the provider has no stream
    that leads here, it is created.
    """
    verification.request_for(call.work, _upstream(call).key)


def _members(body: ChangedUpstream) -> dict[str, Any]:
    return {name: getattr(body, name) for name in (*MEMBERS, *SECRETS)}


def _body(call: Call, row: SavedUpstream) -> Upstream:
    settings = managed.read(call.work.vault, row)
    shown: dict[str, Any] = dict(row.settings)
    if isinstance(settings, UpstreamSettings):
        taken = settings.model_dump(include=set(MEMBERS))
        shown = {name: value for name, value in taken.items() if value not in (None, "", (), {})}
        shown = {name: list(value) if isinstance(value, tuple) else value for name, value in shown.items()}
        if settings.preset != "microsoft":
            shown.pop("tenant", None)
        if settings.is_directory:
            shown = {name: value for name, value in shown.items() if name not in OF_PROVIDERS}
        else:
            shown.pop("email_attribute", None)
    return Upstream(
        **shown,
        id=row.id,
        key=row.key,
        position=row.position,
        **managed.uris_to_register(call.settings, row.key, preset=row.settings.get("preset")),
        in_file=any(one.key == row.key for one in managed.of_file(call.work)),
        disabled=row.disabled_at is not None,
        created_at=row.created_at,
    )
