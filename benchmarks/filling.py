"""An installation as it is after years: many people, and what hangs on each of them. Written by the database itself.

Ids and addresses are made of a number, so that whoever measures knows what there is: person 1 is user1@example.test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine

from provider.work import Installation

USER, ADDRESS, SESSION, GRANT, DEVICE, LINK, EVENT, PROMISE, IDENTITY, ATTRIBUTE = range(1, 11)
"""What the first part of an id says."""
EVENT_NAMES = (
    "session.signed_in",
    "session.signed_out",
    "consent.granted",
    "token.revoked",
    "account.password.changed",
)
BUSY = 1
"""The person with more sessions, grants, events and groups than others."""
GROUPS, LARGE_GROUP = 1000, 10_000
"""How many groups there are besides the one with many members, and how many members that has."""


def id_of(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-7000-8000-{number:012x}"


@dataclass(frozen=True)
class Writing:
    """Inserts, in what both databases understand."""

    db: Connection
    hash: str
    client_id: str

    @property
    def sqlite(self) -> bool:
        return self.db.dialect.name == "sqlite"

    def id(self, kind: int, number: str = "n") -> str:
        if self.sqlite:
            return f"printf('{kind:08x}000070008000%012x', {number})"
        return f"('{kind:08x}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"

    def ago(self, seconds: str) -> str:
        """A moment; in the future with seconds below nought."""
        if self.sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', (-({seconds})) || ' seconds')"
        return f"now() - ({seconds}) * interval '1 second'"

    def midnight(self, days: str) -> str:
        """The beginning of a day (UTC), so many days ago."""
        if self.sqlite:
            return f"strftime('%Y-%m-%d 00:00:00.000000', 'now', (-({days})) || ' days')"
        return f"date_trunc('day', now(), 'UTC') - ({days}) * interval '1 day'"

    def digest(self, kind: int) -> str:
        return "randomblob(32)" if self.sqlite else f"sha256(('{kind} ' || n)::bytea)"

    def json(self, expression: str) -> str:
        return expression if self.sqlite else f"({expression})::json"

    def insert(self, table: str, count: int, /, **columns: str) -> None:
        """As many rows; each expression may use `n`, which counts from 1."""
        if self.sqlite:
            numbers = (
                f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count}) SELECT n FROM c"
            )
        else:
            numbers = f"SELECT n FROM generate_series(1::bigint, {count}) AS s(n)"
        values = ", ".join(columns.values())
        statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM ({numbers}) AS numbers"
        self.db.exec_driver_sql(statement if self.sqlite else statement.replace("%", "%%"))


def fill(installation: Installation, *, people: int, password_hash: str, client_id: str) -> None:
    """`people` accounts, twice as many audit events, a third as many sessions and grants."""
    # A statement here takes minutes; the engine of the service gives up after seconds.
    engine = create_engine(installation.database.engine.url, poolclass=NullPool)
    with engine.connect() as db:
        hurry(db)
        writing = Writing(db, password_hash, client_id)
        with without_trigrams(db):
            _people(writing, people)
        _groups_and_attributes(writing, people)
        _what_they_did(writing, people)
        _the_rest(writing, people)
        db.commit()
        if db.dialect.name == "postgresql":  # its daemon does so by itself
            driver: Any = db.connection.driver_connection
            driver.autocommit = True
            db.exec_driver_sql("VACUUM ANALYZE")
        db.invalidate()  # in haste for good


def hurry(db: Connection) -> None:
    """Not as the service writes: nothing is synced, and no foreign key is looked up."""
    if db.dialect.name == "sqlite":
        for pragma in ("synchronous=OFF", "cache_size=-400000", "foreign_keys=OFF", "temp_store=MEMORY"):
            db.exec_driver_sql(f"PRAGMA {pragma}")
    else:
        db.exec_driver_sql("SET session_replication_role = replica; SET statement_timeout = 0")
        db.commit()


@contextmanager
def without_trigrams(db: Connection) -> Iterator[None]:
    """The index of texts on PostgreSQL is dropped and created again: a tenth of the time of a million inserts."""
    if db.dialect.name == "sqlite":
        yield
        return
    index = db.exec_driver_sql(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_user_search_texts_trigrams'"
    ).scalar_one()
    db.exec_driver_sql("DROP INDEX ix_user_search_texts_trigrams")
    yield
    db.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
    db.exec_driver_sql(index)


def _people(writing: Writing, people: int) -> None:
    w, day = writing, 86400
    since = f"(({people} - n) * 3600 % {900 * day}) + 3600"
    name = "'Given' || (n % 1000) || ' Family' || (n % 50000)"
    w.insert(
        "users",
        people,
        id=w.id(USER),
        status="CASE WHEN n % 200 = 99 THEN 'SUSPENDED' ELSE 'ACTIVE' END",
        created_at=w.ago(since),
        updated_at=w.ago(since),
        claims=w.json(f"'{{\"name\": \"' || {name} || '\"}}'"),
        roles=w.json("'[]'"),
    )
    address = "'user' || n || '@example.test'"
    w.insert(
        "email_addresses",
        people,
        id=w.id(ADDRESS),
        user_id=w.id(USER),
        address=address,
        normal=address,
        created_at=w.ago(since),
        verified_at=w.ago(since),
    )
    w.insert("user_roles", people, role="CASE WHEN n % 50000 = 7 THEN 'staff' ELSE 'customer' END", user_id=w.id(USER))
    w.insert("two_factor_choices", people // 5, user_id=w.id(USER, "n * 5"), created_at=w.ago(since))
    w.insert("passwords", people, user_id=w.id(USER), hash=f"'{w.hash}'", changed_at=w.ago(since))
    for key in (address, "'given' || (n % 1000) || ' family' || (n % 50000)", "'family' || (n % 50000)"):
        w.insert("search_keys", people, key=key, user_id=w.id(USER))
    # In the order of places on SQLite, whose index of texts is written much faster then.
    place = f"n * {2**40}" if w.sqlite else "('x' || substr(md5(n::text), 1, 15))::bit(60)::bigint"
    line = "char(10)" if w.sqlite else "chr(10)"
    w.insert("user_search_texts", people, place=place, owner=w.id(USER), text=f"{address} || {line} || lower({name})")


def _groups_and_attributes(writing: Writing, people: int) -> None:
    """Each user has two attributes and is in one group; 10,000 are in `large`, and the busy one is in 500 groups."""
    w, now = writing, writing.ago("0")
    for number, name, kind in ((1, "customer_number", "text"), (2, "tier", "enum")):
        w.insert(
            "user_attributes",
            1,
            id=w.id(ATTRIBUTE, str(number)),
            name=f"'{name}'",
            type=f"'{kind}'",
            label=w.json(f'\'{{"en": "{name}"}}\''),
            help=w.json("'{}'"),
            rules=w.json('\'{"values": {"gold": {}, "silver": {}}}\'' if kind == "enum" else "'{}'"),
            seen_by=w.json('\'["api", "operator", "user"]\''),
            edited_by=w.json('\'["api", "operator"]\''),
            shown_at=w.json("'[\"profile\"]'"),
            required_at=w.json("'[]'"),
            searchable="true",
            position=str(number),
            scope="'profile'",
            claim=f"'{name}'",
            released_since=writing.ago("86400 * 400"),
            created_at=now,
            updated_at=now,
        )
    text = "CASE n % 10 WHEN 0 THEN 'gold' ELSE 'silver' END"
    for number, value in ((1, "'c' || n"), (2, f"({text})")):
        w.insert(
            "user_attribute_values",
            people,
            user_id=w.id(USER),
            attribute_id=w.id(ATTRIBUTE, str(number)),
            value=f"'\"' || {value} || '\"'",
            search_key=value,
            updated_at=now,
        )
    described = {"display_name": "'Group'", "description": "'A group'", "created_at": now, "updated_at": now}
    w.insert("user_groups", GROUPS, name="'group' || n", **described)
    w.insert("user_groups", 1, name="'large'", **described)
    w.insert("group_roles", 1, group_name="'large'", role="'customer'")
    w.insert("nested_groups", GROUPS // 10, group_name="'large'", contained="'group' || n")
    w.insert("group_members", people, group_name=f"'group' || (n % {GROUPS} + 1)", user_id=w.id(USER))
    w.insert("group_members", min(LARGE_GROUP, people), group_name="'large'", user_id=w.id(USER))
    w.insert("group_members", 500, group_name="'group' || (n + 100)", user_id=w.id(USER, str(BUSY)))


def _what_they_did(writing: Writing, people: int) -> None:
    w, some, day = writing, people // 3, 86400
    # Most of them somebody's only one, and fifty of the busy one's.
    owner = w.id(USER, f"CASE WHEN n <= 50 THEN {BUSY} ELSE n * 3 END")
    begun = f"n % {20 * day}"
    w.insert(
        "sessions",
        some,
        id=w.id(SESSION),
        digest=w.digest(SESSION),
        user_id=owner,
        created_at=w.ago(begun),
        auth_time=w.ago(begun),
        amr="'pwd'",
        # Half of a sign-in's time later: most have been idle for longer than a session may be.
        last_seen=w.ago(f"({begun}) / 2"),
        expires_at=w.ago(f"-(n % {20 * day}) - 3600"),
        network="'192.0.2.0/24'",
        user_agent="'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'",
    )
    w.insert(
        "grants",
        some,
        id=w.id(GRANT),
        user_id=owner,
        client_id=f"'{w.client_id}'",
        session_id=w.id(SESSION),
        scope="'openid profile email offline_access'",
        claims=w.json("'{}'"),
        offline="true",
        auth_time=w.ago(begun),
        amr="'pwd'",
        created_at=w.ago(begun),
        expires_at=w.ago(f"-(n % {60 * day}) - 3600"),
        resources=w.json("'[]'"),
    )
    w.insert(
        "refresh_tokens",
        some,
        digest=w.digest(GRANT),
        grant_id=w.id(GRANT),
        generation="0",
        expires_at=w.ago(f"-(n % {60 * day}) - 3600"),
    )
    w.insert(
        "consents",
        some,
        user_id=w.id(USER, "n"),
        client_id=f"'{w.client_id}'",
        scopes=w.json('\'["openid", "profile", "email", "offline_access"]\''),
        claims=w.json("'[]'"),
        granted_at=w.ago(begun),
    )
    names = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(EVENT_NAMES))
    w.insert(
        "audit_events",
        2 * people,
        id=w.id(EVENT),
        at=w.ago(f"({2 * people} - n) * {300 * day} / {2 * people} + 60"),
        name=f"CASE n % {len(EVENT_NAMES)} {names} END",
        user_id=w.id(USER, f"CASE WHEN n % 1000 = 0 THEN {BUSY} ELSE n % {people} + 1 END"),
        client_id=f"CASE WHEN n % 3 = 0 THEN '{w.client_id}' END",
        network="'192.0.2.0/24'",
        user_agent="'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'",
        request_id="'request'",
        details=w.json("'{}'"),
    )


def _the_rest(writing: Writing, people: int) -> None:
    w, day = writing, 86400
    w.insert("active_users", people // 2, user_id=w.id(USER), day=w.midnight("n % 400"))
    w.insert("daily_counts", 80_000, name="'app:app' || (n % 200)", day=w.midnight("n / 200"), count="n % 1000")
    names = "(CASE n % 3 WHEN 0 THEN 'sign_in.done' WHEN 1 THEN 'token.issued' ELSE 'users.active' END)"
    w.insert("daily_counts", 1_200, name=names, day=w.midnight("n / 3"), count="n % 1000")
    w.insert(
        "known_devices",
        people // 5,
        id=w.id(DEVICE),
        user_id=w.id(USER, "n * 5"),
        digest=w.digest(DEVICE),
        created_at=w.ago(f"n % {50 * day}"),
        last_used_at=w.ago(f"n % {50 * day}"),
    )
    w.insert(
        "one_time_links",
        people // 20,
        id=w.id(LINK),
        digest=w.digest(LINK),
        purpose="'reset'",
        user_id=w.id(USER, "n * 20"),
        address_id=w.id(ADDRESS, "n * 20"),
        medium="'mail'",
        status="'ACTIVE'",
        created_at=w.ago("n % 1800"),
        expires_at=w.ago("n % 1800 - 1800"),
    )
    w.insert(
        "linked_identities",
        people // 10,
        id=w.id(IDENTITY),
        user_id=w.id(USER, "n"),
        issuer="'https://accounts.example.test'",
        subject="'subject' || n",
        created_at=w.ago("n"),
        last_used_at=w.ago("n"),
    )
    w.insert(
        "outbox",
        people // 5,
        id=w.id(PROMISE),
        topic="'mail'",
        about="'hello to user' || n || '@example.test'",
        state="CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'kept' END",
        attempts="1",
        created_at=w.ago(f"n % {28 * day}"),
        next_at=w.ago(f"n % {28 * day}"),
    )
    w.insert(
        "refusals",
        people // 10,
        error_id="'e' || n",
        at=w.ago(f"n % {6 * day}"),
        endpoint="'token'",
        client_id=f"'{w.client_id}'",
        network="'192.0.2.0/24'",
        error="'invalid_grant'",
        description="'The code is not known.'",
        checks=w.json("'[]'"),
    )
    w.insert(
        "failure_counters",
        people // 20,
        kind="'password'",
        subject="'somebody' || n",
        failures="3",
        last_at=w.ago(f"n % {day}"),
    )
    # What may go: an hour's work for the purge.
    w.insert(
        "authorization_requests",
        people // 50,
        digest=w.digest(0),
        client_id=f"'{w.client_id}'",
        parameters=w.json("'{}'"),
        created_at=w.ago("n + 3600"),
        expires_at=w.ago("n"),
    )
