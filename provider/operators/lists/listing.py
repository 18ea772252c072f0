"""A declared list: its columns, its filters, and the pages that it has in each order.

Every order is that of a column and then of the key, so a page begins right after the last row of the one before,
however many rows come earlier.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import CTE, ColumnElement, FromClause, func, or_, select, true
from sqlalchemy import Column as TableColumn
from sqlalchemy.sql.util import ClauseAdapter

from provider.database.types import UtcTime
from provider.languages.text import Text
from provider.operators.lists.estimates import estimate_rows
from provider.work import UnitOfWork

COUNTED = 10_000
"""How many rows are counted exactly."""
COUNTED_FOUND = 1_000
"""How many rows that a text finds are counted exactly."""
COUNTED_ON_PAGE = 50
"""How many of them are counted exactly on the pages of a list. Counting more may read many times as many rows."""
MOST_READ = 5_000
"""How many rows that a text finds are read for one page. A page of a rare filter may have fewer than fit."""
NOT_A_DAY = Text("Enter a date, for example 2026-11-21.")
NO_SUCH_OPTION = Text("Choose one of the options.")
UNREADABLE = Text("This cannot be read. Check it.")
DAY = timedelta(days=1)
LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)
"""The last day that a datetime can hold; no day can be added to it."""


class Kind(StrEnum):
    CHOICE = "choice"
    TEXT = "text"
    DAY = "day"


class InvalidFilter(Exception):
    """A filter's value that cannot be read, with the message for its field."""

    def __init__(self, problem: Text) -> None:
        self.problem = problem


Condition = Callable[[UnitOfWork, str], ColumnElement[bool]]
"""A function that returns the condition for a filter's value. Raises InvalidFilter."""


@dataclass(frozen=True)
class Filter:
    name: str
    title: Text
    condition: Condition
    kind: Kind = Kind.TEXT
    options: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    name: str
    title: Text
    sort: ColumnElement[Any] | None = None
    """What the list is sorted by under this column's heading. Never NULL."""
    is_shown: bool = True
    """Whether the column is shown unless other columns are chosen."""
    is_first: bool = False
    """Whether this is the heading of the rows, which is always shown."""
    source: FromClause | None = None
    """What has `sort`, joined with the rows of the list, if their table does not have it."""


Conditions = Sequence[ColumnElement[bool]]
Place = tuple[Any, Any]
"""The last (sorted value, key) of a page."""


@dataclass(frozen=True)
class Order:
    column: Column
    descending: bool

    @property
    def name(self) -> str:
        """The value of `sort` in the URL."""
        return ("-" if self.descending else "") + self.column.name


@dataclass(frozen=True)
class Count:
    """How many rows match: exact, an estimate, or more than `number`."""

    number: int
    is_exact: bool = True
    is_estimate: bool = False


class Search(Protocol):
    """A function that returns the places of the rows that a text finds, at most `limit`. `page` of them are shown.

    A user whose name and nickname match may have two places.
    """

    def __call__(self, work: UnitOfWork, text: str, *, after: Place | None, limit: int, page: int) -> list[Place]: ...


