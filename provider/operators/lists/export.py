"""All rows of a list that match, as CSV."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from provider.audit.export import as_rows
from provider.operators.lists.listing import Listing, Order, Place
from provider.work import Installation, unit_of_work

AT_ONCE = 500
"""How many rows are read in one transaction."""


def as_csv(
    installation: Installation, listing: Listing, *, text: str, values: Mapping[str, str], order: Order
) -> Iterator[str]:
    """Yield all rows that match as CSV, column names first.

    They are read a few hundred at a time, each in a short transaction, so a slow reader blocks nothing. Raises
    InvalidFilter if a filter can no longer be read, such as one for an attribute that was deleted meanwhile.
    """
    yield from as_rows([list(listing.exported)])
    after: Place | None = None
    while True:
        with unit_of_work(installation) as work:
            conditions = listing.require_conditions(work, values)
            keys, after = listing.find_page(work, text, conditions, order=order, after=after, limit=AT_ONCE)
            rows = listing.rows(work, keys)
        yield from as_rows([_plain(value(row)) for value in listing.exported.values()] for row in rows)
        if after is None:
            return


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else value
