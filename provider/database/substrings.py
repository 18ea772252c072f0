"""Search for a part of a text anywhere in it: texts of rows, indexed by their trigrams.

A trigram is three characters in succession. On PostgreSQL, a GIN index has the trigrams of each text, as returned by
the function `signet_trigrams` of the migration. It needs no extension, and has punctuation and every script. On SQLite,
triggers keep an FTS5 index of each table.

Each row has a random number, its place, and rows are found in the order of places. So how many rows a search reads does
not depend on where the matching ones are: either many match, and the first rows that are read contain enough, or few
match, and the index finds them.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    Table,
    cast,
    column,
    exists,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy import Text as AnyText  # `Text` alone is a sentence for people, for the catalogs
from sqlalchemy import table as named_table

from provider.database import dialect
from provider.database.base import metadata
from provider.database.prepared import Prepared

LENGTH = 3
"""The shortest part that can be searched for, in characters."""
READ_FIRST = 10_000
"""How many rows are read before the index is asked for a frequent part, on PostgreSQL."""
SAMPLED = 500
"""How many rows tell whether a part is frequent, and which of its trigrams are rare."""
RAREST = 3
"""How many trigrams the index is asked for. The rows of each are read, so others only cost time."""

Which = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""A condition for the owner of a text."""


def text_table(name: str, *, owner: Column[str]) -> Table:
    """Return a table with one text for each row of the table whose primary key is `owner`."""
    return Table(
        name,
        metadata,
        # The rowid of SQLite, by which its index is ordered.
        Column("place", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
        Column("owner", owner.type, ForeignKey(owner, ondelete="CASCADE"), nullable=False, unique=True),
        Column("text", AnyText().with_variant(AnyText(collation="C"), "postgresql"), nullable=False),
    )


def declare_index(table: Table) -> None:
    """Add the index of PostgreSQL to the metadata, for migrations.

    It makes SQLAlchemy load the dialect, for which commands on SQLite need not wait.
    """
    Index(
        f"ix_{table.name}_trigrams",
        func.signet_trigrams(table.c.text),
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},  # a search would read all that waits to be merged
    ).ddl_if(dialect="postgresql")


def put(db: Connection, table: Table, owner: str, searched: str) -> None:
    """Store the text of a row, instead of the one before."""
    _put_into(table).change(db, {"place": _new_place(), "owner": owner, "text": searched})


@cache
def _put_into(table: Table) -> Prepared:
    def statement(kind: Dialect) -> Executable:
        added = dialect.upsert_for(kind, table)
        new = added.excluded.text
        return added.on_conflict_do_update(index_elements=["owner"], set_={"text": new}, where=table.c.text != new)

    return Prepared(statement)


def put_missing(db: Connection, table: Table, texts: Mapping[str, str]) -> None:
    """Store these texts by owner, except of owners that have one meanwhile."""
    places = sorted(_new_place() for _ in texts)  # FTS5 writes a segment whenever a rowid is smaller than the last one
    rows = [{"place": place, "owner": one, "text": texts[one]} for place, one in zip(places, texts, strict=True)]
    if len(rows) == 1:
        _put_missing_into(table).change(db, rows[0])
    elif rows:
        db.execute(_insert_missing(table, db.dialect), rows)


def _insert_missing(table: Table, kind: Dialect) -> Executable:
    return dialect.upsert_for(kind, table).on_conflict_do_nothing(index_elements=["owner"])


@cache
def _put_missing_into(table: Table) -> Prepared:
    return Prepared(partial(_insert_missing, table))


def find_missing(
    db: Connection, table: Table, owner: Column[str], *, after: str | None, limit: int
) -> tuple[list[str], str | None]:
    """Look at the next `limit` owners in the order of their ids.

    Returns those without a text, and the last owner that was looked at, or None if there are no more.
    """
    query = select(owner).order_by(owner).limit(limit)
    page = (query if after is None else query.where(owner > after)).subquery()
    beside = select(page.c[0], table.c.owner.is_(None)).outerjoin(table, table.c.owner == page.c[0])
    found = db.execute(beside.order_by(page.c[0])).all()
    last = found[-1][0] if len(found) == limit else None
    return [one for one, is_missing in found if is_missing], last


