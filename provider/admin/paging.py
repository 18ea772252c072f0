"""Lists by pages, all alike: at most `limit` things, and `next`, which is given as `after` to go on.

A cursor is sealed: it says where a page ended, to us alone, and one that was edited or made up is refused (A-130).
Where a page ended is the key of its last row, so a later page costs what the first one does.
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
    "after": "The `next` of the page before.",
    "limit": f"How many at most; {MOST} without it, and never more.",
}
"""The parameters of each list."""
NEXT = "There are more: ask again with this as `after`. Opaque, and good for a week."


@dataclass(frozen=True)
class Page:
    """What somebody asks for."""

    limit: int
    after: dict[str, Any] | None
    """Where the page before ended."""


def asked_page(call: Call, name: str) -> Page:
    """The page of the list of this name. Raises InvalidBody."""
    text, cursor = call.query.get("limit"), call.query.get("after")
    limit, after = MOST, None
    if text is not None:
        if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 6 and int(text)):
            raise InvalidBody([{"member": "limit", "problem": Text("Enter a number from 1 on.")}])
        limit = min(int(text), MOST)
    if cursor is not None:
        after = call.work.vault.unseal(cursor, purpose=f"page/{name}", now=call.work.now)
        if after is None:
            raise InvalidBody([{"member": "after", "problem": Text("This is not the next of a page.")}])
    return Page(limit, after)


def next_of(call: Call, name: str, **position: Any) -> str:
    """The cursor of a page that ended there."""
    work = call.work
    return work.vault.seal(position, purpose=f"page/{name}", now=work.now, lifetime=LIFETIME)
