"""Reading rows into dataclasses and writing them, matched by name.

A select lists the columns in the order of the fields, so a row can be unpacked into the dataclass. The order is bound
once, at import. Neither a new column in a table nor fields in another order can put a value into the wrong field.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from itertools import starmap
from typing import Any, Generic, TypeVar, overload

from sqlalchemy import ColumnElement, Connection, Executable, FromClause, Select, select
from sqlalchemy.exc import MultipleResultsFound

from provider.database.prepared import Prepared

Value = TypeVar("Value")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
Columns = tuple[ColumnElement[Any], ...]
NONE: Mapping[str, Any] = {}


class Rows(Generic[Value]):
    """The columns to select, and the function that builds a value from each row."""

    def __init__(self, columns: Columns, make: Callable[..., Value], *, table: FromClause | None = None) -> None:
        """Bind columns to a function. `make` takes the values of `columns` in this order; `table` is their table, if
        any.
        """
        self.columns = columns
        self.make = make
        # SQLAlchemy finds the compiled form of a whole table faster than that of its columns, one by one.
        is_whole = table is not None and list(map(id, table.c)) == list(map(id, columns))
        self._select = select(table) if table is not None and is_whole else select(*columns)

    def select(self) -> Select[Any]:
        """Return a select of these columns. Queries for `one` and `all` begin with it, or return `columns`."""
        return self._select

    def one(self, db: Connection, query: Executable, bound: Mapping[str, Any] | None = None) -> Value | None:
        """Run a query for at most one row; return its value or None. Raises MultipleResultsFound."""
        row = db.execute(query, bound).one_or_none()
        return None if row is None else self.make(*row)

    def all(self, db: Connection, query: Executable, bound: Mapping[str, Any] | None = None) -> list[Value]:
        """Run a query; return the value of every row, in their order."""
        return list(starmap(self.make, db.execute(query, bound)))

    def prepare(self, query: Executable) -> "Query[Value]":
        """Return a query of a hot path, which `one` or `all` could run too."""
        return Query(Prepared(query, self.columns), self.make)


class Query(Generic[Value]):
    """A prepared query."""

    def __init__(self, prepared: Prepared, make: Callable[..., Value]) -> None:
        self._prepared = prepared
        self._make = make

    def one(self, db: Connection, values: Mapping[str, Any]) -> Value | None:
        """Run a query for at most one row; return its value or None. Raises MultipleResultsFound."""
        found = self._prepared.rows(db, values)
        if len(found) > 1:
            raise MultipleResultsFound("more than one row was found")
        return self._make(*found[0]) if found else None

    def all(self, db: Connection, values: Mapping[str, Any] = NONE) -> list[Value]:
        """Run the query; return the value of every row, in their order."""
        return list(starmap(self._make, self._prepared.rows(db, values)))


def columns_of(row_class: type[Any], source: FromClause | None = None, /, **named: ColumnElement[Any]) -> Columns:
    """Return one column for each field of a dataclass, in the order of the fields.

    A field is read from the column of its name in `source`, or from the one `named` gives. Raises TypeError if there is
    none, or if a name is not a field.
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
    """Return the `Rows` that read a dataclass from a table, with the columns that `columns_of` finds."""
    return Rows(columns_of(row_class, source, **named), row_class, table=source)


def one_value(column: ColumnElement[Value]) -> Rows[Value]:
    """Return the `Rows` that read a single column, as a part of `joined`."""
    return Rows((column,), lambda value: value)


def optional(part: Rows[A]) -> Rows[A | None]:
    """Return the `Rows` for the outer side of a join: the value is None if all its columns are NULL."""

    def make(*values: Any) -> A | None:
        return None if all(value is None for value in values) else part.make(*values)

    return Rows(part.columns, make)


@overload
def joined(a: Rows[A], b: Rows[B], /) -> Rows[tuple[A, B]]: ...
@overload
def joined(a: Rows[A], b: Rows[B], c: Rows[C], /) -> Rows[tuple[A, B, C]]: ...
@overload
def joined(a: Rows[A], b: Rows[B], c: Rows[C], d: Rows[D], /) -> Rows[tuple[A, B, C, D]]: ...
@overload
def joined(a: Rows[A], b: Rows[B], c: Rows[C], d: Rows[D], e: Rows[E], /) -> Rows[tuple[A, B, C, D, E]]: ...
def joined(*parts: Rows[Any]) -> Rows[Any]:
    """Return the `Rows` that read several values from each row of a join, as a tuple."""
    makers: list[tuple[Callable[..., Any], int, int]] = []
    columns: Columns = ()
    for part in parts:
        makers.append((part.make, len(columns), len(columns) + len(part.columns)))
        columns += part.columns
    return Rows(columns, lambda *row: tuple([make(*row[begin:end]) for make, begin, end in makers]))


def joined_as(row_class: type[Value], /, **parts: Rows[Any] | ColumnElement[Any]) -> Rows[Value]:
    """Return the `Rows` that read a NamedTuple from each row of a join: each field from the part or the single column
    that is given by its name.

    Raises TypeError if a field without a default is not given, or if a name is not a field.
    """
    named: Any = row_class
    missing = [name for name in named._fields if name not in parts and name not in named._field_defaults]
    unknown = parts.keys() - set(named._fields)
    if missing or unknown:
        raise TypeError(f"{named.__name__}: no part for {missing}, no field for {sorted(unknown)}")
    makers: list[tuple[str, Callable[..., Any] | None, int, int]] = []
    columns: Columns = ()
    for name, part in parts.items():
        make, of_part = (part.make, part.columns) if isinstance(part, Rows) else (None, (part,))
        makers.append((name, make, len(columns), len(columns) + len(of_part)))
        columns += of_part

    def assemble(*row: Any) -> Value:
        values = {name: row[begin] if make is None else make(*row[begin:end]) for name, make, begin, end in makers}
        return row_class(**values)

    return Rows(columns, assemble)


def values_of(row: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as a dict, for an insert or an update."""
    return dict(vars(row))
