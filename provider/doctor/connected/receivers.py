"""Examinations of systems that Signet tells something: SCIM services, receivers of signals, webhooks; and of keys that
clients publish.
"""

from collections import Counter
from collections.abc import Iterator

from provider.crypto.vault import VaultError
from provider.doctor.examination import Case
from provider.doctor.findings import Finding, Kind, fine, problem, unknown, warning
from provider.jose.remote_key_sets import KeySetUnavailable, RemoteKeySets
from provider.oauth.clients.metadata import load_metadata
from provider.oauth.clients.store import clients
from provider.outbound.answers import OutboundFailed, OutboundRefused
from provider.outbox import store as outbox
from provider.outbox.topics import Topic
from provider.provisioning.connections import open_token
from provider.provisioning.remote import Rejected, Service, Unauthorized, Unavailable
from provider.provisioning.store import connections as provisioning
from provider.signals.store import streams
from provider.signals.store.streams import Method, Status
from provider.webhooks import store as webhooks
from provider.work import UnitOfWork, unit_of_work

MOST = 20
"""How many systems of each kind are asked."""
SECONDS, LONGEST = 5.0, 64 * 1024
GONE = frozenset({404, 410})

SCIM_REJECTS = problem(
    "connected.scim-token-is-rejected",
    why="Users who leave keep their account in the app, and new ones get none.",
    fix="Create a new token in the app, and store it with `signet provisioning set`.",
    section="docs/guides/provisioning.md",
)
SCIM_WRONG = problem(
    "connected.scim-service-is-not-usable",
    why="Changes of users and groups do not arrive in the app.",
    fix="Correct the base URL of its SCIM service, which usually ends in /scim/v2.",
    section="RFC 7644 section 4; docs/guides/provisioning.md",
)
AWAY = unknown(
    "connected.system-does-not-answer",
    why="What is sent to it waits, and is dropped after some days.",
    fix="Check that it runs, its certificate, and that this machine can reach it.",
    section="docs/operate/troubleshoot.md",
)
FORBIDDEN = problem(
    "connected.system-may-not-be-asked",
    why="Signet sends nothing to private or reserved addresses, so that no one can aim it at internal systems.",
    fix="Put the address into SIGNET_OUTBOUND_ALLOW, or use a public one.",
    section="docs/reference/settings.md",
)
ENDPOINT_GONE = problem(
    "connected.endpoint-is-gone",
    why="Events are sent to a URL at which nothing takes them.",
    fix="Correct the URL, or delete the webhook or stream.",
    section="docs/guides/webhooks.md",
)
DELIVERIES_FAIL = problem(
    "connected.webhook-deliveries-failed",
    why="The system at the other end does not know what happened, such as a suspended account.",
    fix="Read the reason with `signet outbox list --topic webhook --state failed`, then run `signet webhook replay`.",
    section="docs/guides/webhooks.md",
)
SIGNALS_FAIL = problem(
    "connected.signals-are-not-taken",
    why="Apps keep sessions of users whose access has ended.",
    fix="Ask the receiver why it rejects the events, and check its Authorization header.",
    section="RFC 8935 section 2.3; docs/guides/shared-signals.md",
)
SIGNALS_DROPPED = warning(
    "connected.signals-were-dropped",
    why="The receiver was away for too long, or rejected events. It does not know all that happened.",
    fix="Let the receiver compare its sessions with yours, for example with introspection.",
    section="docs/guides/shared-signals.md",
)
CLIENT_KEYS = problem(
    "connected.client-keys-are-missing",
    why="The client cannot authenticate, or its requests cannot be verified, without the keys that it publishes.",
    fix="Tell its developer, or correct jwks_uri with `signet client update`.",
    section="RFC 7591 section 2",
)


