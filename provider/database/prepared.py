"""Statements of hot paths: compiled by SQLAlchemy once, then run by the driver (decision 406).

For each run of a statement, SQLAlchemy looks up its compiled form and builds a context, a transaction and a result,
which takes far more calls than the driver. A prepared statement is the same expression. Its text, its parameters and
the types of its columns are worked out at the first use, once for each kind of database.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, methodcaller
from typing import Any, NoReturn, TypeVar
from weakref import WeakSet

from sqlalchemy import ColumnElement, Connection, Dialect, Executable
from sqlalchemy.types import TypeEngine

Result = TypeVar("Result")
Row = Sequence[Any]
Converter = Callable[[Any], Any]
_ROWS: Callable[[Any], list[Row]] = methodcaller("fetchall")
_COUNT: Callable[[Any], int] = attrgetter("rowcount")


class Prepared:
    """A statement. Its parameters are each `bindparam` without a value, or the columns of an insert."""

    def __init__(
        self, statement: Executable | Callable[[Dialect], Executable], columns: Sequence[ColumnElement[Any]] = ()
    ) -> None:
        """Take a statement, or a function that builds it for a kind of database, and its columns in order if it returns
        rows.
        """
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}
        _EVERY.add(self)

    def rows(self, db: Connection, values: Mapping[str, Any]) -> Sequence[Row]:
        """Run the statement; return its rows."""
        compiled = self._compiled.get(db.dialect.name) or self._compile(db.dialect)
        return compiled.converted(compiled.run(db, values, _ROWS))

    def scalar(self, db: Connection, values: Mapping[str, Any]) -> Any:
        """Run the statement; return the first value of its first row, or None if there is no row."""
        found = self.rows(db, values)
        return found[0][0] if found else None

    def change(self, db: Connection, values: Mapping[str, Any]) -> int:
        """Run an insert, update or delete; return how many rows it changed."""
        compiled = self._compiled.get(db.dialect.name) or self._compile(db.dialect)
        count: int = compiled.run(db, values, _COUNT)
        return count

    def _compile(self, dialect: Dialect) -> "_Compiled":
        given = self._statement
        statement = given if isinstance(given, Executable) else given(dialect)
        compiled = self._compiled[dialect.name] = _Compiled(statement, self._columns, dialect)
        return compiled


_EVERY: WeakSet[Prepared] = WeakSet()


def prepare_all(dialect: Dialect) -> None:
    """Work out every statement for this kind of database that was not run yet, so that no request has to do it."""
    for each in list(_EVERY):
        if dialect.name not in each._compiled:  # noqa: SLF001
            each._compile(dialect)  # noqa: SLF001


class _Compiled:
    """The form of a statement for one kind of database."""

    def __init__(self, statement: Any, columns: Sequence[ColumnElement[Any]], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        if compiled.post_compile_params:
            raise TypeError("a prepared statement has the same text for all parameters, so it cannot have a list")
        self._text = str(compiled)
        self._is_positional = compiled.positional
        self._binds: list[tuple[str, Converter | None]] = []
        self._constants: dict[str, Any] = {}
        for name in compiled.positiontup if compiled.positional else compiled.binds:
            bind = compiled.binds[name]
            convert = _of_type(bind.type, dialect).bind_processor(dialect)
            if not bind.required:
                self._constants[name] = bind.effective_value if convert is None else convert(bind.effective_value)
                convert = None
            self._binds.append((name, convert))
        converters = [_of_type(column.type, dialect).result_processor(dialect, None) for column in columns]
        self._converters = [(index, convert) for index, convert in enumerate(converters) if convert is not None]

    def run(self, db: Connection, values: Mapping[str, Any], read: Callable[[Any], Result]) -> Result:
        """Return what `read` finds in the driver's cursor."""
        if self._constants:
            values = {**values, **self._constants}
        parameters: Any
        if self._is_positional:
            parameters = tuple([values[name] if to is None else to(values[name]) for name, to in self._binds])
        else:
            parameters = {name: values[name] if to is None else to(values[name]) for name, to in self._binds}
        if db.engine.dispatch.before_cursor_execute:
            return self._run_observed(db, parameters, read)
        try:
            return self._run(db, parameters, read)
        except BaseException as error:  # noqa: BLE001  # it is always raised again
            self._fail(db, parameters, error, None)

    def _run(self, db: Connection, parameters: Any, read: Callable[[Any], Result]) -> Result:
        driver: Any = db.connection.dbapi_connection
        # psycopg's cursors are dear and are kept. sqlite3's are not.
        run = driver.execute if self._is_positional else driver.repeat
        return read(run(self._text, parameters))

    def _run_observed(self, db: Connection, parameters: Any, read: Callable[[Any], Result]) -> Result:
        """Run the statement as `_run` does, for listeners such as traces.

        They get the same events as from SQLAlchemy, without a cursor.
        """
        listeners, context = db.engine.dispatch, _Context()
        try:
            for before in listeners.before_cursor_execute:
                before(db, None, self._text, parameters, context, False)
            found = self._run(db, parameters, read)
            for after in listeners.after_cursor_execute:
                after(db, None, self._text, parameters, context, False)
        except BaseException as error:  # noqa: BLE001  # it is always raised again
            self._fail(db, parameters, error, context)
        return found

    def _fail(self, db: Connection, parameters: Any, error: BaseException, context: "_Context | None") -> NoReturn:
        """Raise what SQLAlchemy makes of a driver's error, and throw connections away that it made useless."""
        if not (db.in_transaction() or db.closed or db.invalidated):
            db.begin()  # as `execute` does, or SQLAlchemy would end our write transaction here
        db._handle_dbapi_exception(error, self._text, parameters, None, context)  # type: ignore[arg-type]  # noqa: SLF001  # there is no public way to it

    def converted(self, rows: list[Row]) -> Sequence[Row]:
        """Return rows of the driver with the values that the types of the columns make of them. NULL is None in all."""
        converters = self._converters
        if not converters:
            return rows
        found = []
        for row in rows:
            values = list(row)
            for index, convert in converters:
                if values[index] is not None:
                    values[index] = convert(values[index])
            found.append(values)
        return found


class _Context:
    """A stand-in for SQLAlchemy's execution context, in which listeners of statements may keep their own values."""

    executemany = False

    def handle_dbapi_exception(self, error: BaseException) -> None:
        """Do nothing: only contexts of some dialects do."""


def _of_type(given: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return given.dialect_impl(dialect)
