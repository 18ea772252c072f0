"""Distinguished names as text (RFC 4514), and whether two are the same (RFC 4517 section 4.2.15). Pure."""

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provider.jose.certificates import Certificate

Name = tuple[frozenset[tuple[str, str]], ...]
"""A name for comparison: its relative names from the root on, each a set of types (as OID) and prepared values."""

TYPES = {
    "CN": "2.5.4.3",
    "SN": "2.5.4.4",
    "SERIALNUMBER": "2.5.4.5",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "S": "2.5.4.8",
    "STREET": "2.5.4.9",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "T": "2.5.4.12",
    "TITLE": "2.5.4.12",
    "BUSINESSCATEGORY": "2.5.4.15",
    "POSTALCODE": "2.5.4.17",
    "GIVENNAME": "2.5.4.42",
    "GN": "2.5.4.42",
    "DNQUALIFIER": "2.5.4.46",
    "PSEUDONYM": "2.5.4.65",
    "ORGANIZATIONIDENTIFIER": "2.5.4.97",
    "UID": "0.9.2342.19200300.100.1.1",
    "DC": "0.9.2342.19200300.100.1.25",
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
    "E": "1.2.840.113549.1.9.1",
    "JURISDICTIONL": "1.3.6.1.4.1.311.60.2.1.1",
    "JURISDICTIONST": "1.3.6.1.4.1.311.60.2.1.2",
    "JURISDICTIONC": "1.3.6.1.4.1.311.60.2.1.3",
}
"""The names of attribute types, in upper case: those of RFC 4514 section 3, and those that OpenSSL and Java write."""

LONGEST = 1000
_OID = re.compile(r"(?:OID\.)?([012](?:\.(?:0|[1-9][0-9]{0,18})){1,30})", re.IGNORECASE)
_TYPE = re.compile(r" *([A-Za-z][A-Za-z0-9-]*|(?:OID\.|oid\.)?[0-9.]+) *= *")
_VALUE = re.compile(r'((?:\\[0-9A-Fa-f]{2}|\\[ "#+,;<=>\\]|[^\\"+,;<>\x00])*)')
_HEX = re.compile(r"#((?:[0-9A-Fa-f]{2})+)")
_PAIRS = re.compile(r'((?:\\[0-9A-Fa-f]{2})+)|\\([ "#+,;<=>\\])')
_STRINGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii"}
"""The tags of UTF8String, PrintableString and IA5String."""


class InvalidName(ValueError):
    """A text that is not a distinguished name. The text says why."""


def parse_name(text: str) -> Name:
    """Parse a name as RFC 4514 section 3 writes it, the most specific part first. Raises InvalidName.

    Blanks around separators and types in any case are accepted (section 2.4 leaves room for them).
    """
    if not 0 < len(text) <= LONGEST:
        raise InvalidName(f"must have 1 to {LONGEST} characters")
    relative: list[set[tuple[str, str]]] = [set()]
    at = 0
    while True:
        found = _TYPE.match(text, at)
        if found is None:
            raise InvalidName("must be a distinguished name such as CN=client,O=Example,C=US (RFC 4514)")
        value, at = _read_value(text, found.end())
        relative[-1].add((_type(found[1]), value))
        if at == len(text):
            return tuple(frozenset(each) for each in reversed(relative))
        if text[at] not in ",+":
            raise InvalidName(f"has an unescaped {text[at]!r}")
        if text[at] == ",":
            relative.append(set())
        at += 1


def subject_of(certificate: "Certificate") -> Name:
    """Return the subject of a certificate for comparison. Empty if it has none, or one that cannot be read."""
    try:
        return tuple(
            frozenset((each.oid.dotted_string, prepare(_text(each.value))) for each in relative)
            for relative in certificate.parsed.subject.rdns
        )
    except ValueError:
        return ()


def _text(value: str | bytes) -> str:
    if isinstance(value, bytes):  # a bit string
        raise InvalidName("has a value that is not a text")
    return value


def prepare(text: str) -> str:
    """Return a value for comparison: case and insignificant spaces do not matter (RFC 4518, caseIgnoreMatch)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def _type(name: str) -> str:
    oid = _OID.fullmatch(name)
    found = oid[1] if oid else TYPES.get(name.upper())
    if found is None:
        raise InvalidName(f"has an unknown attribute type {name[:40]!r}. Write it as an OID, such as 2.5.4.10=Example")
    return found


def _read_value(text: str, start: int) -> tuple[str, int]:
    """Return a value for comparison, and where it ends."""
    if text.startswith("#", start):
        encoded = _HEX.match(text, start)
        value = None if encoded is None else _string_in(bytes.fromhex(encoded[1]))
        if encoded is None or value is None:
            raise InvalidName("has a value after # that is not the DER encoding of a string")
        return value, encoded.end()
    found = _VALUE.match(text, start)
    raw = found[1] if found else ""
    try:
        plain = _PAIRS.sub(_unescaped, raw)
    except UnicodeDecodeError:
        raise InvalidName("has escaped bytes that are not UTF-8") from None
    prepared = prepare(plain)
    if not prepared:
        raise InvalidName("has an empty value")
    return prepared, start + len(raw)


def _unescaped(pair: re.Match[str]) -> str:
    return pair[2] if pair[1] is None else bytes.fromhex(pair[1].replace("\\", "")).decode()


def _string_in(der: bytes) -> str | None:
    """Return the string that is encoded, prepared; None if it is not one of fewer than 128 bytes."""
    if len(der) < 3 or der[0] not in _STRINGS or der[1] != len(der) - 2 or der[1] >= 128:
        return None
    try:
        return prepare(der[2:].decode(_STRINGS[der[0]])) or None
    except UnicodeDecodeError:
        return None
