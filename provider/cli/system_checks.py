"""Checks of a running installation: database, schema, keys, disk, clock and outbox; for a deployment also Redis and the
mail server.
"""

import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from provider.audit import store as audit
from provider.config.environment import SettingsError
from provider.config.production_checks import Finding
from provider.config.settings import Settings
from provider.installation import open_installation
from provider.jose.algorithms import KEY_PAIRS
from provider.mail import transport
from provider.oauth.keys import rotation
from provider.outbox import store as outbox
from provider.outbox.relay import PermanentFailure, TemporaryFailure
from provider.readiness import require_ready
from provider.web.network import is_trusted_proxy
from provider.work import UnitOfWork, unit_of_work

PATIENCE = 3.0
"""The timeout for Redis, and for each step with the mail server, in seconds."""
LITTLE, TOO_LITTLE = 1 << 30, 100 << 20
"""The free disk space of a SQLite database below which to warn and to report danger, in bytes."""
SKEW, TOO_MUCH_SKEW = timedelta(seconds=10), timedelta(seconds=60)
RECENT = timedelta(days=1)
"""The age up to which audit events are looked at."""
LATE_LETTERS, LATE_KEYS = timedelta(minutes=5), timedelta(days=1)


def look_around(settings: Settings, *, deploy: bool) -> Iterator[Finding]:
    """Yield the problems found, including those about to occur. With `deploy`, Redis and the mail server are checked
    too.
    """
    if settings.embedded:
        yield from _disk(Path(settings.database_url.removeprefix("sqlite:///")))
    try:
        require_ready(settings)
    except SettingsError as error:
        yield Finding("installation", True, str(error), "`signet serve` does not start like this")
    else:
        installation = open_installation(settings)
        try:
            with unit_of_work(installation) as work:
                yield from _clock(work)
                yield from _proxies(work)
                yield from _promises(work)
                yield from _keys(work)
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
        problem = f"{free >> 20} MiB are left beside {database}"
        yield Finding("disk", free < TOO_LITTLE, problem, "make room: a full disk answers 503")
    if stat.S_IMODE(database.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding("database file", False, f"{database} may be read by others", f"chmod 600 {database}")


def _clock(work: UnitOfWork) -> Iterator[Finding]:
    if work.installation.database.is_sqlite:
        return
    there = work.read.scalar(select(func.clock_timestamp()))
    skew = abs(datetime.now(UTC) - there) if isinstance(there, datetime) else timedelta(0)
    if skew > SKEW:
        problem = f"this machine and the database are {skew.total_seconds():.0f} seconds apart"
        yield Finding("clock", skew > TOO_MUCH_SKEW, problem, "let NTP keep both")


def _proxies(work: UnitOfWork) -> Iterator[Finding]:
    networks = [event.network for event in audit.find(work.read, since=work.now - RECENT, limit=200) if event.network]
    of_proxies = [network for network in networks if is_trusted_proxy(network, work.settings)]
    if of_proxies:
        problem = f"{len(of_proxies)} of the last {len(networks)} events seem to come from {of_proxies[0]}, your proxy"
        fix = (
            "have the proxy report the client's address in X-Forwarded-For, or in Forwarded with"
            " SIGNET_FORWARDED_HEADER=forwarded; if it reports one that cannot be read, such as `unknown`, the log"
            " shows it (proxy.address_unreadable). Until then its users share one limit"
        )
        yield Finding("SIGNET_TRUSTED_PROXIES", False, problem, fix)


def _promises(work: UnitOfWork) -> Iterator[Finding]:
    due_at = outbox.oldest_due(work.read, now=work.now)
    if due_at is not None and work.now - due_at > LATE_LETTERS:
        problem = f"something is due since {due_at:%Y-%m-%d %H:%M} UTC"
        yield Finding("outbox", False, problem, "does `signet worker` run? (`signet outbox list --state due`)")
    failed = sum(
        count for _, state, count in outbox.count_undelivered(work.read) if state == outbox.DeliveryState.FAILED
    )
    if failed:
        fix = "`signet outbox list --state failed` says why; `signet outbox retry --all`"
        yield Finding("outbox", False, f"{failed} letters or other promises were given up", fix)


def _keys(work: UnitOfWork) -> Iterator[Finding]:
    rows, interval = rotation.list_keys(work), work.settings.key_rotation
    for pair in KEY_PAIRS if interval else ():
        current = rotation.key_states_of(rows, pair).current
        signs_since = work.now if current is None else current.signs_from or current.created_at
        if work.now - signs_since > interval + LATE_KEYS:
            problem = f"the {pair} key signs since {signs_since:%Y-%m-%d}"
            yield Finding("signing keys", False, problem, "does `signet worker` run? (`signet key list`)")


def _redis(url: str | None) -> Iterator[Finding]:
    if url is None:
        return
    import redis

    try:
        with redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        yield Finding("SIGNET_REDIS_URL", True, f"Redis does not answer ({type(error).__name__})", "start or mend it")


def _mail_server(settings: Settings) -> Iterator[Finding]:
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        transport.greet(settings, timeout=PATIENCE)
    except (TemporaryFailure, PermanentFailure) as failure:
        yield Finding("SIGNET_SMTP_HOST", True, f"{where}: {failure}", "no letter leaves like this")
