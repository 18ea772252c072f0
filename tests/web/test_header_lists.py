"""Headers that may be lists are read as lists, whole (RFC 9110 section 5.3); those with one value have one."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from provider.oauth.tokens.introspection_jwts import is_wanted

Lines = list[tuple[str, str]]


def test_cookies_may_come_one_by_one(client: TestClient) -> None:
    """RFC 9113 section 8.2.3: HTTP/2 splits them, and a proxy may leave them so."""
    cookies = [("cookie", "other=1"), ("cookie", "__Host-signet-language=de"), ("accept", "text/html")]
    assert client.get("/login", headers=cookies).headers["content-language"] == "de"


@pytest.mark.parametrize(
    "lines",
    [
        [("accept-language", "xx"), ("accept-language", "fr;q=0.5, de;q=0.8")],
        [("accept-language", "fr;q=0.1"), ("accept-language", "de")],
    ],
)
def test_languages_are_chosen_from_all_lines(client: TestClient, lines: Lines) -> None:
    """RFC 9110 section 12.5.4."""
    assert client.get("/login", headers=lines).headers["content-language"] == "de"


def test_an_error_is_a_page_if_any_line_accepts_one(client: TestClient) -> None:
    answer = client.get("/nowhere", headers=[("accept", "image/png"), ("accept", "text/html")])
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (lambda tag: [("if-none-match", '"a"'), ("if-none-match", tag)], 304),
        (lambda tag: [("if-none-match", f'"a", W/{tag}')], 304),
        (lambda _tag: [("if-none-match", "*")], 304),
        (lambda tag: [("if-none-match", f'"a{tag[1:]}')], 200),
        (lambda _tag: [("if-none-match", '"a"'), ("if-none-match", '"b"')], 200),
    ],
)
def test_a_copy_is_known_by_any_of_the_tags(client: TestClient, lines: Callable[[str], Lines], status: int) -> None:
    """RFC 9110 section 13.1.2."""
    url = "/.well-known/openid-configuration"
    tag = client.get(url).headers["etag"]
    assert client.get(url, headers=lines(tag)).status_code == status


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/token-introspection+jwt", True),
        ("application/json, application/token-introspection+jwt; q=0.5", True),
        ("application/json, application/token-introspection+jwt;q=0", False),
        ("application/token-introspection+jwt; Q=0.000", False),
        ("*/*", False),
    ],
)
def test_a_weight_of_zero_is_a_refusal(accept: str, *, wanted: bool) -> None:
    """RFC 9110 section 12.4.2."""
    assert is_wanted(accept) is wanted


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("content-type", "application/x-www-form-urlencoded", "application/json"),
        ("origin", "https://id.example.test", "https://evil.example"),
        ("sec-fetch-site", "same-origin", "cross-site"),
    ],
)
def test_two_values_of_a_header_that_has_one_are_refused(client: TestClient, name: str, one: str, other: str) -> None:
    """RFC 9110 section 5.5: a proxy and Signet could each believe another one."""
    answer = client.post("/login", headers=[(name, one), (name, other)], content=b"")
    assert answer.status_code == 400
    assert name in answer.text
    twice_the_same = client.get("/login", headers=[(name, one), (name, one)])
    assert twice_the_same.status_code == 200
