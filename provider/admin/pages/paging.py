"""Paging of long lists in the console. The start of the next page is sealed into its link (`admin.paging`)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from provider.admin.paging import next_of
from provider.web.call import Call

AT_ONCE = 50


def place_on(call: Call, listed: str) -> list[Any] | None:
    """Return the place where the requested page begins. None means the first page, also when the link is invalid or
    expired.
    """
    text = call.query.get("after")
    sealed = None if text is None else call.work.vault.unseal(text, purpose=f"page/{_named(listed)}", now=call.work.now)
    return None if sealed is None else list(sealed["place"])


def next_page(call: Call, listed: str, place: Sequence[Any] | None) -> str | None:
    """Return the URL of the next page, or None if there is none. `place` is where it begins."""
    if place is None:
        return None
    asked = {name: value for name, value in call.query.items() if name != "after"}
    return f"{call.path}?{urlencode({**asked, 'after': next_of(call, _named(listed), place=list(place))})}"


def _named(listed: str) -> str:
    """Return the name of a console list, which differs from that of the API, because its places have another form."""
    return f"console/{listed}"
