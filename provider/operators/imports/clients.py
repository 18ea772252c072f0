"""Importing clients of another system, each in a transaction of its own. A client that exists already is skipped."""

from collections.abc import Callable, Iterable

from provider.oauth.clients import clients
from provider.oauth.clients.client_secrets import require_long_enough
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.sector_documents import require_vouched_for
from provider.operators.imports.keycloak_clients import MovedClient
from provider.operators.imports.rows import Outcome, Result
from provider.refusals import Refusal
from provider.work import Installation, UnitOfWork, unit_of_work


def import_clients(
    installation: Installation,
    moved: Iterable[MovedClient],
    seen: Callable[[Result], None],
    *,
    dry_run: bool,
    allow_short_secret: bool,
) -> None:
    """Import clients, and call `seen` with the result of each, whose `email` is the client ID."""
    for client in moved:
        try:
            with unit_of_work(installation) as work:
                outcome = _import(work, client, dry_run=dry_run, allow_short_secret=allow_short_secret)
            result = Result(client.line, client.client_id, outcome, notes=client.notes)
        except Refusal as refusal:
            result = Result(client.line, client.client_id, Outcome.FAILED, str(refusal), notes=client.notes)
        seen(result)


def _import(work: UnitOfWork, client: MovedClient, *, dry_run: bool, allow_short_secret: bool) -> Outcome:
    if client.problem:
        raise InvalidMetadata(client.problem)
    if clients.find_client(work, client.client_id) is not None:
        return Outcome.SKIPPED
    metadata = parse_metadata(client.metadata)
    require_vouched_for(work, metadata)
    clients.require_valid(work, metadata)
    if client.secret is not None:
        require_long_enough(client.secret, metadata, allow_short=allow_short_secret)
    if not dry_run:
        clients.create_client(
            work,
            metadata,
            client_id=client.client_id,
            secret=client.secret,
            allow_short_secret=allow_short_secret,
        )
        if client.disabled:
            clients.disable(work, client.client_id)
    return Outcome.CREATED
