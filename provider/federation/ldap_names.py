"""Values in filters (RFC 4515), and distinguished names (RFC 4514). Pure."""

import re

_RDN = re.compile(r"(?:[^,\\]|\\.)+")


def escape(text: str) -> str:
    """Escape a value for a filter (RFC 4515 section 3)."""
    return "".join(
        f"\\{ord(character):02x}" if character in "\\*()\0" or character < " " else character for character in text
    )


def escape_bytes(value: bytes) -> str:
    """Escape a binary value for a filter, for example an objectGUID (RFC 4515 section 3)."""
    return "".join(f"\\{byte:02x}" for byte in value)


def is_below(dn: str, base: str) -> bool:
    """Return whether a DN is this base or below it. Case and spaces around separators make no difference."""
    one, other = _parts(dn), _parts(base)
    return bool(other) and one[-len(other) :] == other


def first_name(dn: str) -> str:
    """Return the value of the first RDN: the name of a group (RFC 4514)."""
    first = (_RDN.findall(dn) or [""])[0].partition("=")[2].strip()
    return re.sub(r"\\([,+\"\\<>;=# ])", r"\1", first)


def _parts(dn: str) -> list[str]:
    """Return the RDNs of a DN. A comma that is escaped separates none."""
    return [re.sub(r"\s*=\s*", "=", part.strip(), count=1).casefold() for part in _RDN.findall(dn)]
