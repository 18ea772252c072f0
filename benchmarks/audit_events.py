"""Audit events of a year, on PostgreSQL: as many as asked for, in partitions as the service makes them.

Each month is filled without indexes, which are built afterwards in memory: a fraction of the time of inserts into
them. Persons, applications, networks and kinds are spread as in a service: a few are in many events. The first month is
worked out, the others are its copies, later.
"""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, NullPool, create_engine

from benchmarks.filling import BUSY, USER, id_of
from provider.database.partitions import AHEAD, find, first_of_month
from provider.work import Installation

MONTHS = 12
"""The events are of so many months, the present one included."""
TABLE = "audit_events"
KINDS = (
    "('{session.signed_in, session.signed_in, session.signed_in, session.signed_in, session.signed_in,"
    " session.signed_out, session.signed_out, session.sign_in.failed, consent.granted, token.revoked,"
    " account.password.changed, session.new_device}'::text[])"
)
RARE, RARE_IS = "account.deleted", 20_000
"""A kind of event, and of how many events one is of it."""
OPERATED, OPERATORS = 500, 10
"""Of so many events, one is an operator's; the operators are the persons 0 to 9."""


def add(installation: Installation, *, events: int, people: int, clients: Sequence[str]) -> None:
    """Replace the audit log by one of about so many events. The first of `clients` have more of them than the last."""
    engine = create_engine(installation.database.engine.url, poolclass=NullPool)
    now = datetime.now(UTC)
    months = [first_of_month(now, later=later) for later in range(1 - MONTHS, AHEAD + 1)]
    with engine.connect() as db:
        db.exec_driver_sql("SET statement_timeout = 0")
        db.exec_driver_sql("SET maintenance_work_mem = '1GB'")
        for one in find(db, TABLE):
            db.exec_driver_sql(f"DROP TABLE {one.name}")
        db.commit()
        step = (now - months[0]).total_seconds() / events
        for month in months:
            began, name, until = time.monotonic(), f"{TABLE}_{month:%Y_%m}", first_of_month(month, later=1)
            db.exec_driver_sql(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS)")
            rows = 0
            if month == months[0]:
                count = int((until - month).total_seconds() / step)
                rows = _execute(db, _rows(name, month, step, count, people=people, clients=clients))
            elif month <= now:
                rows = _execute(db, _copy(name, months[0], month, min(until, now)))
            _attach(db, name, month, until)
            took = time.monotonic() - began
            print(f"{month:%Y-%m}: {rows:,} audit events in {took:.0f} s", file=sys.stderr, flush=True)
        db.connection.driver_connection.autocommit = True  # type: ignore[union-attr]
        db.exec_driver_sql(f"VACUUM ANALYZE {TABLE}")
        db.invalidate()


def _execute(db: Connection, statement: str) -> int:
    return db.exec_driver_sql(statement.replace("%", "%%")).rowcount


def _attach(db: Connection, name: str, month: datetime, until: datetime) -> None:
    db.exec_driver_sql(f"ALTER TABLE {name} ADD PRIMARY KEY (id, at)")
    definitions = db.exec_driver_sql(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass AND NOT indisprimary", (TABLE,)
    )
    for (definition,) in definitions.all():
        db.exec_driver_sql(f"CREATE INDEX ON {name} USING {definition.partition(' USING ')[2]}")
    bounds = f"FROM ('{month.isoformat()}') TO ('{until.isoformat()}')"
    db.exec_driver_sql(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES {bounds}")
    db.commit()


def _rows(name: str, month: datetime, step: float, count: int, *, people: int, clients: Sequence[str]) -> str:
    number = f"lpad(to_hex(1 + (power(random(), 2) * {people - 1})::int), 12, '0')"
    person = f"overlay('{id_of(USER, 0)}' placing {number} from 25)"
    apps = ", ".join(f"'{each}'" for each in clients)
    operator = f"'user {id_of(USER, 0)[:-1]}' || n / {OPERATED} % {OPERATORS}"
    return f"""
        INSERT INTO {name} (id, at, name, user_id, client_id, network, user_agent, request_id, details)
        SELECT
          ({_milliseconds("at")} || '7000a' || lpad(to_hex(n), 15, '0'))::uuid, at,
          CASE WHEN n % {RARE_IS} = 0 THEN '{RARE}' ELSE {KINDS}[1 + (random() * 11)::int] END,
          CASE WHEN n % 2000 = 1 THEN '{id_of(USER, BUSY)}'::uuid WHEN n % 20 <> 3 THEN {person}::uuid END,
          CASE WHEN n % 4 <> 3 THEN (ARRAY[{apps}])[1 + (power(random(), 3) * {len(clients) - 1})::int] END,
          '10.' || n * 7919 % 251 || '.' || (random() * 250)::int || '.0/24',
          'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
          lpad(to_hex(n * 2654435761 % 1099511627776), 32, '0'),
          CASE WHEN n % {OPERATED} = 0 THEN json_build_object('operator', {operator}, 'why', 'The person asked for it.')
            WHEN n % 12 < 6 THEN '{{"amr": "pwd", "session": "00000003-0000-7000-8000-000000000001"}}'::json
            ELSE '{{}}'::json END
        FROM (
          SELECT n, '{month.isoformat()}'::timestamptz + n * {step!r} * interval '1 second' AS at
          FROM generate_series(0::bigint, {count - 1}) AS s(n) OFFSET 0
        ) AS numbered
    """


def _copy(name: str, first: datetime, month: datetime, until: datetime) -> str:
    """The events of the first month, as many days later as this one is. Their ids say the new time, as UUIDv7 does."""
    later = f"interval '{(month - first).days} days'"
    return f"""
        INSERT INTO {name} (id, at, name, user_id, client_id, network, user_agent, request_id, details)
        SELECT ({_milliseconds(f"at + {later}")} || right(id::text, 23))::uuid, at + {later},
          name, user_id, client_id, network, user_agent, request_id, details
        FROM {TABLE}_{first:%Y_%m} WHERE at + {later} < '{until.isoformat()}'
    """


def _milliseconds(time: str) -> str:
    return f"lpad(to_hex((extract(epoch FROM {time}) * 1000)::bigint), 12, '0')"
