"""Checks of a running installation: database, schema, keys, disk, clock and outbox; for a deployment also Redis and the
mail server.
"""

import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from provider.accounts.factors.policy import can_meet
from provider.accounts.store.roles import find_required_factors
from provider.audit import store as audit
from provider.config.environment import SettingsError
from provider.config.production_checks import Finding
from provider.config.settings import Settings
from provider.database.servers import Role, find_servers
from provider.descriptors import MORE_FILES, capacity, open_files_limit
from provider.doctor.client_checks import MOST_CLIENTS, find_client_problems
from provider.installation import open_installation
from provider.mail.settings_check import check_settings, check_templates
from provider.oauth.clients.store import clients
from provider.oauth.keys import waiting
from provider.operators.overview.health import find_key_ages, find_late_jobs
from provider.outbound.client import Outbound
from provider.outbox import store as outbox
from provider.readiness import require_ready
from provider.redis_client import require_redis
from provider.sessions.assurance import REQUIRED_FACTORS
from provider.web.network import is_trusted_proxy
from provider.work import UnitOfWork, unit_of_work, utc_now
from provider.worker.partitions import find_tables_without_next_month

PATIENCE = 3.0
"""The timeout for Redis, and for each step with the mail server, in seconds."""
LITTLE, TOO_LITTLE = 1 << 30, 100 << 20
"""The free disk space of a SQLite database below which to warn and to report danger, in bytes."""
REDIS_FIX = "Check that it is running, and the URL in SIGNET_REDIS_URL"
SKEW, TOO_MUCH_SKEW = timedelta(seconds=10), timedelta(seconds=60)
NOT_STARTING = "Fix this first. Until then, `signet serve` does not start"
NEARLY_OVER = 0.25
"""The part of SIGNET_KEY_MAX_WAIT that is left when a key is reported that is still used."""
RECENT = timedelta(days=1)
"""The age up to which audit events are looked at."""


def find_system_problems(settings: Settings, *, deploy: bool) -> Iterator[Finding]:
    """Yield the problems found, including those about to occur. With `deploy`, Redis and the mail server are checked
    too.
    """
    yield from _servers(settings.database_url, deploy=deploy)
    yield from _replica(settings.database_read_url)
    if settings.embedded:
        yield from _disk(Path(settings.database_url.removeprefix("sqlite:///")))
    yield from _open_files(settings)
    for problem in check_templates(settings):
        yield Finding(problem.setting, False, problem.said, problem.fix)
    try:
        require_ready(settings)
    except SettingsError as error:
        yield Finding("installation", True, str(error), NOT_STARTING)
    else:
        installation = open_installation(settings)
        try:
            with unit_of_work(installation) as work:
                yield from _clock(work)
                yield from _proxies(work)
                yield from _outbox(work)
                yield from _keys(work)
                yield from _partitions(work)
                yield from _requirements(work)
                yield from find_client_problems(work)
        finally:
            installation.database.close()
    if deploy:
        yield from _redis(settings.redis_url)
        yield from _mail_server(settings)


