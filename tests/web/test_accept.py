"""The media type of a response follows the Accept header (RFC 9110 section 12.5.1)."""

import pytest

from provider.web.accept import preferred

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
