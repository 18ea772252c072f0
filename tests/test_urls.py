"""URLs are compared by what they mean, not by how they are written (RFC 3986 section 6.2)."""

import pytest

from provider.urls import is_loopback, normal_authority, normal_url, origin_of, web_origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://App.Test/cb?x=1", "https://app.test"),
        ("https://app.test:443/cb", "https://app.test"),
        ("https://app.test:/cb", "https://app.test"),
        ("http://localhost:80/", "http://localhost"),
        ("http://localhost:443/", "http://localhost:443"),
        ("https://app.test:8443/cb", "https://app.test:8443"),
        ("http://[::1]:3000/cb", "http://[::1]:3000"),
        ("http://[0:0:0:0:0:0:0:1]:3000/cb", "http://[::1]:3000"),
        ("https://b\u00fccher.test/cb", "https://xn--bcher-kva.test"),
        ("https://B%C3%BCcher.test/cb", "https://xn--bcher-kva.test"),
        ("https://xn--bcher-kva.test", "https://xn--bcher-kva.test"),
        ("https://stra\u00dfe.test", "https://xn--strae-oqa.test"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("Tauri://LOCALHOST/", "tauri://localhost"),
        ("com.example.app:/cb", None),
        ("https:///cb", None),
        ("https://app.test:99999/cb", None),
        ("https://[::1/cb", None),
        ("https://[nonsense]/cb", None),
        ("https://a b/", None),
        ("https://%ff/", None),
        ("null", None),
        ("", None),
    ],
)
def test_the_origin_of_a_page_is_written_as_browsers_do(url: str, origin: str | None) -> None:
    """RFC 6454 section 6.2, UTS 46; A-100: a page without an origin of its own (`null`) is nobody's."""
    assert origin_of(url) == origin


def test_only_http_and_https_are_web_pages() -> None:
    assert web_origin_of("https://app.test/cb") == "https://app.test"
    assert web_origin_of("com.example.app://host/cb") is None
    assert web_origin_of("https://[") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id.example.com", ("id.example.com", None)),
        ("ID.Example.com:443", ("id.example.com", None)),
        ("id.example.com:", ("id.example.com", None)),
        ("id.example.com.:443", ("id.example.com", None)),
        ("id.example.com:80", ("id.example.com", 80)),
        ("b\u00fccher.example", ("xn--bcher-kva.example", None)),
        ("[2001:DB8:0::1]:443", ("[2001:db8::1]", None)),
        ("192.0.2.1:8443", ("192.0.2.1", 8443)),
    ],
)
def test_a_host_has_one_form(text: str, expected: tuple[str, int | None]) -> None:
    """RFC 9110 section 4.2.3, RFC 3986 section 3.2.3: an empty port is the default one."""
    assert normal_authority(text, scheme="https") == expected


@pytest.mark.parametrize(
    "text", ["", ".", ":443", "a:b", "a:0", "a:65536", "a:443:443", "me@a", "a/b", "a b", "2001:db8::1", "a?b", "a,b"]
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host"):
        normal_authority(text, scheme="https")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://id.example/", "https://ID.example:443"),
        ("https://id.example/auth/", "https://id.example/auth"),
        ("https://id.example/%7eada/%61", "https://id.example/~ada/a"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example/"),
        ("https://id.example/a%2fb", "https://id.example/a%2Fb"),
    ],
)
def test_the_same_url_in_two_notations_is_one(one: str, other: str) -> None:
    """RFC 3986 sections 6.2.2 and 6.2.3."""
    assert normal_url(one) == normal_url(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://id.example", "http://id.example"),
        ("https://id.example", "https://id.example:8443"),
        ("https://id.example/auth", "https://id.example/Auth"),
        ("https://id.example/a%2Fb", "https://id.example/a/b"),
        ("https://id.example", "https://id.example?x"),
        ("https://id.example", "https://id.example.evil.example"),
    ],
)
def test_different_urls_stay_different(one: str, other: str) -> None:
    assert normal_url(one) != normal_url(other)


def test_loopback_is_known_in_every_notation() -> None:
    """RFC 6761 section 6.3."""
    assert all(map(is_loopback, ["localhost", "LOCALHOST", "localhost.", "id.localhost", "127.0.0.1", "::1", "[::1]"]))
    assert not any(map(is_loopback, ["example.com", "localhost.example.com", "notlocalhost", "192.0.2.1", ""]))