def _disk(database: Path) -> Iterator[Finding]:
    if not database.exists():
        return  # what else is looked at says so
    free = shutil.disk_usage(database.parent).free
    if free < LITTLE:
        problem = f"only {free >> 20} MiB are free on the disk of {database}"
        yield Finding(
            "disk", free < TOO_LITTLE, problem, "Free up space. On a full disk, every change fails with status 503"
        )
    if stat.S_IMODE(database.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(
            "database file", False, f"other users of this machine can read {database}", f"Run `chmod 600 {database}`"
        )


def _replica(url: str | None) -> Iterator[Finding]:
    setting, servers = "SIGNET_DATABASE_READ_URL", find_servers(url, timeout=PATIENCE) if url else ()
    for server in servers:
        if server.role is Role.UNREACHABLE:
            fix = "Start it, or remove the setting. Until then, lists are read from the primary"
            yield Finding(setting, False, f"cannot reach the replica {server.name}", fix)
        if server.role is Role.PRIMARY:
            problem = f"{server.name} is not a replica, so it is not used"
            yield Finding(setting, False, problem, "Name a standby, or remove the setting")


def _open_files(settings: Settings) -> Iterator[Finding]:
    limit = open_files_limit()
    room = capacity(settings, limit)
    if room.is_small:
        problem = f"{limit} open files leave room for {room.connections} connections in each process"
        yield Finding("open files", False, problem, MORE_FILES)


def _servers(database_url: str, *, deploy: bool) -> Iterator[Finding]:
    servers = list(find_servers(database_url, timeout=PATIENCE))
    primaries = [server for server in servers if server.role is Role.PRIMARY]
    away = [server for server in servers if server.role is Role.UNREACHABLE]
    if len(servers) > 1:
        for server in away:
            fix = "Start it, or remove it from the URL. Until then, new connections may have to wait for it"
            yield Finding("SIGNET_DATABASE_URL", False, f"cannot reach the database server {server.name}", fix)
    if len(servers) > len(away) and not primaries:
        problem = "no database server can write: all that respond are standbys"
        yield Finding("SIGNET_DATABASE_URL", True, problem, "Promote a standby, or add the primary to the URL")
    if len(primaries) > 1:
        problem = f"{len(primaries)} database servers can write: {', '.join(server.name for server in primaries)}"
        yield Finding("SIGNET_DATABASE_URL", True, problem, "Stop the one that must not be the primary any more")
    if deploy and len(servers) > 1 and primaries and not primaries[0].waits_for_standby:
        problem = f"{primaries[0].name} does not wait for a standby, so a fail-over can undo the last changes"
        fix = "Set synchronous_standby_names. Without it, a revoked token can become valid again"
        yield Finding("SIGNET_DATABASE_URL", False, problem, fix)


def _clock(work: UnitOfWork) -> Iterator[Finding]:
    if work.installation.database.is_sqlite:
        return
    there = work.read.scalar(select(func.clock_timestamp()))
    skew = abs(datetime.now(UTC) - there) if isinstance(there, datetime) else timedelta(0)
    if skew > SKEW:
        problem = f"the clocks of this machine and the database differ by {skew.total_seconds():.0f} seconds"
        yield Finding("clock", skew > TOO_MUCH_SKEW, problem, "Synchronize both with NTP")


def _proxies(work: UnitOfWork) -> Iterator[Finding]:
    networks = [event.network for event in audit.find(work.read, since=work.now - RECENT, limit=200) if event.network]
    of_proxies = [network for network in networks if is_trusted_proxy(network, work.settings)]
    if of_proxies:
        problem = (
            f"{len(of_proxies)} of the last {len(networks)} events have the address of your proxy, {of_proxies[0]}"
        )
        fix = (
            "Configure the proxy to send the client's address in X-Forwarded-For, or in Forwarded with"
            " SIGNET_FORWARDED_HEADER=forwarded. Until then, its users share one rate limit. If the proxy sends an"
            " address that cannot be read, the log shows it (proxy.address_unreadable)"
        )
        yield Finding("SIGNET_TRUSTED_PROXIES", False, problem, fix)


def _outbox(work: UnitOfWork) -> Iterator[Finding]:
    due_at = find_late_jobs(work)
    if due_at is not None:
        problem = f"a job has been waiting since {due_at:%Y-%m-%d %H:%M} UTC"
        yield Finding(
            "outbox",
            False,
            problem,
            "Check that `signet worker` is running. To see the jobs, run `signet outbox list --state waiting`",
        )
    failed = sum(
        count for _, state, count in outbox.count_undelivered(work.read) if state == outbox.DeliveryState.FAILED
    )
    if failed:
        fix = "To see why, run `signet outbox list --state failed`. Then run `signet outbox retry --all`"
        yield Finding("outbox", False, f"{failed} job{'' if failed == 1 else 's'} could not be delivered", fix)


def _partitions(work: UnitOfWork) -> Iterator[Finding]:
    for name in find_tables_without_next_month(work):
        problem = (
            f"the table {name} has no partition for this or the next month, so its rows must be deleted one by one"
        )
        fix = "Run `signet purge` as the owner of the tables, and check that `signet worker` is running"
        yield Finding("partitions", False, problem, fix)


def _keys(work: UnitOfWork) -> Iterator[Finding]:
    for key in find_key_ages(work):
        if key.is_late:
            problem = f"the {key.alg} key is overdue for rotation. It has been in use since {key.signs_since:%Y-%m-%d}"
            yield Finding(
                "signing keys",
                False,
                problem,
                "Check that `signet worker` is running. To see the keys, run `signet key list`",
            )
    yield from _used_keys(work)


def _used_keys(work: UnitOfWork) -> Iterator[Finding]:
    """Yield the keys that the rotation will soon wait for no longer, although they are still used."""
    for key in waiting.find_statuses(work):
        limit, users = key.waits_until, waiting.describe(key.waits_for)
        if limit is None or not users or limit - work.now > NEARLY_OVER * work.settings.key_max_wait:
            continue
        if key.removal is None:
            problem = (
                f"the next {key.row.alg} key signs from {limit:%Y-%m-%d %H:%M} UTC, and these do not know it: {users}"
            )
            fix = "Let them fetch the key set at least once a day. To wait longer, raise SIGNET_KEY_MAX_WAIT"
        else:
            problem = (
                f"the retired {key.row.alg} key is removed at {limit:%Y-%m-%d %H:%M} UTC and still used by {users}"
            )
            fix = (
                "Restart these apps, or raise SIGNET_KEY_MAX_WAIT. If no token lifetime was shortened, the key may "
                f"have leaked: run `signet key revoke {key.row.kid}`"
            )
        yield Finding("signing keys", False, problem, fix)


def _requirements(work: UnitOfWork) -> Iterator[Finding]:
    for role, required in find_required_factors(work.read).items():
        if not can_meet(work.settings, REQUIRED_FACTORS[required]):
            problem = f"it requires {required}, which no one can set up here, so its users cannot sign in to any app"
            yield Finding(f"role {role}", False, problem, "Change it at /admin/roles, or turn the feature on")
    unmet = [name for name, level in REQUIRED_FACTORS.items() if not can_meet(work.settings, level)]
    for client_id, required in clients.find_requiring(work.read, unmet, limit=MOST_CLIENTS) if unmet else ():
        problem = f"it requires {required}, which no one can set up here, so no one can sign in to it"
        fix = "Change its required_factor with `signet client update`, or turn the feature on"
        yield Finding(f"client {client_id}", False, problem, fix)


def _redis(url: str | None) -> Iterator[Finding]:
    if url is None:
        return
    import redis  # noqa: PLC0415  # most installations have none

    try:
        require_redis(url, timeout=PATIENCE)
    except (redis.RedisError, OSError, ValueError) as error:
        yield Finding("SIGNET_REDIS_URL", True, f"cannot reach Redis ({type(error).__name__})", REDIS_FIX)


def _mail_server(settings: Settings) -> Iterator[Finding]:
    where, now = f"{settings.smtp_host}:{settings.smtp_port}", datetime.now(UTC)
    for problem in check_settings(settings, Outbound(settings, clock=utc_now), now=now, timeout=PATIENCE):
        yield Finding(problem.setting, True, f"{where}: {problem.said}. No email will be sent", problem.fix)
