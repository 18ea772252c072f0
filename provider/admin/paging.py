"""Paging of all lists of the admin API: `limit` is the maximum number of items, and `next` is sent as `after` to get
the next page.

A cursor is sealed, so only the server can read where a page ended. One that was edited or invented is rejected
(A-130). It holds the key of the last row of a page, so a later page costs no more than the first.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from provider.api.bodies import InvalidBody
from provider.languages.text import Text
from provider.web.call import Call

MOST = 200
LIFETIME = timedelta(days=7)
PAGED = {
    "after": "The `next` value of the previous page.",
    "limit": f"The maximum number of items, up to {MOST} (the default).",
}
"""The query parameters of every list, with their descriptions."""
NEXT = "The cursor of the next page, to send as `after`. Valid for 7 days. Absent on the last page."


@dataclass(frozen=True)
class Page:
    """The page of a list that a request asks for."""

    limit: int
    after: dict[str, Any] | None
    """The place where the previous page ended; None for the first page."""


def query_page(call: Call, name: str) -> Page:
    """Return the page that the query asks for, in the list `name`. Raises InvalidBody."""
    text, cursor = call.query.get("limit"), call.query.get("after")
    limit, after = MOST, None
    if text is not None:
        if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 6 and int(text)):
            raise InvalidBody([{"member": "limit", "problem": Text("Enter a whole number of 1 or more.")}])
        limit = min(int(text), MOST)
    if cursor is not None:
        after = call.work.vault.unseal(cursor, purpose=f"page/{name}", now=call.work.now)
        if after is None:
            raise InvalidBody(
                [
                    {
                        "member": "after",
                        "problem": Text(
                            "This cursor is invalid or has expired. Use the next value of the previous page, or start "
                            "again without after."
                        ),
                    }
                ]
            )
    return Page(limit, after)


def next_of(call: Call, name: str, **position: Any) -> str:
    """Return the cursor of the page that follows this position, valid for 7 days."""
    work = call.work
    return work.vault.seal(position, purpose=f"page/{name}", now=work.now, lifetime=LIFETIME)
