"""Urlencoded parameters from users and clients, each at most once.

A repeated parameter is rejected (RFC 6749 section 3.1), an empty one counts as absent, an unknown one is ignored. Those
that may be repeated are read as one value, separated by spaces, which a URI cannot contain.
"""

from urllib.parse import parse_qsl

MAX_FIELDS = 250
MANY = frozenset({"resource", "audience"})
"""Parameters that may be repeated (RFC 8707 section 2, RFC 8693 section 2.1)."""


class MalformedParameters(ValueError):
    """Parameters that are not urlencoded UTF-8 text, or too many fields."""


class Parameters(dict[str, str]):
    """Parsed parameters: the first value of each name, and the names that were repeated.

    A dict, because every request reads many of them. Only `__init__` writes to it.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__()
        self.repeated: set[str] = set()
        for name, value in pairs:
            if name in self and name in MANY:
                self[name] += f" {value}"
            elif name in self:
                self.repeated.add(name)
            else:
                self[name] = value

    def text(self, name: str) -> str:
        """Return a value that a user typed, trimmed; "" if it is absent. Not for passwords."""
        return self.get(name, "").strip()


NO_PARAMETERS = Parameters([])


def parse_parameters(raw: bytes) -> Parameters:
    """Parse a query string or an urlencoded body. Raises MalformedParameters."""
    if not raw:
        return Parameters([])
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise MalformedParameters("they are not UTF-8") from None
    except ValueError:
        raise MalformedParameters(f"there are more than {MAX_FIELDS}") from None
    return Parameters([pair for pair in pairs if pair[1]] if _no_empty_repeats(pairs) else pairs)


def _no_empty_repeats(pairs: list[tuple[str, str]]) -> bool:
    # An empty parameter is absent (RFC 6749 section 3.1), but `a=&a=1` is still a repetition.
    names = [name for name, _ in pairs if name not in MANY]
    return len(names) == len(set(names))
