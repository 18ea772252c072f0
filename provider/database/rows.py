"""Rows read into dataclasses and written from them, matched by name.

A select lists the columns in the order of the fields, so a row can be unpacked into the dataclass. The order is bound
once, at import: neither a new column in a table nor fields in another order can put a value into the wrong field.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from itertools import starmap
from typing import Any, Generic, TypeVar, overload

from sqlalchemy import ColumnElement, Connection, Executable, FromClause, Select, select

Value = TypeVar("Value")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
Columns = tuple[ColumnElement[Any], ...]


class Rows(Generic[Value]):
    """Columns to select, and what is made of each row of them."""

    def __init__(self, columns: Columns, make: Callable[..., Value], *, table: FromClause | None = None) -> None:
        """`make` takes the values of `columns`, in this order. `table` is the one whose columns they are, if any."""
        self.columns = columns
        self.make = make
        # SQLAlchemy finds the compiled form of a whole table faster than that of its columns, one by one.
        is_whole = table is not None and list(map(id, table.c)) == list(map(id, columns))
        self._select = select(table) if table is not None and is_whole else select(*columns)

    def select(self) -> Select[Any]:
        """Select these columns. What `one` and `all` are given begins with this, or returns `columns`."""
        return self._select

    def one(self, db: Connection, query: Executable, bound: Mapping[str, Any] | None = None) -> Value | None:
        """Run a query that finds one row or none. Raises MultipleResultsFound."""
        row = db.execute(query, bound).one_or_none()
        return None if row is None else self.make(*row)

    def all(self, db: Connection, query: Executable, bound: Mapping[str, Any] | None = None) -> list[Value]:
        """Run a query and return what every row makes, in the order of the rows."""
        return list(starmap(self.make, db.execute(query, bound)))


def columns_of(row_class: type[Any], source: FromClause | None = None, /, **named: ColumnElement[Any]) -> Columns:
    """Return one column for each field of a dataclass, in the order of the fields.

    A field is read from the column of its name in `source`, or from the one `named` gives. Raises TypeError when there
    is none, or when a name is no field.
    """
    names = [field.name for field in fields(row_class)]
    known = {} if source is None else dict(source.c.items())
    missing, unknown = [name for name in names if name not in {**known, **named}], named.keys() - set(names)
    if missing or unknown:
        problems = [f"no column for the field {name}" for name in missing]
        problems += [f"no field for the column {name}" for name in sorted(unknown)]
        raise TypeError(f"{row_class.__name__}: {', '.join(problems)}")
    return tuple(named[name] if name in named else known[name] for name in names)


def rows_of(row_class: type[Value], source: FromClause | None = None, /, **named: ColumnElement[Any]) -> Rows[Value]:
    """Return how to read a dataclass from a table, with the columns that `columns_of` finds."""
    return Rows(columns_of(row_class, source, **named), row_class, table=source)


def one_value(column: ColumnElement[Value]) -> Rows[Value]:
    """Return how to read a single column, as a part of `joined`."""
    return Rows((column,), lambda value: value)


def optional(part: Rows[A]) -> Rows[A | None]:
    """Return how to read the outer side of a join: None when all its columns are NULL."""

    def make(*values: Any) -> A | None:
        return None if all(value is None for value in values) else part.make(*values)

    return Rows(part.columns, make)


@overload
def joined(a: Rows[A], b: Rows[B], /) -> Rows[tuple[A, B]]: ...
@overload
def joined(a: Rows[A], b: Rows[B], c: Rows[C], /) -> Rows[tuple[A, B, C]]: ...
@overload
def joined(a: Rows[A], b: Rows[B], c: Rows[C], d: Rows[D], /) -> Rows[tuple[A, B, C, D]]: ...
def joined(*parts: Rows[Any]) -> Rows[Any]:
    """Return how to read several values from each row of a join, as a tuple."""
    makers: list[tuple[Callable[..., Any], int, int]] = []
    columns: Columns = ()
    for part in parts:
        makers.append((part.make, len(columns), len(columns) + len(part.columns)))
        columns += part.columns
    return Rows(columns, lambda *row: tuple([make(*row[begin:end]) for make, begin, end in makers]))


def values_of(row: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, as an insert or an update takes them."""
    return dict(vars(row))
