"""The world of SCIM: a directory with an access token, and what it sends."""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.support.factories import make_client
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty

BASE = "/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@dataclass
class Directory:
    """A client with the scope `scim` at work."""

    http: TestClient
    token: str
    client_id: str
    app: RelyingParty | None = None

    def renew(self) -> None:
        """Get another access token."""
        assert self.app is not None
        self.token = self.app.client_credentials().access_token

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/scim+json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, BASE + path, json=body, headers=sent)

    def get(self, path: str) -> Any:
        answer = self("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, **user: Any) -> Any:
        answer = self("POST", "/Users", {"schemas": [USER], **user})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def group(self, name: str, *members: str) -> Any:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]}
        answer = self("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> httpx2.Response:
        return self("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def found(self, text: str, kind: str = "Users") -> list[str]:
        """The userName or displayName of what a filter finds."""
        answer = self.http.get(
            f"{BASE}/{kind}", params={"filter": text}, headers={"authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 200, answer.text
        return [one.get("userName") or one["displayName"] for one in answer.json()["Resources"]]

    def bulk(self, *operations: Any, **more: Any) -> list[dict[str, Any]]:
        answer = self("POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations), **more})
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["Operations"]
        return results


def directory_of(work: Work, client: TestClient, scope: str = "scim") -> Directory:
    with work() as w:
        registered, secret = make_client(w, redirect_uris=(), grant_types=("client_credentials",), scope=scope)
    app = RelyingParty(client, registered, secret)
    return Directory(client, app.client_credentials().access_token, registered.client_id, app)


@pytest.fixture
def directory(work: Work, client: TestClient) -> Directory:
    return directory_of(work, client)


def problem(answer: httpx2.Response) -> tuple[int, str | None]:
    """The status and the keyword of an error (RFC 7644 section 3.12)."""
    assert answer.headers["content-type"] == "application/scim+json", answer.text
    body = answer.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(answer.status_code)
    assert body["detail"]
    return answer.status_code, body.get("scimType")
