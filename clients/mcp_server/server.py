"""An MCP server that accepts access tokens of one issuer (MCP authorization 2026-07-28).

Run it in the folder above with `uvicorn --factory mcp_server.server:app`.

The SDK publishes the protected resource metadata (RFC 9728), from which MCP clients learn the issuer and the scope. It
also answers 401 and 403 with the challenges that they expect.
"""

import json
import os
from collections import defaultdict
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from resource_server.tokens import AccessTokens, InvalidToken
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READ, WRITE = "notes:read", "notes:write"
SCOPES_OF_TOOLS = {"add_note": WRITE}
"""The tools that need more than the scope that every request needs."""


class Verifier:
    """Verifies access tokens with the published keys of the issuer, for this server as their audience."""

    def __init__(self, issuer: str, url: str) -> None:
        self.url = url
        self.tokens = AccessTokens(issuer, url)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what the token says, or None if it is not valid here (RFC 9068 section 4)."""
        try:
            claims = await self.tokens.verify(token)
        except InvalidToken:
            return None
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=str(claims.get("scope", "")).split(),
            expires_at=int(claims["exp"]),
            resource=self.url,
            subject=claims["sub"],
            claims=claims,
        )


class StepUp:
    """Answers 403 with the missing scope for a tool that needs more, so that the client can ask the user for it (MCP
    authorization 2026-07-28, Scope Challenge Handling).

    The name of the tool is in the header `Mcp-Name`, which the transport compares with the body. Clients of earlier
    versions of MCP do not send it, so the body is read.
    """

    def __init__(self, app: ASGIApp, metadata_url: str) -> None:
        self.app = app
        self.metadata_url = metadata_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_token = scope.get("user") is not None and scope["user"].is_authenticated
        if scope["type"] != "http" or scope["method"] != "POST" or not has_token:
            await self.app(scope, receive, send)
            return
        name = dict(scope["headers"]).get(b"mcp-name", b"").decode("ascii", "replace")
        if not name:
            body = await Request(scope, receive).body()
            name, receive = _tool_of(body), _replay(body, receive)
        needed = SCOPES_OF_TOOLS.get(name)
        if needed is None or needed in scope["auth"].scopes:
            await self.app(scope, receive, send)
            return
        challenge = (
            f'Bearer error="insufficient_scope", error_description="This tool needs {needed}.", '
            f'scope="{READ} {needed}", resource_metadata="{self.metadata_url}"'
        )
        refused = JSONResponse({"error": "insufficient_scope"}, 403, {"www-authenticate": challenge})
        await refused(scope, receive, send)


def _tool_of(body: bytes) -> str:
    """Return the name of the tool that a JSON-RPC request calls; empty if it calls none."""
    try:
        message = json.loads(body)
        name = message["params"]["name"] if message["method"] == "tools/call" else ""
    except (ValueError, LookupError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that begins with this body, which was read already."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def app() -> Starlette:
    """Create the server from environment variables: the issuer, and the URL of this server."""
    return create_app(os.environ["ISSUER"], os.environ["MCP_URL"])


def create_app(issuer: str, url: str) -> Starlette:
    """Return the server at this URL, which is the audience of its access tokens (RFC 8707)."""
    server = MCPServer(
        "Notes",
        token_verifier=Verifier(issuer, url),
        # URLs as text: made an AnyHttpUrl first, an issuer without a path would get a slash, and clients compare it.
        auth=AuthSettings.model_validate(
            {
                "issuer_url": issuer,
                "resource_server_url": url,
                "required_scopes": [READ],
                "validate_token_resource": True,
            }
        ),
    )
    notes: dict[str, list[str]] = defaultdict(list)

    @server.tool()
    def list_notes() -> list[str]:
        """List the user's notes."""
        return notes[_user(READ)]

    @server.tool()
    def add_note(text: str) -> str:
        """Add a note."""
        notes[_user(WRITE)].append(text)
        return f"Added: {text}"

    parts = urlsplit(url)
    api = server.streamable_http_app(streamable_http_path=parts.path, stateless_http=True)
    metadata_url = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"
    api.user_middleware.append(Middleware(StepUp, metadata_url))  # the last is the innermost: the token is verified
    return api


def _user(scope: str) -> str:
    """Return the user whose token was sent."""
    token = get_access_token()
    if token is None or token.subject is None or scope not in token.scopes:
        raise PermissionError(f"This tool needs the scope {scope}.")
    return token.subject
