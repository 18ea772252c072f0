"""Choosing the media type and the coding of a response by the Accept headers (RFC 9110 section 12.5). Pure."""

from collections.abc import Sequence

MOST = 50
"""The number of ranges that are looked at."""


def preferred(accept: str, offered: Sequence[str]) -> str:
    """Return the media type that the header prefers, or the first one offered without a preference.

    If it accepts none of them, the first one is sent all the same, which section 12.5.1 allows.
    """
    ranges = [_parse(item) for item in accept.lower().split(",", MOST)[:MOST]]
    return max(offered, key=lambda media_type: _quality(media_type, ranges))


def takes_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header accepts gzip (RFC 9110 section 12.5.3). Without the header it does not:
    programs that do not send it often cannot decode anything.
    """
    codings = dict(_parse(item) for item in reversed(accept_encoding.lower().split(",", MOST)[:MOST]))
    return codings.get("gzip", codings.get("x-gzip", codings.get("*", 0))) > 0


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the weight of the most specific range that the media type is in."""
    for wanted in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        weights = [weight for range_, weight in ranges if range_ == wanted]
        if weights:
            return max(weights)
    return 0


def _parse(item: str) -> tuple[str, float]:
    """Return a range and its weight. One whose weight cannot be read has none."""
    range_, *parameters = (part.strip() for part in item.split(";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0
    return range_, weight if 0 <= weight <= 1 else 0
