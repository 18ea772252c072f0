"""The sample MCP server, and the OAuth client of the MCP SDK for Python: an agent that Signet has never met.

MCP authorization 2026-07-28: discovery from a 401, a client ID metadata document, a person in a browser, the audience
of the token, and more scope when a tool needs it.
"""

import asyncio
import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from provider.oauth.clients.clients import find_client
from provider.work import unit_of_work
from tests.interop.conftest import EMAIL, Served, allow_access, serve
from tests.support.certificates import Authority
from tests.support.chromium import NewPerson, Person
from tests.support.factories import PASSWORD, make_client
from tests.support.foreign_server import ForeignServer, Request, answer
from tests.support.mcp_server import running_mcp_server
from tests.support.server_process import free_port
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.browser]

CALLBACK = "http://localhost:{port}/callback"


class Storage:
    """The agent's memory."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Agent:
    """An MCP client in a thread of its own, and the loopback redirect URI at which it waits for its user."""

    def __init__(self, mcp_url: str, document_url: str, callback: str) -> None:
        self.mcp_url, self.document_url = mcp_url, document_url
        self.storage = Storage()
        self.to_open: queue.Queue[str] = queue.Queue()
        self.came_back: queue.Queue[str] = queue.Queue()
        self.learned: list[Any] = []
        self.callback = callback

    async def _open(self, url: str) -> None:
        self.to_open.put(url)

    async def _wait(self) -> AuthorizationCodeResult:
        url = await asyncio.to_thread(self.came_back.get, timeout=PATIENCE)
        given = dict(httpx2.URL(url).params)
        return AuthorizationCodeResult(code=given["code"], state=given.get("state"), iss=given.get("iss"))

    async def _work(self) -> None:
        auth = OAuthClientProvider(
            server_url=self.mcp_url,
            client_metadata=OAuthClientMetadata(
                redirect_uris=[AnyUrl(self.callback)],
                grant_types=["authorization_code", "refresh_token"],
                token_endpoint_auth_method="none",
            ),
            storage=self.storage,
            redirect_handler=self._open,
            callback_handler=self._wait,
            client_metadata_url=self.document_url,
        )
        calls: tuple[tuple[str, dict[str, Any]], ...] = (
            ("list_notes", {}),
            ("add_note", {"text": "Buy milk"}),
            ("list_notes", {}),
        )
        async with (
            httpx2.AsyncClient(auth=auth, timeout=PATIENCE) as http,
            Client(streamable_http_client(self.mcp_url, http_client=http)) as client,
        ):
            tools = await client.list_tools()
            self.learned.append(sorted(tool.name for tool in tools.tools))
            for name, arguments in calls:
                result = await client.call_tool(name, arguments)
                self.learned.append((result.is_error, result.structured_content))

    def run(self) -> None:
        asyncio.run(self._work())


@pytest.fixture
def document(foreign_server: ForeignServer) -> str:
    """The URL of the agent's metadata document."""
    url = foreign_server.url("/client.json")
    foreign_server.behaviour = answer(
        {
            "client_id": url,
            "client_name": "Example agent",
            "redirect_uris": [CALLBACK.format(port=3000)],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        }
    )
    return url


@pytest.fixture
def served(tmp_path: Path, sqlite_template: Path, authority: Authority) -> Iterator[Served]:
    port = free_port()
    settings = {
        "SIGNET_CLIENT_DOCUMENTS": "listed",
        "SIGNET_CLIENT_DOCUMENT_DOMAINS": "localhost",
        "SIGNET_OUTBOUND_ALLOW": "127.0.0.1,::1",
        "SIGNET_OUTBOUND_CA": str(authority.file),
        "SIGNET_REGISTRATION_SCOPES": "openid,offline_access,notes:read,notes:write",
    }
    with serve(tmp_path, sqlite_template, issuer=f"http://127.0.0.1:{port}", port=port, **settings) as served:
        yield served


def test_an_agent_that_was_never_met_works_for_a_user(served: Served, document: str, new_person: NewPerson) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    with unit_of_work(served.installation) as work:
        api: dict[str, Any] = {"grant_types": (), "response_types": (), "redirect_uris": ()}
        api |= {"client_name": "Notes", "resource_identifiers": (url,)}
        make_client(work, **api)
    person = new_person()
    with ForeignServer() as loopback:
        agent = Agent(url, document, CALLBACK.format(port=loopback.port))
        page = answer("<title>Back</title><main><h1>Back at the agent</h1></main>", "text/html")

        def land(connection: socket.socket, request: Request) -> None:
            if request.target.startswith("/callback"):
                agent.came_back.put(f"http://localhost{request.target}")
            page(connection, request)

        loopback.behaviour = land
        _work_for(agent, person, served, url, port)
    assert agent.learned == [
        ["add_note", "list_notes"],
        (False, {"result": []}),
        (False, {"result": "Added: Buy milk"}),
        (False, {"result": ["Buy milk"]}),
    ]
    assert agent.storage.tokens is not None
    assert agent.storage.tokens.refresh_token is not None
    with unit_of_work(served.installation) as work:
        client = find_client(work, document)
    assert client is not None
    assert client.has_document


def _work_for(agent: Agent, person: Person, served: Served, url: str, port: int) -> None:
    """The agent asks twice: to begin, and for the scope that its second tool needs."""
    thread = threading.Thread(target=agent.run, daemon=True)
    with running_mcp_server(served.issuer, url, port):
        thread.start()
        person.open(agent.to_open.get(timeout=PATIENCE))
        allow_access(person, EMAIL, PASSWORD, app="localhost")
        person.expect_heading("Back at the agent")
        person.open(agent.to_open.get(timeout=PATIENCE))  # for the second tool
        person.expect_heading("localhost wants to access your account")
        for words in ("Example agent", "Notes", "notes:read", "notes:write"):
            assert person.page.get_by_text(words).first.is_visible(), words
        person.press("Allow")
        person.expect_heading("Back at the agent")
        thread.join(PATIENCE)