def keep_missing(db: Connection, table: Table, owner: Column[str], found: Collection[str]) -> list[str]:
    """Return those that still exist and have no text. Their rows stay until the transaction ends."""
    has_none = ~exists().where(table.c.owner == owner)
    query = select(owner).where(owner.in_(found), has_none).order_by(owner)
    return list(db.scalars(query.with_for_update(read=True, key_share=True)))


def find_page(
    db: Connection,
    table: Table,
    part: str,
    *,
    after: int | None,
    limit: int,
    page: int,
    which: Which = lambda _owner: true(),
) -> list[tuple[int, str]]:
    """Return (place, owner) pairs of the next rows whose text contains `part`, which has at least LENGTH characters.

    `after` is the place of the last row of the previous page. If all further rows fit on the `page`, they are sorted by
    their texts.
    """
    found: Sequence[Row[int, str, str]] = []
    if dialect.is_postgresql(db) and _is_frequent(db, table, part):
        found = db.execute(_among_the_first(table, part, which, after=after, limit=limit)).all()
    if len(found) < limit:
        by_index = _in_gin if dialect.is_postgresql(db) else _in_fts5
        rare = _rare_trigrams(db, table, part)
        found = db.execute(by_index(table, part, rare, which, after=after, limit=limit)).all()
    if len(found) <= page:
        found = sorted(found, key=lambda row: (row.text, row.place))
    return [(row.place, row.owner) for row in found]


def _is_frequent(db: Connection, table: Table, part: str) -> bool:
    """Return whether one of SAMPLED texts contains the part, so that the first rows may fill a page."""
    some = select(table.c.text).order_by(table.c.place).limit(SAMPLED).subquery()
    return bool(db.scalar(select(exists(select(some.c.text).where(func.strpos(some.c.text, part) > 0)))))


def _among_the_first(table: Table, part: str, which: Which, *, after: int | None, limit: int) -> Select[int, str, str]:
    """Return the query for READ_FIRST rows that are read one after the other."""
    first = _after(select(table.c.place, table.c.owner, table.c.text), table, after)
    rows = first.order_by(table.c.place).limit(READ_FIRST).subquery().c
    matching = select(rows.place, rows.owner, rows.text).where(func.strpos(rows.text, part) > 0, which(rows.owner))
    return matching.order_by(rows.place).limit(limit)


def _rare_trigrams(db: Connection, table: Table, part: str) -> list[str]:
    """Return the trigrams of `part` that the fewest of SAMPLED texts contain."""
    texts = db.scalars(select(table.c.text).order_by(table.c.place).limit(SAMPLED)).all()
    trigrams = sorted({part[start : start + LENGTH] for start in range(len(part) - LENGTH + 1)})
    return sorted(trigrams, key=lambda trigram: sum(trigram in text for text in texts))[:RAREST]


def _in_gin(
    table: Table, part: str, trigrams: list[str], which: Which, *, after: int | None, limit: int
) -> Select[int, str, str]:
    """Return the query by the index of PostgreSQL."""
    has_all = func.signet_trigrams(table.c.text).op("@>")(cast(trigrams, ARRAY(AnyText)))
    query = _after(select(table.c.place, table.c.owner, table.c.text), table, after)
    # Without MATERIALIZED, it might read the rows in the order of places and compute the trigrams of each.
    rows = query.where(has_all, func.strpos(table.c.text, part) > 0).cte("found").prefix_with("MATERIALIZED").c
    return select(rows.place, rows.owner, rows.text).where(which(rows.owner)).order_by(rows.place).limit(limit)


def _in_fts5(
    table: Table, part: str, trigrams: list[str], which: Which, *, after: int | None, limit: int
) -> Select[int, str, str]:
    """Return the query by the index of SQLite. In quotes, nothing is an operator."""
    index = named_table(f"{table.name}_fts", column("rowid", Integer))
    phrases = " ".join('"{}"'.format(trigram.replace('"', '""')) for trigram in trigrams)
    query = select(table.c.place, table.c.owner, table.c.text).join(index, index.c.rowid == table.c.place)
    if after is not None:
        query = query.where(index.c.rowid > after)
    has_all = literal_column(index.name).op("MATCH")(phrases)
    matching = query.where(has_all, func.instr(table.c.text, part) > 0, which(table.c.owner))
    return matching.order_by(index.c.rowid).limit(limit)


def _after(query: Select[int, str, str], table: Table, after: int | None) -> Select[int, str, str]:
    return query if after is None else query.where(table.c.place > after)


def _new_place() -> int:
    return secrets.randbits(62)
