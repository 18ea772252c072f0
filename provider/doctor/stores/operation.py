"""Examinations of how PostgreSQL is operated: logins, rights, standbys, indexes, logs, and how far away it is."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from provider.database.base import metadata
from provider.doctor.examination import Case
from provider.doctor.findings import Finding, Kind, problem, warning
from provider.doctor.stores.sessions import connect
from provider.doctor.transport import Unreachable

MANUAL, POSTGRESQL = "https://www.postgresql.org/docs/current/", "docs/start/install-postgresql.md"
SLOW = 0.02
"""How long one query may take on the way, in seconds. A sign-in needs about thirty."""
MOST_LAG = 30.0
"""How old a replica may be, in seconds."""

LOGIN_REJECTED = problem(
    "database.login-is-rejected",
    why="Processes cannot start, and those that run fail at their next connection.",
    fix="Correct user, password or database in SIGNET_DATABASE_URL, or pg_hba.conf of the server.",
    section=POSTGRESQL,
)
NO_CONNECTION_LEFT = problem(
    "database.no-connection-is-left",
    why="Requests that need a new connection fail with 503.",
    fix="Find who holds the connections in pg_stat_activity, raise max_connections, or use PgBouncer.",
    section="docs/operate/scale.md",
)
TLS_FAILS = problem(
    "database.tls-fails",
    why="The server and SIGNET_DATABASE_URL do not agree on TLS, so no process can connect.",
    fix="Correct sslmode and sslrootcert in SIGNET_DATABASE_URL, or the certificate of the server.",
    section=f"{MANUAL}libpq-ssl.html",
)
NO_RIGHTS = problem(
    "database.rights-are-missing",
    why="What needs these tables fails with an error, often only later, such as a deletion at night.",
    fix="Let the role of Signet own the tables: `REASSIGN OWNED BY old TO name`, as the owner.",
    section=POSTGRESQL,
)
NOT_SEEN = problem(
    "database.tables-are-not-found",
    why="The tables are in a schema that is not searched, or the database is another one.",
    fix="Run `ALTER ROLE name SET search_path TO schema`, or correct the database in SIGNET_DATABASE_URL.",
    section=f"{MANUAL}ddl-schemas.html",
)
ROW_SECURITY = problem(
    "database.row-security",
    why="Row-level security hides rows from Signet, so accounts and tokens seem not to exist.",
    fix="Run `ALTER TABLE name DISABLE ROW LEVEL SECURITY` for these tables. Some hosted databases turn it on.",
    section=f"{MANUAL}ddl-rowsecurity.html",
)
WAITS_FOR_NO_ONE = problem(
    "database.synchronous-standby-is-away",
    why="Every change waits for a standby that is not connected, until it times out with 503.",
    fix="Start the standby, or empty synchronous_standby_names and reload.",
    section=f"{MANUAL}warm-standby.html",
)
INVALID_INDEX = problem(
    "database.index-is-invalid",
    why="PostgreSQL does not use it, so queries are slow. After a failed CREATE INDEX CONCURRENTLY it stays like this.",
    fix="Run `REINDEX INDEX CONCURRENTLY name`.",
    section=f"{MANUAL}sql-reindex.html",
)
NO_VACUUM_OF = problem(
    "database.table-is-not-vacuumed",
    why="Autovacuum is turned off for these tables, so they grow and queries slow down.",
    fix="Run `ALTER TABLE name RESET (autovacuum_enabled)`.",
    section=f"{MANUAL}routine-vacuuming.html",
)
UNLOGGED = problem(
    "database.table-is-unlogged",
    why="These tables are emptied after a crash of the server, and standbys do not have them.",
    fix="Run `ALTER TABLE name SET LOGGED`.",
    section=f"{MANUAL}sql-createtable.html",
)
LOGS_EVERYTHING = warning(
    "database.logs-statements",
    why="The log of the server gets personal data, such as email addresses, and digests of secrets.",
    fix="Set `log_statement = none` or ddl, and log_min_duration_statement to a second or more.",
    section=f"{MANUAL}runtime-config-logging.html",
)
FAR_AWAY = warning(
    "database.is-far-away",
    why="A sign-in asks the database about thirty times, so it takes seconds.",
    fix="Run Signet in the same region and network as the database.",
    section="docs/operate/scale.md",
)
REPLICA_BEHIND = warning(
    "database.replica-is-behind",
    why="Signet reads lists from the primary instead, which has more to do. After a fail-over, changes would be lost.",
    fix="Look at the log of the replica, and at its disk and network.",
    section="docs/operate/scale.md",
)
PATTERNS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (NO_CONNECTION_LEFT, ("too many clients", "remaining connection slots", "too many connections")),
    (TLS_FAILS, ("server does not support ssl", "certificate verify failed", "ssl error", "root certificate")),
    (
        LOGIN_REJECTED,
        ("password authentication failed", "no pg_hba.conf entry", "does not exist", "not permitted to log in"),
    ),
)
"""What is in the errors of the server and of libpq."""

OURS = "n.oid = c.relnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY(%s) AND pg_table_is_visible(c.oid)"
TABLES = "SELECT coalesce(string_agg(c.relname, ', ' ORDER BY c.relname), '') FROM pg_class c, pg_namespace n WHERE "
FACTS: Mapping[str, str] = {
    "seen": f"SELECT count(*) FROM pg_class c, pg_namespace n WHERE {OURS}",
    "without_rights": f"{TABLES}{OURS} AND NOT (has_table_privilege(c.oid, 'SELECT') AND"
    " has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND"
    " has_table_privilege(c.oid, 'DELETE'))",
    "row_security": f"{TABLES}{OURS} AND row_security_active(c.oid)",
    "not_vacuumed": f"{TABLES}{OURS} AND 'autovacuum_enabled=false' = ANY(c.reloptions)",
    "unlogged": f"{TABLES}{OURS} AND c.relpersistence = 'u'",
    "invalid": "SELECT coalesce(string_agg(i.indexrelid::regclass::text, ', '), '') FROM pg_index i, pg_class c,"
    f" pg_namespace n WHERE c.oid = i.indrelid AND NOT i.indisvalid AND {OURS}",
    "waits_for": "SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN '' ELSE"
    " current_setting('synchronous_standby_names') END",
    "standbys": "SELECT count(*) FROM pg_stat_replication",
    "log_statement": "SELECT current_setting('log_statement')",
    "log_duration": "SELECT current_setting('log_min_duration_statement')",
}
LAG = (
    "SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE"
    " coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END"
)


def examine(case: Case) -> Iterator[Finding]:
    """Examine how PostgreSQL is operated. Raises Unreachable."""
    try:
        facts = read_facts(case.settings.database_url)
    except Unreachable as failed:
        found = rejected(failed)
        if found is None:
            raise
        yield found
        return
    yield from judge(facts)
    if case.settings.database_read_url is not None:
        yield from _replica(case.settings.database_read_url)


def read_facts(database_url: str) -> dict[str, Any]:
    """Return FACTS, and how long a query takes at least. Raises Unreachable."""
    names = sorted(table.name for table in metadata.tables.values())
    with connect(database_url) as connection:
        facts: dict[str, Any] = {"tables": len(names)}
        for name, query in FACTS.items():
            facts[name] = connection.execute(query, (names,) if "%s" in query else None).fetchone()[0]
        facts["seconds"] = min(_seconds(connection) for _ in range(5))
    return facts


def _seconds(connection: Any) -> float:
    began = time.monotonic()
    connection.execute("SELECT 1").fetchone()
    return time.monotonic() - began


def rejected(failed: Unreachable) -> Finding | None:
    """Return why the server rejects a connection, or None if it does not answer at all."""
    said = failed.reason.lower()
    kind = next((kind for kind, marks in PATTERNS if any(mark in said for mark in marks)), None)
    return None if kind is None else kind.found(f"The database rejects the connection: {failed.reason}.")


def judge(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with these facts."""
    if facts["seen"] == 0:
        yield NOT_SEEN.found("None of the tables of Signet is found.")
    named = (
        (NO_RIGHTS, "without_rights", "The role of Signet may not read and change"),
        (ROW_SECURITY, "row_security", "Row-level security applies to"),
        (NO_VACUUM_OF, "not_vacuumed", "Autovacuum is off for"),
        (UNLOGGED, "unlogged", "These tables are unlogged:"),
        (INVALID_INDEX, "invalid", "These indexes are invalid:"),
    )
    for kind, fact, said in named:
        if facts[fact]:
            yield kind.found(f"{said} {str(facts[fact])[:200]}.")
    if facts["waits_for"] and not facts["standbys"]:
        yield WAITS_FOR_NO_ONE.found(f"synchronous_standby_names is {facts['waits_for']}, and no standby is connected.")
    if facts["log_statement"] in {"all", "mod"} or facts["log_duration"] == "0":
        duration = f"log_min_duration_statement is {facts['log_duration']}"
        yield LOGS_EVERYTHING.found(f"log_statement is {facts['log_statement']}, and {duration}.")
    if facts["seconds"] > SLOW:
        yield FAR_AWAY.found(f"A query takes {facts['seconds'] * 1000:.0f} ms at least.")


def _replica(url: str) -> Iterator[Finding]:
    try:
        with connect(url) as connection:
            lag = float(connection.execute(LAG).fetchone()[0])
    except Unreachable:
        return  # the examination of the system says so
    if lag > MOST_LAG:
        yield REPLICA_BEHIND.found(f"The replica is {lag:.0f} seconds behind.")
