"""Examinations of PostgreSQL: settings that lose data, limits that are reached, and servers that need care."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from provider import processes
from provider.database.engine import pool_size
from provider.doctor.examination import Case
from provider.doctor.findings import Finding, fine, problem, warning
from provider.doctor.stores.sessions import connect
from provider.work import unit_of_work

OLDEST = 13
"""The oldest major version that its developers still maintained when this was written."""
FULL = 0.8
"""The share of the connections in use above which to warn."""
MOST_AGE = 1_000_000_000
"""Transactions since the last freeze. At about two billion, PostgreSQL stops accepting writes."""
LONG = timedelta(minutes=15)
MANUAL, POSTGRESQL = "https://www.postgresql.org/docs/current/", "docs/start/install-postgresql.md"

NO_FSYNC = problem(
    "database.fsync-is-off",
    why="After a crash of the machine the database can be damaged beyond repair, or revoked tokens be valid again.",
    fix="Set `fsync = on` in postgresql.conf and reload.",
    section=f"{MANUAL}runtime-config-wal.html",
)
NO_FULL_PAGES = problem(
    "database.full-page-writes-is-off",
    why="After a crash of the machine, pages of the database can be half written.",
    fix="Set `full_page_writes = on` in postgresql.conf and reload.",
    section=f"{MANUAL}runtime-config-wal.html",
)
NO_SYNC_COMMIT = problem(
    "database.synchronous-commit-is-off",
    why="After a crash the last changes are lost: a revoked token or a changed password is as before.",
    fix="Set `synchronous_commit = on` for the database and the role of Signet.",
    section=f"{MANUAL}runtime-config-wal.html",
)
OTHER_TIME_ZONE = warning(
    "database.time-zone",
    why="Signet stores times with their zone, so nothing is wrong. Reports and scripts of yours may be off by hours.",
    fix="Run `ALTER DATABASE name SET timezone TO 'UTC'`.",
    section=f"{MANUAL}datatype-datetime.html",
)
OTHER_ISOLATION = warning(
    "database.isolation",
    why="Signet is written for READ COMMITTED. With another level, requests fail under load and are repeated.",
    fix="Run `ALTER DATABASE name SET default_transaction_isolation TO 'read committed'`.",
    section=f"{MANUAL}transaction-iso.html",
)
READ_ONLY = problem(
    "database.read-only",
    why="Signet cannot record sign-ins, tokens or codes. All of them fail with 503.",
    fix="Point SIGNET_DATABASE_URL at the primary, or set `default_transaction_read_only = off`.",
    section="docs/operate/scale.md",
)
TOO_FEW_CONNECTIONS = problem(
    "database.too-few-connections",
    why="Under load, processes get no connection, and requests fail with 503.",
    fix="Raise max_connections, put a pooler in front, or lower SIGNET_THREADS or the number of processes.",
    section="docs/operate/scale.md",
)
NEARLY_FULL = warning(
    "database.connections-are-nearly-used-up",
    why="When none is left, requests fail with 503.",
    fix="Find who holds them in pg_stat_activity, or raise max_connections.",
    section="docs/operate/scale.md",
)
ROLE_LIMIT = problem(
    "database.role-connection-limit",
    why="The role or the database allows fewer connections than the processes of Signet open.",
    fix="Run `ALTER ROLE name CONNECTION LIMIT -1`, and the same for the database.",
    section=f"{MANUAL}sql-alterrole.html",
)
OLD = warning(
    "database.old-version",
    why="This version gets no more corrections for security and lost data.",
    fix="Upgrade PostgreSQL to a version that is maintained.",
    section="https://www.postgresql.org/support/versioning/",
)
NOT_UTF8 = problem(
    "database.not-utf8",
    why="Names with other characters cannot be stored, so requests of these users fail.",
    fix="Export the data, create a database with ENCODING 'UTF8', and import it.",
    section=POSTGRESQL,
)
OTHER_COLLATION = problem(
    "database.collation-version",
    why="The operating system sorts text differently since an update. Unique indexes may miss duplicates.",
    fix="Run `REINDEX DATABASE name`, then `ALTER DATABASE name REFRESH COLLATION VERSION`.",
    section=f"{MANUAL}sql-altercollation.html",
)
NO_AUTOVACUUM = problem(
    "database.autovacuum-is-off",
    why="Tables grow and queries slow down, until the database stops accepting writes.",
    fix="Set `autovacuum = on` and `track_counts = on` in postgresql.conf and reload.",
    section=f"{MANUAL}routine-vacuuming.html",
)
NEAR_WRAPAROUND = problem(
    "database.transaction-ids",
    why="When transaction ids run out, PostgreSQL stops accepting writes.",
    fix="Run `VACUUM FREEZE`, and find what holds back autovacuum: old transactions, slots, prepared transactions.",
    section=f"{MANUAL}routine-vacuuming.html",
)
LONG_TRANSACTION = warning(
    "database.long-transaction",
    why="Deleted rows stay on disk as long as it is open, and tables grow.",
    fix="Find it in pg_stat_activity and end it. Set idle_in_transaction_session_timeout.",
    section=f"{MANUAL}routine-vacuuming.html",
)
PREPARED = warning(
    "database.prepared-transaction",
    why="Signet uses none. A forgotten one keeps locks and deleted rows.",
    fix="Find it in pg_prepared_xacts, and roll it back.",
    section=f"{MANUAL}sql-prepare-transaction.html",
)
SUPERUSER = warning(
    "database.superuser",
    why="A flaw in Signet could then change other databases of the server, and files.",
    fix="Let Signet connect as a role that owns its database and is no superuser.",
    section=POSTGRESQL,
)
UNENCRYPTED = warning(
    "database.connection-is-not-encrypted",
    why="Personal data and digests can be read on the way between Signet and the database.",
    fix="Add ?sslmode=verify-full to SIGNET_DATABASE_URL, and turn on TLS in PostgreSQL.",
    section=f"{MANUAL}ssl-tcp.html",
)
STANDBY_SLOT = warning(
    "database.inactive-slot",
    why="The server keeps all changes for a standby that does not fetch them, until its disk is full.",
    fix="Start the standby, or drop the slot with pg_drop_replication_slot.",
    section=f"{MANUAL}warm-standby.html",
)

SETTINGS = (
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "TimeZone",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "max_connections",
    "superuser_reserved_connections",
    "server_version_num",
    "server_encoding",
    "autovacuum",
    "track_counts",
)
FACTS = {
    "recovery": "SELECT pg_is_in_recovery()",
    "connections": "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'",
    "role_limit": "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user",
    "database_limit": "SELECT datconnlimit FROM pg_database WHERE datname = current_database()",
    "superuser": "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
    "age": "SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()",
    "oldest": "SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND datname = current_database()",
    "prepared": "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()",
    "local": "SELECT inet_client_addr() IS NULL OR inet_client_addr() <<= '127.0.0.0/8' OR inet_client_addr() = '::1'",
    "encrypted": "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)",
    "slots": "SELECT count(*) FROM pg_replication_slots WHERE NOT active",
    "collation": "SELECT datcollversion IS NOT DISTINCT FROM pg_database_collation_actual_version(oid)"
    " FROM pg_database WHERE datname = current_database()",
}


@dataclass(frozen=True)
class Use:
    """How many processes of Signet there are, and how many connections each opens at most."""

    processes: int
    each: int


def examine(case: Case) -> Iterator[Finding]:
    """Examine PostgreSQL. Raises Unreachable, or one of OUTAGES."""
    facts = read_facts(case.settings.database_url)
    with unit_of_work(case.inside) as work:
        running = len(processes.find_seen(work.read, since=work.now - processes.RUNNING_WITHIN))
    yield from judge(facts, Use(running, pool_size(case.settings)))


def read_facts(database_url: str) -> dict[str, Any]:
    """Return SETTINGS and FACTS, as a session has them that sets nothing itself. Raises Unreachable."""
    with connect(database_url) as connection:
        facts = {name: _ask(connection, f"SELECT current_setting('{name}')") for name in SETTINGS}
        for name, query in FACTS.items():
            # Version 15 is the first that knows the collation of a database.
            known = name != "collation" or int(facts["server_version_num"]) >= 150000
            facts[name] = _ask(connection, query) if known else True
    return facts


def _ask(connection: Any, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def judge(facts: Mapping[str, Any], use: Use) -> Iterator[Finding]:
    """Yield what is wrong with these facts."""
    found = [*_durability(facts), *_behavior(facts), *_capacity(facts, use), *_care(facts)]
    version = int(facts["server_version_num"]) // 10000
    yield fine("database.postgresql", f"PostgreSQL {version} has {facts['connections']} connections of clients.")
    yield from found


def _durability(facts: Mapping[str, Any]) -> Iterator[Finding]:
    if facts["fsync"] == "off":
        yield NO_FSYNC.found("fsync is off.")
    if facts["full_page_writes"] == "off":
        yield NO_FULL_PAGES.found("full_page_writes is off.")
    if facts["synchronous_commit"] == "off":
        yield NO_SYNC_COMMIT.found("synchronous_commit is off.")
    if facts["recovery"] or facts["default_transaction_read_only"] == "on":
        why = "it is a standby" if facts["recovery"] else "default_transaction_read_only is on"
        yield READ_ONLY.found(f"The database cannot be written: {why}.")


def _behavior(facts: Mapping[str, Any]) -> Iterator[Finding]:
    if str(facts["TimeZone"]) not in {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu", "Etc/UCT", "UCT"}:
        yield OTHER_TIME_ZONE.found(f"The time zone of the session is {facts['TimeZone']}.")
    if facts["default_transaction_isolation"] != "read committed":
        yield OTHER_ISOLATION.found(f"default_transaction_isolation is {facts['default_transaction_isolation']}.")
    if facts["server_encoding"] != "UTF8":
        yield NOT_UTF8.found(f"The encoding of the database is {facts['server_encoding']}.")
    if not facts["collation"]:
        yield OTHER_COLLATION.found("The database was created with another version of the collation.")


def _capacity(facts: Mapping[str, Any], use: Use) -> Iterator[Finding]:
    most = int(facts["max_connections"]) - int(facts["superuser_reserved_connections"])
    needed = max(1, use.processes) * use.each
    said = f"{max(1, use.processes)} processes of Signet open up to {needed} connections"
    if needed > most:
        yield TOO_FEW_CONNECTIONS.found(f"{said}, but max_connections leaves {most}.")
    elif facts["connections"] > FULL * most:
        yield NEARLY_FULL.found(f"{facts['connections']} of {most} connections are in use.")
    for name in ("role_limit", "database_limit"):
        if 0 <= facts[name] < needed:
            yield ROLE_LIMIT.found(f"{said}, but the {name.partition('_')[0]} of Signet may have {facts[name]}.")


def _care(facts: Mapping[str, Any]) -> Iterator[Finding]:
    if int(facts["server_version_num"]) < OLDEST * 10000:
        yield OLD.found(f"PostgreSQL is version {int(facts['server_version_num']) / 10000:.1f}.")
    if facts["autovacuum"] == "off" or facts["track_counts"] == "off":
        yield NO_AUTOVACUUM.found("autovacuum is off.")
    if facts["age"] > MOST_AGE:
        yield NEAR_WRAPAROUND.found(f"The oldest rows were frozen {facts['age']:,} transactions ago.")
    if facts["oldest"] > LONG.total_seconds():
        yield LONG_TRANSACTION.found(f"A transaction has been open for {int(facts['oldest']) // 60} minutes.")
    if facts["prepared"]:
        yield PREPARED.found(f"There are {facts['prepared']} prepared transactions.")
    if facts["slots"]:
        yield STANDBY_SLOT.found(f"{facts['slots']} replication slots are not in use.")
    if facts["superuser"]:
        yield SUPERUSER.found("Signet connects as a superuser.")
    if not facts["local"] and not facts["encrypted"]:
        yield UNENCRYPTED.found("The connection to PostgreSQL has no TLS.")
