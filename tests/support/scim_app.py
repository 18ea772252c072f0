"""An app with a SCIM service of its own: scim2-server behind a server on loopback."""

import io
import json
import socket
from functools import cache
from typing import Any
from urllib.parse import unquote

from scim2_models import ResourceType, ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BearerTokenApplication
from scim2_server.utils import load_default_resource_types, load_default_schemas, load_default_service_provider_config

from tests.support.foreign_server import Behaviour, ForeignServer, Request, answer, raw

TOKEN = "token-of-the-app"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


class ScimApp:
    """The app. `users` and `groups` are what it has; `trouble` replaces its next responses, one after another."""

    def __init__(self, server: ForeignServer) -> None:
        self.server = server
        self.token = TOKEN
        self.trouble: list[Behaviour] = []
        self.always: Behaviour | None = None
        self._provider = _provider()
        self._service = ScimService(self._provider)
        self.lose_all()
        server.behaviour = self._answer

    @property
    def url(self) -> str:
        return self.server.url("/v2")

    def lose_all(self) -> None:
        """Begin with nothing, as after a restore of an old backup."""
        self.storage = InMemoryStorage()

    @property
    def users(self) -> dict[str, dict[str, Any]]:
        """The users by user name. Two of one name fail the test."""
        found = [one for one in self._resources() if "userName" in one]
        named = {one["userName"]: one for one in found}
        assert len(named) == len(found)
        return named

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        return {one["displayName"]: one for one in self._resources() if "userName" not in one}

    def asked(self, *methods: str) -> list[str]:
        """Return the requests so far with these methods, and forget all."""
        found = [f"{one.method} {unquote(one.target)}" for one in self.server.requests if one.method in methods]
        self.server.requests.clear()
        return found

    def add(self, **user: Any) -> str:
        """Create a user as the app itself does. Returns the ID."""
        sent = json.dumps({"schemas": [USER], **user}).encode()
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/scim+json"}
        near, far = socket.socketpair()
        with near, far:
            self.serve(far, Request("POST", "/v2/Users", headers, sent))
            return str(json.loads(near.recv(65536).partition(b"\r\n\r\n")[2])["id"])

    def _resources(self) -> list[dict[str, Any]]:
        return [one.model_dump() for one in self.storage.resources]

    def _answer(self, connection: socket.socket, request: Request) -> None:
        behaviour = self.trouble.pop(0) if self.trouble else self.always
        (behaviour or self.serve)(connection, request)

    def serve(self, connection: socket.socket, request: Request) -> None:
        """Answer as scim2-server does."""
        application = BearerTokenApplication(
            self.storage, self._provider, service=self._service, bearer_tokens=[self.token]
        )
        path, _, query = request.target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path),
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": str(self.server.port),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(request.body),
            "CONTENT_LENGTH": str(len(request.body)),
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()},
        }
        lines: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], _info: Any = None) -> Any:
            lines.extend([f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)])

        body = b"".join(application(environ, start))
        lines.append(f"Content-Length: {len(body)}")
        raw("\r\n".join([*lines, "", ""]).encode() + body)(connection, request)

    def serve_and_lose(self, connection: socket.socket, request: Request) -> None:
        """Do what is asked, and close the connection without a response."""
        near, far = socket.socketpair()
        with near, far:
            self.serve(far, request)


def refuse(status: str, detail: str = "", **headers: str) -> Behaviour:
    """A SCIM error."""
    return answer({"detail": detail, "status": status[:3]}, "application/scim+json", status=status, **headers)


@cache
def _provider() -> ScimProvider:
    """The models of the standard schemas, which take half a second to build."""
    types: list[ResourceType] = list(load_default_resource_types().values())
    return ScimProvider.from_discovery(
        load_default_schemas().values(), types, config=load_default_service_provider_config()
    )