def scim_services(case: Case) -> Iterator[Finding]:
    """Ask each SCIM service for its configuration, which changes nothing."""
    with unit_of_work(case.inside) as work:
        found = provisioning.find_enabled(work.read)[:MOST]
    for connection in found:
        name = f"The SCIM service of {connection.client_id} ({connection.base_url})"
        with unit_of_work(case.inside) as work:
            try:
                Service(connection.base_url, open_token(work, connection), work.outbound).check()
            except VaultError:
                yield SCIM_REJECTS.found(f"{name}: its token cannot be decrypted with the configured secret keys.")
            except Unauthorized as failed:
                yield SCIM_REJECTS.found(f"{name}: {_said(failed)}.")
            except Rejected as failed:
                yield SCIM_WRONG.found(f"{name}: {_said(failed)}.")
            except Unavailable as failed:
                yield AWAY.found(f"{name}: {_said(failed)}.")
            else:
                yield fine("connected.scim", f"{name} answers, and accepts the token.")


def signal_receivers(case: Case) -> Iterator[Finding]:
    """Look how the last events were taken, and whether each receiver of pushed events answers at all."""
    with unit_of_work(case.inside) as work:
        found = streams.find_all(work.read)[:MOST]
    for stream in found:
        name = f"The stream of {stream.client_id}"
        if stream.dropped:
            yield SIGNALS_DROPPED.found(f"{name} has lost {stream.dropped} events.")
        if stream.status != Status.ENABLED or stream.method != Method.PUSH or stream.endpoint_url is None:
            continue
        if stream.failures:
            said = stream.error or "no reason is known"
            yield SIGNALS_FAIL.found(f"{name}: the last {stream.failures} attempts failed ({said}).")
        with unit_of_work(case.inside) as work:
            yield _answers(work, f"{name} to {stream.endpoint_url}", stream.endpoint_url)


def webhook_receivers(case: Case) -> Iterator[Finding]:
    """Look for events that could not be delivered, and whether each endpoint answers at all."""
    with unit_of_work(case.inside) as work:
        found = webhooks.find_enabled(work.read)[:MOST]
        failed = Counter(about.rpartition(" to ")[2] for about in outbox.find_failed(work.read, Topic.WEBHOOK))
    for webhook in found:
        name = f"The webhook {webhook.id} to {webhook.url}"
        if failed[webhook.id]:
            yield DELIVERIES_FAIL.found(f"{name}: {failed[webhook.id]} events could not be delivered.")
        with unit_of_work(case.inside) as work:
            yield _answers(work, name, webhook.url)


def _answers(work: UnitOfWork, name: str, url: str) -> Finding:
    """Ask for the methods of a URL, which no receiver takes for an event."""
    try:
        answer = work.outbound.request("OPTIONS", url, {}, None, most=LONGEST, seconds=SECONDS)
    except OutboundFailed as failed:
        kind: Kind = FORBIDDEN if isinstance(failed, OutboundRefused) else AWAY
        return kind.found(f"{name}: {failed.reason}.")
    if answer.status in GONE:
        return ENDPOINT_GONE.found(f"{name} answers {answer.status} to OPTIONS.")
    return fine("connected.receiver", f"{name} answers.")


def client_keys(case: Case) -> Iterator[Finding]:
    """Fetch the keys that clients publish, as their next request would."""
    with unit_of_work(case.inside) as work:
        rows = [row for row in clients.find_page(work.read, limit=200) if row.disabled_at is None]
    places = {row.client_id: load_metadata(row.metadata).jwks_uri for row in rows}
    for client_id, url in [(client_id, url) for client_id, url in places.items() if url is not None][:MOST]:
        with unit_of_work(case.inside) as work:
            try:
                keys = RemoteKeySets().find(work, url)
            except KeySetUnavailable as failed:
                yield CLIENT_KEYS.found(f"The keys of the client {client_id} at {url}: {failed.reason}.")
                continue
        if keys:
            yield fine("connected.client-keys", f"The client {client_id} publishes {len(keys)} keys.")
        else:
            yield CLIENT_KEYS.found(f"The client {client_id} publishes no usable key at {url}.")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
