"""Clients, trusted issuers, upstreams, roles and more as code: compare the installation with a TOML file, and apply
differences.

    [clients.shop]                     # a client_id; below it client metadata, as in `signet client create --metadata`
    client_name = "Shop"
    redirect_uris = ["https://shop.example.com/callback"]
    secret_env = "SHOP_SECRET"         # the variable that holds the client's secret, read when the client is created
    allow_short_secret = true          # accept a secret of less than 32 characters there
    disabled = false

    [authorization_details_types.payment]   # a type of authorization details (RFC 9396), as `signet details-type put`
    label = "Make a payment"                # takes it; json_schema may be a table, or JSON in a string
    [user_attributes.customer_number]       # an attribute of users, as `signet attribute put` takes it
    type = "text"
    label = "Customer number"
    [trusted_issuers."https://token.actions.githubusercontent.com"]
    user_mapping = "none"              # as in `signet issuer create`; also jwks_uri, jwks, algorithms and disabled

    [upstreams.github]                 # a provider that users sign in with: members as in the file of
    preset = "github"                  # SIGNET_UPSTREAMS without its secret, and position and disabled
    client_id = "Iv1.8a61f9b3a7aba766"
    secret_env = "GITHUB_SECRET"       # the variable that holds the secret, read when the upstream is created
    [groups.engineering]               # a group of users, as in `signet group create`
    roles = ["developer"]              # also display_name, description, groups (that it contains) and owners

    [claim_mappings.kubernetes-groups] # a claim of your own, as `signet claims put` takes it
    claim = "groups"
    client_id = "shop"
    source = "groups"

    [provisioning.shop]                # users and groups pushed with SCIM to a client, as `signet provisioning set`
    base_url = "https://shop.example.com/scim/v2"  # also members_of, push_groups, on_deletion and more
    token_env = "SHOP_SCIM_TOKEN"      # the variable with the token, read when it is set up or base_url changes

    [signal_streams.shop]              # the stream of shared signals of a client, as `signet signals set`
    endpoint_url = "https://shop.example.com/events"  # also method, description and default_subjects
    events = ["session-revoked"]
    authorization_header_env = "SHOP_EVENTS"  # the variable with the header, read when the stream or its URL is new

    [users."ada@example.com"]          # a user who has an account
    roles = ["staff"]
    groups = ["engineering"]           # if left out, the user's groups stay as they are

What the file does not name stays unchanged. With `prune`, clients it does not name are deleted, except those that
registered themselves. So is what else the file does not name of each kind that it has any of. Secrets of existing
clients and upstreams are not touched.
"""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import email_addresses
from provider.accounts.users import set_roles
from provider.oauth.clients import clients
from provider.oauth.clients.client_secrets import is_short, require_long_enough
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import FIELDS, ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.sector_documents import require_vouched_for
from provider.operators.as_code.attributes import ATTRIBUTES
from provider.operators.as_code.details_types import TYPES
from provider.operators.as_code.groups import GROUPS, plan_groups_of_user
from provider.operators.as_code.issuers import ISSUERS
from provider.operators.as_code.kinds import Table
from provider.operators.as_code.mappings import MAPPINGS
from provider.operators.as_code.planned_changes import NewSecret, NotApplied, PlannedChange
from provider.operators.as_code.provisioning import PROVISIONING
from provider.operators.as_code.signals import STREAMS
from provider.operators.as_code.upstreams import UPSTREAMS
from provider.refusals import Refusal
from provider.work import UnitOfWork

OURS = {"secret_env", "allow_short_secret", "disabled"}
BEFORE_CLIENTS = (TYPES, ISSUERS, UPSTREAMS, GROUPS, ATTRIBUTES)
AFTER_CLIENTS = (MAPPINGS, PROVISIONING, STREAMS)
"""These may name clients that are new in the same file."""
KINDS: Mapping[str, Collection[str]] = {
    "clients": {*FIELDS, *OURS},
    "users": {"roles", "groups"},
    **{kind.name: kind.members for kind in (*BEFORE_CLIENTS, *AFTER_CLIENTS)},
}
"""What a file may have, and the members of each table of it."""
AT_ONCE = 500
"""How many clients are read in one query."""


Tables = dict[str, dict[str, Any]]


