"""Lists and networks in the notation that operators write: comma-separated."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from provider.config.notation import Notation


def in_order(text: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated text, without blanks."""
    return tuple(part for part in map(str.strip, text.split(",")) if part)


def _in_order(value: object) -> object:
    return in_order(value) if isinstance(value, str) else value


def split(value: object) -> object:
    """Return the parts of a text as a set; any other value as it is."""
    return frozenset(in_order(value)) if isinstance(value, str) else value


def _networks(value: frozenset[str]) -> frozenset[str]:
    for text in value:
        try:
            ip_network(text, strict=False)
        except ValueError:
            raise ValueError(
                f"must be IP addresses or networks, comma-separated, such as 10.0.0.0/8,2001:db8::1, not {text!r}"
            ) from None
    return value


Ordered = Annotated[tuple[str, ...], BeforeValidator(_in_order), Notation("list, comma-separated")]
Names = Annotated[frozenset[str], BeforeValidator(split)]
Networks = Annotated[Names, AfterValidator(_networks), Notation("IP addresses or networks, comma-separated")]
