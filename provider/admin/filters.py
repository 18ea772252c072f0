"""The query parameters that filter a list."""

from datetime import datetime

from provider.api.bodies import InvalidBody, as_moment
from provider.languages.text import Text
from provider.web.call import Call

FLAGS = {"true": True, "1": True, "": True, "false": False, "0": False}


def query_text(call: Call, name: str) -> str | None:
    """Return the text of a query parameter, or None. Raises InvalidBody if it contains NUL, which PostgreSQL cannot
    store.
    """
    text = call.query.get(name)
    if text is not None and "\x00" in text:
        raise InvalidBody([{"member": name, "problem": Text("This cannot be read. Check it.")}])
    return text


def query_flag(call: Call, name: str) -> bool:
    """Return whether a query parameter is set: `true`, `1` or no value. Raises InvalidBody for other words."""
    value = FLAGS.get(call.query.get(name, "false").lower())
    if value is None:
        raise InvalidBody([{"member": name, "problem": Text("Enter true or false.")}])
    return value


def typed_text(call: Call, name: str) -> str:
    """Return the text of a query parameter of the console, or "". NUL characters are removed."""
    return call.query.text(name).replace("\x00", "")


def query_time(call: Call, name: str) -> datetime | None:
    """Return the time in a query parameter (RFC 3339; UTC if it has no zone), or None. Raises InvalidBody."""
    text = call.query.get(name)
    if text is None:
        return None
    try:
        return as_moment(datetime.fromisoformat(text))
    except ValueError:
        raise InvalidBody(
            [
                {
                    "member": name,
                    "problem": Text("Enter a date and time in RFC 3339 format, for example 2026-11-21T06:00:00Z."),
                }
            ]
        ) from None
