"""What a query string narrows a list by."""

from datetime import datetime

from provider.api.bodies import InvalidBody, as_moment
from provider.languages.text import Text
from provider.web.call import Call


def asked_text(call: Call, name: str) -> str | None:
    """Raises InvalidBody for what nothing could be called: PostgreSQL knows no NUL."""
    text = call.query.get(name)
    if text is not None and "\x00" in text:
        raise InvalidBody([{"member": name, "problem": Text("This cannot be read. Check it.")}])
    return text


def typed_text(call: Call, name: str) -> str:
    """The same for the console: what somebody typed, and "" when nothing was. A NUL is as if it had not been typed."""
    return call.query.text(name).replace("\x00", "")


def asked_moment(call: Call, name: str) -> datetime | None:
    """RFC 3339; without a zone it is UTC. Raises InvalidBody."""
    text = call.query.get(name)
    if text is None:
        return None
    try:
        return as_moment(datetime.fromisoformat(text))
    except ValueError:
        raise InvalidBody([{"member": name, "problem": Text("Enter a moment like 2026-11-21T06:00:00Z.")}]) from None
