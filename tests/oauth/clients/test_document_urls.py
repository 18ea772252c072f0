"""Which URLs can be a client_id (draft-ietf-oauth-client-id-metadata-document-01 section 3), and of which domains."""

from typing import Any

import pytest

from provider.oauth.clients.document_urls import is_document_url, may_have_documents, problem_with_url
from tests.support.installation import settings_for

APP = "https://app.example.com/client.json"


@pytest.mark.parametrize(
    "url",
    [
        APP,
        "https://app.example.com/",
        "https://app.example.com:8443/oauth/client",
        "https://app.example.com/client?v=1",
        "https://app.example.com/a.b/..c/client.json",
        "https://xn--mller-kva.example/client.json",
    ],
)
def test_a_url_with_a_path_can_be_a_client_id(url: str) -> None:
    assert is_document_url(url)
    assert problem_with_url(url, may_be_local=False) is None


def test_a_url_with_a_fragment_is_no_client_id() -> None:
    """N-111. Client ID Metadata Document section 3."""
    assert problem_with_url(f"{APP}#a", may_be_local=False) == "must not have a fragment"


@pytest.mark.parametrize("user", ["ada@", "ada:secret@", "app.example.com@"])
def test_a_url_with_a_user_is_no_client_id(user: str) -> None:
    """N-112. Client ID Metadata Document section 3."""
    problem = problem_with_url(f"https://{user}evil.example/client.json", may_be_local=False)
    assert problem == "must not contain a user name or password"


@pytest.mark.parametrize("path", ["/a/../client.json", "/./client.json", "/%2e%2e/client.json", "/a/..", "/%2E/x"])
def test_a_url_with_dot_segments_is_no_client_id(path: str) -> None:
    """N-113. Client ID Metadata Document section 3; RFC 3986 section 6.2.2.3: encoded dots are dots."""
    assert problem_with_url(f"https://app.example.com{path}", may_be_local=False) == (
        "must not have the path segments . or .."
    )


@pytest.mark.parametrize("url", ["https://app.example.com", "https://app.example.com?a=/client.json"])
def test_a_url_without_a_path_is_no_client_id(url: str) -> None:
    """N-114. Client ID Metadata Document section 3."""
    assert problem_with_url(url, may_be_local=False) == "must have a path"


@pytest.mark.parametrize(
    "url",
    [
        "https://APP.example.com/client.json",
        "https://app.example.com:443/client.json",
        "https://app.example.com./client.json",
        "https://app%2eexample.com/client.json",
        "https://[2001:DB8::1]/client.json",
    ],
)
def test_a_host_is_written_in_one_way(url: str) -> None:
    """N-115. RFC 3986 section 6.2.1: URLs are compared as strings, so one document must not be several clients."""
    assert "must have its host written as" in (problem_with_url(url, may_be_local=False) or "")


@pytest.mark.parametrize(
    "url",
    [
        "https:///client.json",
        "https://app.example.com:99999/client.json",
        "https://[::1/client.json",
        "https://app.example.com\\@evil.example/client.json",
        "https://app.example.com/client json",
        "https://app.example.com/client.json\n",
        f"https://app.example.com/{'a' * 128}",
    ],
)
def test_what_is_no_url_or_too_long_is_no_client_id(url: str) -> None:
    """N-116. RFC 3986 section 2."""
    assert problem_with_url(url, may_be_local=False) is not None


@pytest.mark.parametrize("url", ["http://app.example.com/client.json", "HTTPS://app.example.com/c", "ftp://a/b", "app"])
def test_only_https_urls_are_looked_for(url: str) -> None:
    """N-117. Client ID Metadata Document section 3."""
    assert not is_document_url(url)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]", "app.localhost"])
def test_a_document_is_on_this_machine_only_beside_this_server(host: str) -> None:
    """N-118. Client ID Metadata Document section 6.5: only a server on loopback itself may fetch from there."""
    url = f"https://{host}/client.json"
    assert problem_with_url(url, may_be_local=False) == "must not be on this machine"
    assert problem_with_url(url, may_be_local=True) is None


@pytest.mark.parametrize(
    ("setting", "listed", "blocked", "may"),
    [
        ("off", "app.example.com", "", False),
        ("listed", "", "", False),
        ("listed", "app.example.com", "", True),
        ("listed", "example.com", "", False),
        ("listed", "*.example.com", "", True),
        ("all", "", "", True),
        ("all", "", "app.example.com", False),
        ("listed", "*.example.com", "*.example.com", False),
        ("all", "", "example.com", True),
    ],
)
def test_operators_allow_and_block_domains(setting: str, listed: str, blocked: str, may: bool) -> None:
    """Client ID Metadata Document section 6.8."""
    domains: dict[str, Any] = {
        "client_document_domains": frozenset(filter(None, [listed])),
        "client_document_domains_blocked": frozenset(filter(None, [blocked])),
    }
    settings = settings_for("sqlite:///none.db", client_documents=setting, **domains)
    assert may_have_documents(settings, APP) is may