@dataclass(frozen=True)
class Listing:
    name: str
    """The part of the URL after /admin, also the name in the audit log."""
    key: TableColumn[Any]
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    sorted_by: str
    rows: Callable[[UnitOfWork, list[Any]], list[Any]]
    """Returns what is shown of the rows with these keys, in the given order."""
    exported: Mapping[str, Callable[[Any], object]]
    """The columns of the CSV file, with the function that returns the value of a row."""
    search: Search | None = None
    always: Callable[[UnitOfWork], Conditions] = lambda _work: ()
    """The conditions that every row of the list meets."""
    within: Callable[[UnitOfWork, Order], CTE | None] = lambda _work, _order: None
    """Returns the rows of the table to sort, for an order whose index begins with rows that the list leaves out."""

    @property
    def by_key(self) -> Order:
        """The order of the keys, in which a job goes through all rows: no change to a row moves it."""
        return Order(Column("key", Text("ID"), sort=self.key), descending=False)

    def order(self, name: str) -> Order:
        """Return the order that `sort` in a URL names: a column, with a `-` in front for the reverse. If there is none
        of this name, return the usual order.
        """
        for wanted in (name, self.sorted_by):
            for column in self.columns:
                if column.sort is not None and column.name == wanted.removeprefix("-"):
                    return Order(column, wanted.startswith("-"))
        raise LookupError(self.sorted_by)

    def conditions(self, work: UnitOfWork, values: Mapping[str, str]) -> tuple[Conditions, dict[str, Text]]:
        """Return the conditions for these values of filters, and the problems with values that cannot be read."""
        conditions, problems = [*self.always(work)], {}
        for each in self.filters:
            value = values.get(each.name)
            if value is None:
                continue
            try:
                conditions.append(_condition(work, each, value))
            except InvalidFilter as invalid:
                problems[each.name] = invalid.problem
        return conditions, problems

    def require_conditions(self, work: UnitOfWork, values: Mapping[str, str]) -> Conditions:
        """Return the conditions for these values of filters, all of them: without one, more rows would match. Raises
        InvalidFilter, also for a filter that only another release has.
        """
        conditions, problems = self.conditions(work, values)
        for problem in problems.values():
            raise InvalidFilter(problem)
        if not values.keys() <= {each.name for each in self.filters}:
            raise InvalidFilter(UNREADABLE)
        return conditions

    def find_page(
        self, work: UnitOfWork, text: str, conditions: Conditions, *, order: Order, after: Place | None, limit: int
    ) -> tuple[list[Any], Place | None]:
        """Return the keys of a page, and the place where the next page begins (None after the last one).

        With a `text`, they are those that the search finds, in its order.
        """
        if text and self.search is not None:
            return self._find_searched(work, self.search, text, conditions, after=after, limit=limit)
        value, key = order.column.sort, self.key
        assert value is not None  # noqa: S101  # `order` returns no other
        among = self.within(work, order)
        if among is not None:
            adapt = ClauseAdapter(among).traverse
            value, key, conditions = adapt(value), adapt(key), [adapt(condition) for condition in conditions]
        query = select(value, key).where(*conditions)
        if order.column.source is not None:
            query = query.select_from(order.column.source)
        if after is not None and order.descending:
            query = query.where(value <= after[0], or_(value < after[0], key < after[1]))
        elif after is not None:
            query = query.where(value >= after[0], or_(value > after[0], key > after[1]))
        by = (value.desc(), key.desc()) if order.descending else (value, key)
        rows = work.read.execute(query.order_by(*by).limit(limit + 1)).all()
        shown = rows[:limit]
        return [row[1] for row in shown], (shown[-1][0], shown[-1][1]) if len(rows) > limit else None

    def find_counted(
        self, work: UnitOfWork, text: str, conditions: Conditions, *, order: Order, after: Place | None, limit: int
    ) -> tuple[list[Any], Place | None, Count]:
        """Return a page as `find_page` does, and how many rows there are on all pages."""
        most = max(limit, COUNTED_ON_PAGE) if text else COUNTED
        if text and self.search is not None and after is None and not conditions:
            return self._find_and_count(work, self.search, text, limit=limit, most=most)
        keys, further = self.find_page(work, text, conditions, order=order, after=after, limit=limit)
        if after is None and further is None:
            return keys, None, Count(len(keys))
        return keys, further, self.count(work, text, conditions, most=most)

    def _find_and_count(
        self, work: UnitOfWork, search: Search, text: str, *, limit: int, most: int
    ) -> tuple[list[Any], Place | None, Count]:
        """Return the first page of what a text finds, and the count, from one search."""
        places = search(work, text, after=None, limit=most + 1, page=limit)
        (shown, further), (counted, beyond) = _page_of(places, limit), _page_of(places, most)
        found = self.find_among(work, (), dict.fromkeys(key for _, key in counted))
        on_page = {key for _, key in shown}
        return [key for key in found if key in on_page], further, Count(len(found), is_exact=beyond is None)

    def _find_searched(
        self, work: UnitOfWork, search: Search, text: str, conditions: Conditions, *, after: Place | None, limit: int
    ) -> tuple[list[Any], Place | None]:
        # What is read in one step must fit on the page, because the next page begins after it.
        step = max(limit // 2, 1) if conditions else limit
        found: list[Any] = []
        for _ in range(max(MOST_READ // step, 1)):
            read, after = _page_of(search(work, text, after=after, limit=step + 1, page=step), step)
            found += self.find_among(work, conditions, [key for _, key in read])
            if after is None or len(found) + step > limit:
                break
        return list(dict.fromkeys(found)), after

    def find_among(self, work: UnitOfWork, conditions: Conditions, keys: Collection[Any]) -> list[Any]:
        """Return those of these keys whose rows meet the conditions, in the given order."""
        found = set(work.read.scalars(select(self.key).where(self.key.in_(keys), *conditions)))
        return [key for key in keys if key in found]

    def count(
        self, work: UnitOfWork, text: str, conditions: Conditions, *, most: int = COUNTED, after: Place | None = None
    ) -> Count:
        """Count the rows that match; with a `text`, those after this place. Above `most`, PostgreSQL estimates them if
        there are no filters.
        """
        if text and self.search is not None:
            limit = min(most, COUNTED_FOUND)
            read, further = _page_of(self.search(work, text, after=after, limit=limit + 1, page=limit), limit)
            keys = dict.fromkeys(key for _, key in read)
            return Count(len(self.find_among(work, conditions, keys)), is_exact=further is None)
        some = select(self.key).where(*conditions).limit(most + 1).subquery()
        number = work.read.scalar(select(func.count()).select_from(some)) or 0
        if number <= most:
            return Count(number)
        estimate = estimate_rows(work.read, self.key.table) if not conditions else 0
        return Count(estimate, False, True) if estimate > most else Count(most, False)


def _page_of(places: Sequence[Place], limit: int) -> tuple[Sequence[Place], Place | None]:
    """Return the first of these places, and where the next page begins if there are more."""
    shown = places[:limit]
    return shown, shown[-1] if len(places) > limit else None


def _condition(work: UnitOfWork, asked: Filter, value: str) -> ColumnElement[bool]:
    if asked.kind is Kind.CHOICE and value not in asked.options:
        raise InvalidFilter(NO_SUCH_OPTION)
    if "\x00" in value:
        raise InvalidFilter(UNREADABLE)
    return asked.condition(work, value)


def from_day(column: ColumnElement[datetime]) -> Condition:
    """Return the condition of a filter for times on this day (UTC) or later."""
    return lambda _work, text: column >= _day(text)


def to_day(column: ColumnElement[datetime]) -> Condition:
    """Return the condition of a filter for times on this day (UTC) or earlier."""

    def condition(_work: UnitOfWork, text: str) -> ColumnElement[bool]:
        day = _day(text)
        return true() if day == LAST_DAY else column < day + DAY

    return condition


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidFilter(NOT_A_DAY) from None


def place_as_json(place: Place) -> list[Any]:
    """Return a place as it is stored in a cursor or a job."""
    return [value.isoformat() if isinstance(value, datetime) else value for value in place]


def place_from_json(order: Order, stored: Sequence[Any]) -> Place:
    """Return the place that `place_as_json` stored, of a list in this order."""
    value, key = stored
    is_time = order.column.sort is not None and isinstance(order.column.sort.type, UtcTime)
    return datetime.fromisoformat(value) if is_time else value, key
