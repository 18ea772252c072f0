"""Clients, trusted issuers and roles as code: compare the installation with a TOML file, and apply the differences.

    [clients.shop]                     # a client_id; below it client metadata, as in `signet client create --metadata`
    client_name = "Shop"
    redirect_uris = ["https://shop.example.com/callback"]
    secret_env = "SHOP_SECRET"         # the variable that holds the client's secret, read when the client is created
    allow_short_secret = true          # accept a secret of less than 32 characters there
    disabled = false

    [trusted_issuers."https://token.actions.githubusercontent.com"]
    user_mapping = "none"              # as in `signet issuer create`; also jwks_uri, jwks, algorithms and disabled

    [users."ada@example.com"]          # a user who has an account
    roles = ["staff"]

What the file does not name stays unchanged. With `prune`, clients and trusted issuers it does not name are deleted,
except clients that registered themselves. Secrets of existing clients are not touched.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import email_addresses
from provider.accounts.users import set_roles
from provider.admin import issuers_as_code
from provider.oauth.clients import clients
from provider.oauth.clients.client_secrets import is_short, require_long_enough
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import FIELDS, ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.sector_documents import require_vouched_for
from provider.oauth.trusted_issuers.issuers import InvalidIssuer
from provider.refusals import Refusal
from provider.work import UnitOfWork

OURS = {"secret_env", "allow_short_secret", "disabled"}
AT_ONCE = 500
"""How many clients are read in one query."""


class NotApplied(Exception):
    """An error in what the file asks for. Nothing is changed: this is not a Refusal, whose earlier writes are kept."""


@dataclass(frozen=True)
class PlannedChange:
    """One difference between file and installation. `kind` is create, update or delete; `about` names the client or
    user; `values` maps a name to (current, wanted).
    """

    kind: str
    about: str
    values: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    do: Callable[[UnitOfWork], str | None] = field(default=lambda _work: None, repr=False)
    """Applies the change. Returns the generated secret of a new client, which is shown only once."""
    short_secret_of: str | None = None
    """The client_id of a new client with a short secret, for a warning."""


Tables = dict[str, dict[str, Any]]


def read(text: str) -> tuple[Tables, Tables, Tables]:
    """Parse a file into its clients, its users and its trusted issuers, dicts of tables by name.

    Raises NotApplied for any other form, including misspelt names.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotApplied(f"The file is not valid TOML: {error}.") from None
    wanted = given.get("clients", {}), given.get("users", {}), given.get("trusted_issuers", {})
    _require_known("the file", given, {"clients", "users", "trusted_issuers"})
    kinds = {"client": {*FIELDS, *OURS}, "user": {"roles"}, "trusted_issuer": issuers_as_code.KNOWN}
    for (kind, known), tables in zip(kinds.items(), wanted, strict=True):
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            raise NotApplied(f"{kind}s must be tables, such as [{kind}s.NAME].")
        for name, table in tables.items():
            _require_known(f"{kind} {name}", table, known)
    return wanted


def plan(work: UnitOfWork, text: str, *, environ: Mapping[str, str], prune: bool = False) -> list[PlannedChange]:
    """Return the changes that bring the installation in line with the file, without writing anything. `environ` holds
    the secrets of new clients. Raises NotApplied.
    """
    wanted, people, issuers = read(text)
    changes = [change for issuer, table in issuers.items() for change in _issuer(work, issuer, table)]
    changes += [
        change for client_id, table in wanted.items() for change in _client(work, client_id, dict(table), environ)
    ]
    changes += [change for address, table in people.items() for change in _user(work, address, table)]
    if prune:
        changes += [
            PlannedChange("delete", f"client {client.client_id}", do=_deleting(client.client_id))
            for client in _every_client(work)
            if client.client_id not in wanted and not client.registered_itself and not client.has_document
        ]
        changes += [_planned(issuer, one) for issuer, one in issuers_as_code.others(work, issuers)]
    return changes


def apply(work: UnitOfWork, changes: Iterable[PlannedChange]) -> dict[str, str]:
    """Apply all changes, or none if one raises NotApplied. Returns the generated secrets of new clients, by `about`."""
    secrets = {}
    for change in changes:
        try:
            secret = change.do(work)
        except Refusal as refused:
            raise NotApplied(f"{change.about}: {refused}") from refused
        if secret is not None:
            secrets[change.about] = secret
    return secrets


