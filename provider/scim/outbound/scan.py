"""Go through all users and groups of an app, and note them as pending: in steps that continue after a restart."""

from provider.oauth.clients.clients import Client
from provider.provisioning.store import connections, resources
from provider.provisioning.store.connections import Provisioning, Scan
from provider.provisioning.store.resources import Kind
from provider.scim.outbound.wanted import candidates
from provider.work import UnitOfWork

AT_ONCE = 200
"""How many users are noted in one transaction."""
KNOWN, USERS = "known", "users"
"""The parts of a scan: what is known of the app, then the users who may be new to it."""


def step(work: UnitOfWork, client: Client) -> None:
    """Note the next users of a scan. The place is saved with them."""
    connection = connections.lock(work.db, client.client_id)
    if connection is None or connection.scan == Scan.NONE:
        return  # another process finished it
    part, *place = connection.scan_place or [KNOWN]
    if part == KNOWN:
        _known(work, connection, (place[0], place[1]) if place else None)
    else:
        _users(work, connection, client, place[0] if place else None)


def _known(work: UnitOfWork, connection: Provisioning, after: tuple[str, str] | None) -> None:
    resend = connection.scan == Scan.RESYNC
    last = resources.mark_page(work.db, connection.client_id, after=after, limit=AT_ONCE, now=work.now, resend=resend)
    connections.change(work.db, connection.client_id, scan_place=[USERS] if last is None else [KNOWN, *last])


def _users(work: UnitOfWork, connection: Provisioning, client: Client, after: str | None) -> None:
    query = candidates(connection, client, after=after, limit=AT_ONCE)
    found = [str(row[0]) for row in work.db.execute(query)]
    resources.mark(work.db, connection.client_id, Kind.USER, found, now=work.now)
    values = {"scanned": connection.scanned + len(found)}
    if len(found) == AT_ONCE:
        connections.change(work.db, connection.client_id, scan_place=[USERS, found[-1]], **values)
        return
    resources.mark(work.db, connection.client_id, Kind.GROUP, connection.push_groups, now=work.now)
    end = {"scan": Scan.NONE, "scan_place": None, "scan_finished_at": work.now}
    connections.change(work.db, connection.client_id, **values, **end)
