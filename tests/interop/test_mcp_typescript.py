"""The sample MCP server, and the OAuth client of the MCP SDK for TypeScript: an agent that Signet has never met.

It discovers the provider from a 401 (RFC 9728), by RFC 8414 or OIDC Discovery, also for an issuer with a path; shows a
client ID metadata document; names the API (RFC 8707); refreshes; and asks for more scope when a tool needs it.
"""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from provider.oauth.clients.clients import find_client
from provider.work import unit_of_work
from tests.interop.conftest import EMAIL, RelyingApp, Served, allow_access, serve
from tests.support.certificates import Authority
from tests.support.chromium import NewPerson
from tests.support.factories import PASSWORD, make_client
from tests.support.foreign_server import ForeignServer, Request, answer
from tests.support.mcp_server import running_mcp_server
from tests.support.npm import installed
from tests.support.server_process import free_port

pytestmark = [pytest.mark.slow, pytest.mark.nightly, pytest.mark.browser]

HERE = Path(__file__).parent / "mcp"
HIDDEN = {"oauth2": "", "oidc": "/.well-known/oauth-authorization-server"}
"""By the metadata that the agent finds: what is not there for it."""


@pytest.fixture(params=["", "/id"], ids=["root", "path"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, authority: Authority
) -> Iterator[Served]:
    port = free_port()
    settings = {
        "SIGNET_CLIENT_DOCUMENTS": "listed",
        "SIGNET_CLIENT_DOCUMENT_DOMAINS": "localhost",
        "SIGNET_OUTBOUND_ALLOW": "127.0.0.1,::1",
        "SIGNET_OUTBOUND_CA": str(authority.file),
        "SIGNET_REGISTRATION_SCOPES": "openid,offline_access,notes:read,notes:write",
    }
    issuer = f"http://127.0.0.1:{port}{request.param}"
    with serve(tmp_path, sqlite_template, issuer=issuer, port=port, **settings) as served:
        yield served


@pytest.fixture
def sdk(node: str) -> Path:
    """The folder where the pinned SDK is installed, beside the agent that uses it."""
    assert node
    folder = installed("@modelcontextprotocol/sdk", HERE).parents[2]
    shutil.copy(HERE / "agent.mjs", folder)
    return folder


def publish_document(server: ForeignServer, callback: str = "http://localhost:3000/callback") -> str:
    """Serve the metadata document of the agent. Returns its URL."""
    url = server.url("/client.json")
    server.behaviour = answer(
        {
            "client_id": url,
            "client_name": "Example agent",
            "redirect_uris": [callback],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        }
    )
    return url


def register_api(served: Served, port: int) -> str:
    """Register the MCP server at this port as an API. Returns its URL."""
    url = f"http://127.0.0.1:{port}/mcp"
    with unit_of_work(served.installation) as work:
        api: dict[str, Any] = {"grant_types": (), "response_types": (), "redirect_uris": ()}
        make_client(work, **api, client_name="Notes", resource_identifiers=(url,))
    return url


@pytest.mark.parametrize("metadata", HIDDEN)
def test_an_agent_made_with_the_typescript_sdk_works_for_a_user(
    served: Served, sdk: Path, node: str, foreign_server: ForeignServer, new_person: NewPerson, metadata: str
) -> None:
    document, callback = publish_document(foreign_server), f"http://localhost:{free_port()}/callback"
    port = free_port()
    url = register_api(served, port)
    given = {
        "mcp_url": url,
        "document": document,
        "callback": callback,
        "issuer": served.issuer,
        "hidden": HIDDEN[metadata],
    }
    person = new_person()
    with (
        running_mcp_server(served.issuer, url, port),
        subprocess.Popen(
            [node, str(sdk / "agent.mjs"), json.dumps(given)],
            cwd=sdk,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        agent = RelyingApp(process)
        try:
            person.open(agent.listen()["open"])
            allow_access(person, EMAIL, PASSWORD, app="localhost")
            person.expect_heading("Back at the agent")
            person.open(agent.listen()["open"])  # for the second tool
            person.expect_heading("localhost wants to access your account")
            for words in ("Example agent", "Notes", "notes:read", "notes:write"):
                assert person.page.get_by_text(words).first.is_visible(), words
            person.press("Allow")
            person.expect_heading("Back at the agent")
            learned = agent.listen()
        finally:
            process.kill()
    assert learned["tools"] == ["add_note", "list_notes"]
    assert learned["added"] == {"error": False, "text": "Added: Buy milk"}
    assert learned["last"] == {"error": False, "text": "Buy milk"}
    assert set(learned["scopeAfter"].split()) - set(learned["scopeBefore"].split()) == {"notes:write"}
    assert learned["rotated"], "the refresh token was used, and replaced"
    assert learned["client_id"] == document
    path = urlsplit(served.issuer).path
    known = "oauth-authorization-server" if metadata == "oauth2" else "openid-configuration"
    assert f"/.well-known/{known}{path}" in learned["requested"]
    with unit_of_work(served.installation) as work:
        client = find_client(work, document)
    assert client is not None
    assert client.has_document


def test_the_typescript_sdk_in_a_page_reads_metadata_and_tokens(
    served: Served, sdk: Path, foreign_server: ForeignServer, new_person: NewPerson
) -> None:
    """CORS, with the header MCP-Protocol-Version: metadata for any site, tokens for the origin of the redirect URI."""
    port = free_port()
    url = register_api(served, port)
    person = new_person()

    def answer_file(connection: socket.socket, request: Request) -> None:
        path = urlsplit(request.target).path
        is_module = path.startswith("/node_modules/")
        file = sdk / path.lstrip("/") if is_module else HERE / "in_browser.html"
        answer(file.read_bytes(), "text/javascript" if is_module else "text/html")(connection, request)

    with running_mcp_server(served.issuer, url, port), ForeignServer(behaviour=answer_file) as site:
        given = {"mcp_url": url, "document": publish_document(foreign_server, site.url("/callback"))}
        person.open(site.url(f"/#{quote(json.dumps(given))}"))
        allow_access(person, EMAIL, PASSWORD, app="localhost")
        person.expect_heading("Signed in and refreshed")
