"""What our own APIs say about themselves, and that whoever is refused is told where."""

import re
from urllib.parse import urlsplit

import pytest

from provider.oauth.scopes import SCOPES
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.installation import ISSUER

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@pytest.mark.parametrize("path", ["", "/oauth2/userinfo", "/api/account", "/api/admin"])
def test_each_describes_itself_where_its_name_leads(http: WatchedClient, path: str) -> None:
    """RFC 9728 sections 2, 3.1, 3.3, 4: the `resource` is the one that was asked about."""
    response = http.get(WELL_KNOWN + path)
    body = response.json()
    assert (body["resource"], body["authorization_servers"]) == (ISSUER + path, [ISSUER])
    assert set(body["scopes_supported"]) <= set(SCOPES)
    assert "header" in body["bearer_methods_supported"]
    named = http.get("/.well-known/oauth-authorization-server").json()["protected_resources"]
    assert body["resource"] in named
    assert response.headers["access-control-allow-origin"] == "*"
    assert http.get(WELL_KNOWN + path, headers={"if-none-match": response.headers["etag"]}).status_code == 304


@in_one_world(
    ("path", "resource"),
    [
        ("/oauth2/userinfo", "/oauth2/userinfo"),
        ("/api/account/profile", "/api/account"),
        ("/api/admin/users", "/api/admin"),
    ],
)
@in_one_world("authorization", [{}, {"authorization": "Bearer x"}])
def test_whoever_is_refused_is_told_where(
    http: WatchedClient, path: str, resource: str, authorization: dict[str, str]
) -> None:
    """RFC 9728 section 5.1: and it is there."""
    refused = http.get(path, headers=authorization)
    assert refused.status_code == 401
    found = re.search('resource_metadata="([^"]+)"', refused.headers["www-authenticate"])
    assert found
    assert http.get(urlsplit(found[1]).path).json()["resource"] == ISSUER + resource


def test_what_is_no_resource_describes_nothing(http: WatchedClient) -> None:
    """RFC 9728 section 3."""
    for path in ("/", "/api", "/oauth2/token", "/api/account/profile"):
        assert http.get(WELL_KNOWN + path).status_code == 404