def read(text: str) -> dict[str, Tables]:
    """Parse a file into its tables by name, for each of KINDS. Raises NotApplied for any other form, including misspelt
    names.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotApplied(f"The file is not valid TOML: {error}.") from None
    _require_known("the file", given, KINDS)
    for kind, known in KINDS.items():
        tables = given.setdefault(kind, {})
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            raise NotApplied(f"{kind} must be tables, such as [{kind}.NAME].")
        for name, table in tables.items():
            _require_known(f"{kind.removesuffix('s')} {name}", table, known)
    return given


def plan(work: UnitOfWork, text: str, *, environ: Mapping[str, str], prune: bool = False) -> list[PlannedChange]:
    """Return the changes that bring the installation in line with the file, without writing anything. `environ` holds
    the secrets of new clients. Raises NotApplied.
    """
    given = read(text)
    wanted = given["clients"]
    changes = [change for kind in BEFORE_CLIENTS for change in kind.plan(work, given[kind.name], environ, prune=prune)]
    for client_id, table in wanted.items():
        changes += _client(work, Table(f"client {client_id}", client_id, dict(table), environ))
    for kind in AFTER_CLIENTS:
        changes += kind.plan(work, given[kind.name], environ, prune=prune)
    for address, table in given["users"].items():
        changes += _user(work, address, table)
    if prune:
        changes += [
            PlannedChange("delete", f"client {client.client_id}", do=_deleting(client.client_id))
            for client in _every_client(work)
            if client.client_id not in wanted and not client.registered_itself and not client.has_document
        ]
    return changes


def apply(work: UnitOfWork, changes: Iterable[PlannedChange]) -> dict[str, str]:
    """Apply all changes, or none if one raises NotApplied. Returns the generated secrets of new clients, by `about`."""
    secrets = {}
    for change in changes:
        try:
            result = change.do(work)
        except Refusal as refused:
            raise NotApplied(f"{change.about}: {refused}") from refused
        if isinstance(result, NewSecret):
            secrets[change.about] = result.secret
    return secrets


def _client(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    about, client_id, given = table.about, table.name, table.given
    secret_env, disabled = given.pop("secret_env", None), given.pop("disabled", False)
    allow_short = given.pop("allow_short_secret", False)
    if not isinstance(allow_short, bool):
        raise NotApplied(f"{about}: allow_short_secret must be true or false.")
    before = clients.find_client(work, client_id)
    if before is not None and before.registered_itself:
        raise NotApplied(f"{about} registered itself, so the file cannot change it.")
    if before is not None and before.has_document:
        raise NotApplied(f"{about} has its metadata at this URL, so the file cannot change it.")
    try:
        metadata = parse_metadata(given)
        if before is None or before.metadata != metadata:
            require_vouched_for(work, metadata)
            clients.require_valid(work, metadata, before=before)
    except InvalidMetadata as refused:
        raise NotApplied(f"{about}: {refused}") from None
    if before is None:
        secret = table.read_secret(secret_env, member="secret_env") if metadata.has_secret and secret_env else None
        if secret is not None:
            _require_long_enough(about, secret, metadata, allow_short=allow_short)
        yield PlannedChange(
            "create",
            about,
            ClientMetadata().differences(metadata),
            _creating(client_id, metadata, secret, allow_short=allow_short),
            short_secret_of=client_id if secret is not None and is_short(secret) else None,
        )
    elif before.metadata != metadata:
        yield PlannedChange("update", about, before.metadata.differences(metadata), _updating(client_id, metadata))
    if disabled != (before is not None and before.disabled):
        values = {"disabled": (not disabled, disabled)}
        yield PlannedChange("update", about, values, _switching(client_id, off=disabled))


def _user(work: UnitOfWork, address: str, table: Mapping[str, Any]) -> Iterable[PlannedChange]:
    about, roles = f"user {address}", table.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) and role for role in roles):
        raise NotApplied(f"{about}: roles must be a list of names.")
    parsed = parse_address(address)
    found = None if parsed is None else email_addresses.find_owner(work.read, parsed.normal)
    if found is None:
        raise NotApplied(f"{about}: no account has this email address.")
    if (roles or table.get("groups")) and found[1].verified_at is None:
        # Anyone can sign up with an address that a file names.
        raise NotApplied(
            f"{about}: the address is not verified. If it is theirs, run: signet user verify-email {address}"
        )
    now, wanted, user_id = sorted(found[0].roles), sorted(set(roles)), found[0].id
    if now != wanted:

        def do(work: UnitOfWork) -> None:
            set_roles(work, user_id=user_id, roles=wanted)

        yield PlannedChange("update", about, {"roles": (now, wanted)}, do)
    if "groups" in table:
        yield from plan_groups_of_user(work, address, user_id, table["groups"])


def _creating(
    client_id: str, metadata: ClientMetadata, secret: str | None, *, allow_short: bool
) -> Callable[[UnitOfWork], NewSecret | None]:
    def do(work: UnitOfWork) -> NewSecret | None:
        shown = clients.create_client(
            work, metadata, client_id=client_id, secret=secret, allow_short_secret=allow_short
        )[1]
        return NewSecret(shown) if secret is None and shown is not None else None

    return do


def _updating(client_id: str, metadata: ClientMetadata) -> Callable[[UnitOfWork], None]:
    return lambda work: clients.update_client(work, client_id, metadata)


def _switching(client_id: str, *, off: bool) -> Callable[[UnitOfWork], None]:
    return lambda work: (clients.disable if off else clients.enable)(work, client_id)


def _deleting(client_id: str) -> Callable[[UnitOfWork], None]:
    return lambda work: clients.delete_client(work, client_id)


def _require_long_enough(about: str, secret: str, metadata: ClientMetadata, *, allow_short: bool) -> None:
    try:
        require_long_enough(secret, metadata, allow_short=allow_short)
    except InvalidMetadata as refused:
        raise NotApplied(f"{about}: {refused}") from None


def _require_known(about: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = sorted(table.keys() - set(known))
    if unknown:
        raise NotApplied(f"{about}: unknown name {', '.join(unknown)}.")


def _every_client(work: UnitOfWork) -> Iterable[Client]:
    after: str | None = None
    while page := clients.list_clients(work, after=after, limit=AT_ONCE):
        yield from page
        after = page[-1].client_id
