"""The media type and the coding of a response follow the Accept headers (RFC 9110 section 12.5)."""

import pytest

from provider.web.accept import preferred, takes_gzip

SVG, PNG = "image/svg+xml", "image/png"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", SVG),
        ("*/*", SVG),
        ("image/*", SVG),
        ("image/png", PNG),
        ("IMAGE/PNG", PNG),
        ("image/png, image/svg+xml", SVG),
        ("image/svg+xml;q=0.5, image/png", PNG),
        ("image/png;q=0.5, image/svg+xml;q=0.4", PNG),
        ("image/png;q=0.5, */*", SVG),
        ("image/svg+xml;q=0, image/*", PNG),
        ("image/png;q=0", SVG),
        ("image/png;q=0.000, text/html", SVG),
        ("text/html", SVG),
        ("image/avif,image/webp,image/apng,image/png;q=0.9,*/*;q=0.8", PNG),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", SVG),
        ("image/png ; q = x", SVG),
        ("image/png;q=nan, image/svg+xml;q=9", SVG),
        (";,,;q=1", SVG),
    ],
)
def test_the_preferred_type_is_sent(accept: str, chosen: str) -> None:
    assert preferred(accept, (SVG, PNG)) == chosen


@pytest.mark.parametrize(
    ("accept_encoding", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.000", False),
        ("identity", False),
        ("br", False),
    ],
)
def test_files_are_compressed_for_those_who_accept_gzip(accept_encoding: str, *, taken: bool) -> None:
    """RFC 9110 section 12.5.3."""
    assert takes_gzip(accept_encoding) is taken