def _client(
    work: UnitOfWork, client_id: str, table: dict[str, Any], environ: Mapping[str, str]
) -> Iterable[PlannedChange]:
    about = f"client {client_id}"
    secret_env, disabled = table.pop("secret_env", None), table.pop("disabled", False)
    allow_short = table.pop("allow_short_secret", False)
    if not isinstance(allow_short, bool):
        raise NotApplied(f"{about}: allow_short_secret must be true or false.")
    before = clients.find_client(work, client_id)
    if before is not None and before.registered_itself:
        raise NotApplied(f"{about} registered itself, so the file cannot change it.")
    if before is not None and before.has_document:
        raise NotApplied(f"{about} has its metadata at this URL, so the file cannot change it.")
    try:
        metadata = parse_metadata(table)
        if before is None or before.metadata != metadata:
            require_vouched_for(work, metadata)
            clients.require_valid(work, metadata, before=before)
    except InvalidMetadata as refused:
        raise NotApplied(f"{about}: {refused}") from None
    if before is None:
        secret = _secret(about, secret_env, environ) if metadata.has_secret and secret_env else None
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


def _issuer(work: UnitOfWork, issuer: str, table: Mapping[str, Any]) -> Iterable[PlannedChange]:
    try:
        return [_planned(issuer, one) for one in issuers_as_code.differences(work, issuer, table)]
    except InvalidIssuer as refused:
        raise NotApplied(f"trusted issuer {issuer}: {refused}") from None


def _planned(issuer: str, difference: issuers_as_code.Difference) -> PlannedChange:
    kind, values, do = difference
    return PlannedChange(kind, f"trusted issuer {issuer}", values, do)


def _user(work: UnitOfWork, address: str, table: Mapping[str, Any]) -> Iterable[PlannedChange]:
    about, roles = f"user {address}", table.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) and role for role in roles):
        raise NotApplied(f"{about}: roles must be a list of names.")
    parsed = parse_address(address)
    found = None if parsed is None else email_addresses.find_owner(work.read, parsed.normal)
    if found is None:
        raise NotApplied(f"{about}: no account has this email address.")
    if roles and found[1].verified_at is None:
        # Anyone can sign up with an address that a file names.
        raise NotApplied(
            f"{about}: the address is not verified. If it is theirs, run: signet user verify-email {address}"
        )
    now, wanted, user_id = sorted(found[0].roles), sorted(set(roles)), found[0].id
    if now != wanted:

        def do(work: UnitOfWork) -> None:
            set_roles(work, user_id=user_id, roles=wanted)

        yield PlannedChange("update", about, {"roles": (now, wanted)}, do)


def _creating(
    client_id: str, metadata: ClientMetadata, secret: str | None, *, allow_short: bool
) -> Callable[[UnitOfWork], str | None]:
    def do(work: UnitOfWork) -> str | None:
        shown = clients.create_client(
            work, metadata, client_id=client_id, secret=secret, allow_short_secret=allow_short
        )[1]
        return shown if secret is None else None

    return do


def _updating(client_id: str, metadata: ClientMetadata) -> Callable[[UnitOfWork], None]:
    return lambda work: clients.update_client(work, client_id, metadata)


def _switching(client_id: str, *, off: bool) -> Callable[[UnitOfWork], None]:
    return lambda work: (clients.disable if off else clients.enable)(work, client_id)


def _deleting(client_id: str) -> Callable[[UnitOfWork], None]:
    return lambda work: clients.delete_client(work, client_id)


def _secret(about: str, variable: object, environ: Mapping[str, str]) -> str:
    secret = environ.get(str(variable), "")
    if not secret:
        raise NotApplied(f"{about}: the environment variable {variable} (secret_env) is not set.")
    return secret


def _require_long_enough(about: str, secret: str, metadata: ClientMetadata, *, allow_short: bool) -> None:
    try:
        require_long_enough(secret, metadata, allow_short=allow_short)
    except InvalidMetadata as refused:
        raise NotApplied(f"{about}: {refused}") from None


def _require_known(about: str, table: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(table.keys() - known)
    if unknown:
        raise NotApplied(f"{about}: unknown name {', '.join(unknown)}.")


def _every_client(work: UnitOfWork) -> Iterable[Client]:
    after: str | None = None
    while page := clients.list_clients(work, after=after, limit=AT_ONCE):
        yield from page
        after = page[-1].client_id
