"""The headers of a request, sorted once (RFC 9110 section 5)."""

from provider.web.headers import RequestHeaders


def test_lines_of_one_name_stay_apart_and_in_order() -> None:
    """RFC 9110 section 5.3."""
    headers = RequestHeaders([(b"accept", b"a"), (b"host", b"h"), (b"accept", b"b"), (b"accept", b"c")])
    assert headers.getlist("accept") == ["a", "b", "c"]
    assert headers.get("accept") == headers["accept"] == "a"
    assert headers.lines(b"host") == [b"h"]
    assert list(headers.repeated) == [b"accept"]


def test_an_absent_header_is_none_or_the_default() -> None:
    headers = RequestHeaders([(b"x-empty", b"")])
    assert (headers.get("origin"), headers.get("origin", "none"), headers.getlist("origin")) == (None, "none", [])
    assert "origin" not in headers
    assert (headers.get("x-empty", "none"), "x-empty" in headers) == ("", True)


def test_bytes_that_are_not_ascii_are_read_as_latin_1() -> None:
    """RFC 9110 section 5.5: obs-text."""
    headers = RequestHeaders([(b"x-name", b"caf\xe9"), (b"x-name", b"\xff")])
    assert headers.getlist("x-name") == ["café", "ÿ"]
