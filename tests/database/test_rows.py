"""Rows are matched with dataclasses by name, and what the two databases do differently."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, create_engine, func, insert, select

import provider
from provider.database.dialect import queue_for
from provider.database.rows import joined, joined_as, one_value, optional, rows_of, values_of
from tests.support.installation import Work

metadata = MetaData()
books = Table(
    "books",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", String(40)),
    Column("shelf", String(40)),  # no field of Book: as if added later, in the middle
    Column("author", String(40)),
)
loans = Table("loans", metadata, Column("id", Integer, primary_key=True), Column("title", String(40)))


@dataclass(frozen=True)
class Book:
    """Its fields are in another order than the columns."""

    author: str
    title: str
    id: int


@dataclass(frozen=True)
class Loan:
    id: int
    borrowed: str


BOOK = rows_of(Book, books)
LOAN = rows_of(Loan, loans, borrowed=loans.c.title)
EMMA = Book(author="Austen", title="Emma", id=7)
WAVES = Book(author="Woolf", title="The Waves", id=8)


@pytest.fixture
def library() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(insert(books), [values_of(EMMA), values_of(WAVES)])
        connection.execute(insert(loans), {"id": 7, "title": "Emma, second copy"})
        yield connection
    engine.dispose()


def test_fields_in_another_order_than_the_columns_read_right(library: Connection) -> None:
    assert BOOK.one(library, BOOK.select().where(books.c.id == 7)) == EMMA
    assert BOOK.all(library, BOOK.select().order_by(books.c.id.desc())) == [WAVES, EMMA]
    assert BOOK.one(library, BOOK.select().where(books.c.id == 9)) is None
    assert library.execute(select(books).where(books.c.id == 7)).one() == (7, "Emma", None, "Austen")


def test_columns_of_one_name_in_two_tables_are_kept_apart(library: Connection) -> None:
    both = joined(LOAN, BOOK, one_value(func.upper(books.c.title)), optional(LOAN))
    query = both.select().outerjoin(loans, loans.c.id == books.c.id).order_by(books.c.id)
    lent = Loan(id=7, borrowed="Emma, second copy")
    assert both.all(library, query) == [
        (lent, EMMA, "EMMA", lent),
        (Loan(None, None), WAVES, "THE WAVES", None),  # type: ignore[arg-type]  # not declared optional
    ]


class Lent(NamedTuple):
    is_old: bool
    is_lent: bool
    book: Book
    loan: Loan | None = None


def test_a_join_is_read_by_name(library: Connection) -> None:
    """Two conditions cannot change places, and a field that is not asked for has its default."""
    is_lent, is_old = loans.c.id.is_not(None), books.c.id > 7
    source = books.outerjoin(loans, loans.c.id == books.c.id)
    alone = joined_as(Lent, book=BOOK, is_lent=is_lent, is_old=is_old)
    query = alone.select().select_from(source).order_by(books.c.id)
    assert alone.all(library, query) == [Lent(False, True, EMMA), Lent(True, False, WAVES)]
    both = joined_as(Lent, is_lent=is_lent, is_old=is_old, loan=optional(LOAN), book=BOOK)
    found = both.all(library, both.select().select_from(source).order_by(books.c.id))
    assert [row.loan for row in found] == [Loan(id=7, borrowed="Emma, second copy"), None]


def test_a_join_that_does_not_fit_its_tuple_is_an_error_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match=r"^Lent: no part for \['is_old'\], no field for \['old'\]$"):
        joined_as(Lent, old=books.c.id > 7, is_lent=books.c.id > 7, book=BOOK)


def test_a_returning_statement_reads_by_name(library: Connection) -> None:
    changed = books.update().where(books.c.id == 7).values(title="Emma!").returning(*BOOK.columns)
    assert BOOK.one(library, changed) == Book(author="Austen", title="Emma!", id=7)


def test_a_field_without_a_column_is_an_error_where_it_is_declared() -> None:
    @dataclass(frozen=True)
    class Renamed:
        id: int
        name: str
        borrowed: str

    with pytest.raises(TypeError, match=r"^Renamed: no column for the field name, no column for the field borrowed$"):
        rows_of(Renamed, books)
    with pytest.raises(TypeError, match=r"^Renamed: no column for the field name, no field for the column title$"):
        rows_of(Renamed, books, borrowed=books.c.title, title=books.c.title)


def test_no_module_unpacks_a_row_by_position_or_writes_the_attributes_of_an_object() -> None:
    by_position = re.compile(r"\b[A-Z]\w+\(\*row|\binsert\(\w+\), \w+\.__dict__|\.values\(\*\*\w+\.__dict__")
    root = Path(provider.__file__).parent
    found = [str(path.relative_to(root)) for path in root.rglob("*.py") if by_position.search(path.read_text())]
    assert not found


@pytest.mark.only_on("postgresql")
def test_a_queue_is_held_by_one_transaction_until_it_ends(work: Work) -> None:
    def is_free(db: Connection, name: str) -> bool:
        return bool(db.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(name)))))

    with work() as other:
        with work() as first:
            queue_for(first.db, "one name")
            assert not is_free(other.db, "one name")
            assert is_free(other.db, "another name")
        assert is_free(other.db, "one name")
