"""What the URL of a list asks for, and the links of its page. All of it is in the URL, so that it can be bookmarked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from provider.admin.filters import typed_text
from provider.admin.pages.paging import AT_ONCE, place_on
from provider.admin.paging import next_of
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.types import search_key
from provider.languages.text import Text
from provider.operators.lists.export import as_csv
from provider.operators.lists.listing import (
    Column,
    Conditions,
    Count,
    Filter,
    Kind,
    Listing,
    Order,
    Place,
    place_as_json,
    place_from_json,
)
from provider.refusals import NotFound
from provider.replica_reads import from_replica
from provider.web.call import Call
from provider.web.pages import go, page
from provider.work import UnitOfWork

SIZES = (25, 50, 100, 200)
"""How many rows a page can have."""
NO_COLUMNS = "none"
SHOWN = "show-"
"""A check box of a column is named by this and the column, because a parameter may be sent only once."""


@dataclass(frozen=True)
class Heading:
    """The heading of a column, with the link that sorts by it."""

    column: Column
    url: str | None
    sorted: str | None
    """The value of `aria-sort`, or None."""


@dataclass(frozen=True)
class Chosen:
    """A filter that is set, and the link that clears it."""

    filter: Filter
    value: str
    label: Text | None
    url: str


@dataclass(frozen=True)
class Asked:
    """A list as its URL asks for it."""

    listing: Listing
    path: str
    text: str
    values: Mapping[str, str]
    order: Order
    columns: tuple[Column, ...]
    size: int
    after: Place | None
    conditions: Conditions
    problems: dict[str, Text]
    set: Mapping[str, str] = field(default_factory=dict)
    """The parameters of the URL, in one form, without the place of the page."""

    @property
    def narrows(self) -> bool:
        """Whether a text or a filter is set."""
        return bool(self.text or self.values)

    def url(self, **changes: str | None) -> str:
        """Return the URL of the first page with these parameters changed; None removes one."""
        wanted = {name: value for name, value in {**self.set, **changes}.items() if value}
        return self.path + (f"?{urlencode(wanted)}" if wanted else "")

    def next_url(self, call: Call, further: Place | None) -> str | None:
        """Return the URL of the page that begins at this place, or None."""
        if further is None:
            return None
        place = [self._kept_under, *place_as_json(further)]
        return self.url(after=next_of(call, f"console/{self.listing.name}", place=place))

    @property
    def _kept_under(self) -> str:
        return "found" if self.text else self.order.name

    @property
    def clear_url(self) -> str:
        return self.url(q=None, **dict.fromkeys(self.values))

    @property
    def filters(self) -> str:
        """The text, the filters and the order as a query string, for a download of all that matches."""
        return urlencode({name: self.set[name] for name in ("q", *self.values, "sort") if name in self.set})

    @property
    def chosen(self) -> list[Chosen]:
        """The filters that are set."""
        return [
            Chosen(
                each, self.values[each.name], each.options.get(self.values[each.name]), self.url(**{each.name: None})
            )
            for each in self.listing.filters
            if each.name in self.values
        ]

    @property
    def headings(self) -> list[Heading]:
        """The headings of the columns that are shown."""
        return [self._heading(column) for column in self.columns]

    @property
    def first_heading(self) -> Heading | None:
        """The heading of the first column, if the list is sorted by it."""
        return next((self._heading(column) for column in self.listing.columns if column.is_first), None)

    @property
    def choices(self) -> list[Column]:
        """The columns that can be shown or not."""
        return _choices(self.listing)

    def _heading(self, column: Column) -> Heading:
        if column.sort is None or self.text:  # what a text finds has the order of the search
            return Heading(column, None, None)
        if column != self.order.column:
            return Heading(column, self.url(sort=f"-{column.name}"), None)
        other = Order(column, not self.order.descending)
        return Heading(column, self.url(sort=other.name), "descending" if self.order.descending else "ascending")

    def shows(self, name: str) -> bool:
        """Return whether the column is shown."""
        return any(column.name == name for column in self.columns)

    def page_values(self, call: Call, *, further: Place | None, count: Count) -> dict[str, Any]:
        """Return the values that the templates of all lists use."""
        return {
            "asked": self,
            "export_url": f"{self.path}/export.csv" + (f"?{self.filters}" if self.filters else ""),
            "count": count,
            "next_url": self.next_url(call, further),
            "first_url": self.url() if self.after is not None else None,
            "errors": self.problems,
            "sizes": SIZES,
            "kinds": Kind,
        }


def asked_of(call: Call, listing: Listing) -> Asked:
    """Return what the query asks of a list. What cannot be read is a problem; a link that has expired leads to the
    first page.
    """
    text = "" if listing.search is None else typed_text(call, "q").strip()
    text = text if search_key(text) else ""  # what shows nothing finds everything, so it is no search
    values = {each.name: value for each in listing.filters if (value := typed_text(call, each.name))}
    order, size, columns = listing.order(call.query.get("sort", "")), _size(call), _columns(call, listing)
    given = {"q": text, **values}
    if order.name != listing.sorted_by:
        given["sort"] = order.name
    if columns is not None:
        given["columns"] = ",".join(column.name for column in columns) or NO_COLUMNS
    if size != AT_ONCE:
        given["size"] = str(size)
    conditions, problems = listing.conditions(call.work, values)
    place = place_on(call, listing.name)
    kept_under = "found" if text else order.name
    after: Place | None = None
    if place is not None and place[0] == kept_under:
        after = (place[1], place[2]) if text else place_from_json(order, place[1:])
    return Asked(
        listing=listing,
        path=call.path,
        text=text,
        values=values,
        order=order,
        columns=tuple(column for column in _choices(listing) if column.is_shown) if columns is None else columns,
        size=size,
        after=after,
        conditions=conditions,
        problems=problems,
        set={name: value for name, value in given.items() if value},
    )


def list_page(
    call: Call, listing: Listing, template: str, *, in_context: Callable[[list[Any]], dict[str, Any]] = lambda _rows: {}
) -> Response:
    """Show a list as its URL asks for it. `in_context` returns further values of the template, from the rows."""
    asked = asked_of(call, listing)
    if "choose" in call.query:
        return _with_chosen_columns(call, asked)
    rows: list[Any] = []
    further, count = None, Count(0)
    if not asked.problems:
        rows, further, count = from_replica(call.work, lambda: _find(call.work, asked))
    return page(
        call,
        template,
        status_code=400 if asked.problems else 200,
        rows=rows,
        **asked.page_values(call, further=further, count=count),
        **in_context(rows),
    )


def _find(work: UnitOfWork, asked: Asked) -> tuple[list[Any], Place | None, Count]:
    """Return the rows of a page, the place of the next one, and how many rows there are on all pages."""
    keys, further, count = asked.listing.find_counted(
        work, asked.text, asked.conditions, order=asked.order, after=asked.after, limit=asked.size
    )
    return asked.listing.rows(work, keys), further, count


def export_page(call: Call, listing: Listing) -> Response:
    """Stream all rows that match as CSV, and record that in the audit log. If the connection breaks off, the file is
    incomplete. Raises NotFound if a filter cannot be read.
    """
    asked = asked_of(call, listing)
    if asked.problems:
        raise NotFound
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{listing.name}.csv"'}
    if call.method == "HEAD":
        return Response(headers=headers, media_type="text/csv")  # all rows are not read for nobody
    filters = {"q": asked.text, **asked.values} if asked.text else dict(asked.values)
    record(call.work, Event.LIST_EXPORTED, list=listing.name, filters=filters)
    written = as_csv(call.installation, listing, text=asked.text, values=asked.values, order=asked.order)
    return StreamingResponse(written, headers=headers, media_type="text/csv")


def _with_chosen_columns(call: Call, asked: Asked) -> Response:
    """Return a redirect from the form for columns to the short URL."""
    names = [column.name for column in asked.choices if SHOWN + column.name in call.query]
    usual = [column.name for column in asked.choices if column.is_shown]
    return go(asked.url(columns=None if names == usual else ",".join(names) or NO_COLUMNS))


def _choices(listing: Listing) -> list[Column]:
    return [column for column in listing.columns if not column.is_first]


def _columns(call: Call, listing: Listing) -> tuple[Column, ...] | None:
    text = call.query.text("columns")
    names = set(text.split(","))
    known = tuple(column for column in _choices(listing) if column.name in names)
    return known if known or text == NO_COLUMNS else None


def _size(call: Call) -> int:
    text = call.query.text("size")
    return next((size for size in SIZES if str(size) == text), AT_ONCE)
