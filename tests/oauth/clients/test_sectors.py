"""Which apps see the same pairwise subject."""

import json

import pytest

from provider.oauth.clients.sectors import find_sector, problem_with_document, problem_with_uri

APP = "https://app.example.test/callback"


@pytest.mark.parametrize(
    ("redirect_uris", "sector_identifier_uri", "sector"),
    [
        ((APP,), None, "app.example.test"),
        ((APP, "https://app.example.test:8443/other?x=1"), None, "app.example.test"),
        (("https://APP.example.test/callback",), None, "app.example.test"),
        ((APP, "https://other.example.test/callback"), None, None),
        ((APP, "https://other.example.test/callback"), "https://example.test/uris.json", "example.test"),
        ((APP,), "https://example.test/uris.json", "example.test"),
        ((), None, None),
        ((), "https://example.test/uris.json", "example.test"),
        (("com.example.app:/callback",), None, None),
        (("http://127.0.0.1/callback",), None, None),
        (("http://[::1]:8000/callback",), None, None),
        (("http://localhost:8000/callback",), None, None),
        ((APP, "com.example.app:/callback"), None, None),
    ],
)
def test_the_sector_is_one_host(
    redirect_uris: tuple[str, ...], sector_identifier_uri: str | None, sector: str | None
) -> None:
    """OIDC Core section 8.1. What every app on every device could register is the host of none."""
    assert find_sector(redirect_uris, sector_identifier_uri) == sector


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.test/uris.json",
        "https://",
        "https:///uris.json",
        "https://[::1/uris.json",
        "https://me@example.test/uris.json",
        "https://example.test/uris.json#part",
        "https://example.test/a b",
        "https://example.test/\x00",
        "https://exämple.test/",
        "ftp://example.test/",
        "",
    ],
)
def test_the_uri_of_a_sector_is_https(uri: str) -> None:
    """OIDC Registration section 2, sector_identifier_uri."""
    assert problem_with_uri(uri) == "must be an https URL"


def test_an_ordinary_uri_is_fine() -> None:
    assert problem_with_uri("https://example.test/uris.json") is None


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (json.dumps([APP]), None),
        (json.dumps(["https://other.example.test/", APP]), None),
        ("[]", f"does not list {APP}"),
        (json.dumps([APP + "/"]), f"does not list {APP}"),
        (json.dumps([APP, 1]), "is not an array of strings"),
        (json.dumps({"uris": [APP]}), "is not an array of strings"),
        ("null", "is not an array of strings"),
        ("", "is not JSON"),
        ("<html>", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff", "is not JSON"),
    ],
)
def test_a_document_vouches_for_redirect_uris_character_for_character(
    document: str | bytes, problem: str | None
) -> None:
    """OIDC Registration section 5; oidcc-registration-sector-bad."""
    given = document.encode() if isinstance(document, str) else document
    assert problem_with_document(given, (APP,)) == problem
