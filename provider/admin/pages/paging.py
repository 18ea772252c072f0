"""Long lists a page at a time. Where the next page begins is sealed into its link: nobody makes one up (A-130)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from provider.web.call import Call

AT_ONCE = 50
LIFETIME = timedelta(days=1)


def place_on(call: Call, listed: str) -> list[Any] | None:
    """Where the page asked for begins: as `next_page` put it into the link. None is the beginning, also for what is
    none of our links or too old.
    """
    text = call.query.get("after")
    sealed = None if text is None else call.work.vault.unseal(text, purpose=_purpose(listed), now=call.work.now)
    return None if sealed is None else list(sealed["place"])


def next_page(call: Call, listed: str, place: Sequence[Any] | None) -> str | None:
    """The address of the page after this one; `place` is where it begins, None when there is none."""
    if place is None:
        return None
    work = call.work
    sealed = work.vault.seal({"place": list(place)}, purpose=_purpose(listed), now=work.now, lifetime=LIFETIME)
    asked = {name: value for name, value in call.query.items() if name != "after"}
    return f"{call.path}?{urlencode({**asked, 'after': sealed})}"


def _purpose(listed: str) -> str:
    return f"page/{listed}"
