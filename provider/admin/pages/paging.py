"""Long lists of the console a page at a time; where the next page begins is sealed into its link (`admin.paging`)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from provider.admin.paging import next_of
from provider.web.call import Call

AT_ONCE = 50


def place_on(call: Call, listed: str) -> list[Any] | None:
    """Where the page asked for begins. None is the beginning, also for what is none of our links or too old."""
    text = call.query.get("after")
    sealed = None if text is None else call.work.vault.unseal(text, purpose=f"page/{_named(listed)}", now=call.work.now)
    return None if sealed is None else list(sealed["place"])


def next_page(call: Call, listed: str, place: Sequence[Any] | None) -> str | None:
    """The address of the page after this one; `place` is where it begins, None when there is none."""
    if place is None:
        return None
    asked = {name: value for name, value in call.query.items() if name != "after"}
    return f"{call.path}?{urlencode({**asked, 'after': next_of(call, _named(listed), place=list(place))})}"


def _named(listed: str) -> str:
    """Another list than that of the API, whose places look otherwise."""
    return f"console/{listed}"
