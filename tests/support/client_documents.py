"""An app whose client_id is the URL of its metadata document, at a server of the tests that has a public name."""

import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2

from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata
from provider.outbound.client import Outbound
from provider.work import Installation
from tests.support.client_keys import Signatory
from tests.support.foreign_server import Behaviour, ForeignServer, Request, answer
from tests.support.installation import FOREIGN_HOST
from tests.support.relying_party import RelyingParty

CALLBACK = f"https://{FOREIGN_HOST}/callback"
PATH = "/client.json"
LISTED: dict[str, Any] = {"client_documents": "listed", "client_document_domains": frozenset({FOREIGN_HOST})}
"""Settings with which apps of this host can use documents."""


class Names:
    """A resolver for which every name has the same address."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address = address

    def __call__(self, _host: str, port: int) -> list[Any]:
        return socket.getaddrinfo(self.address, port, type=socket.SOCK_STREAM)


def with_names(installation: Installation, names: Names) -> Installation:
    """Return the installation with another resolver for the requests to other servers."""
    return replace(installation, outbound=Outbound(installation.settings, clock=installation.clock, lookup=names))


class Published:
    """The app: `publish` writes its document, which names its keys too."""

    def __init__(self, server: ForeignServer) -> None:
        self.server = server
        self.url = server.url(PATH, FOREIGN_HOST)
        self.jwks_uri = server.url("/jwks.json", FOREIGN_HOST)
        self.signatory = Signatory()
        self.document: dict[str, Any] = {}
        self.publish()

    def publish(self, headers: dict[str, str] | None = None, **changes: Any) -> None:
        """Publish the document with changes; a member that is None is left out."""
        usual: dict[str, Any] = {
            "client_id": self.url,
            "client_name": "Example agent",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        self.document = {name: value for name, value in {**usual, **changes}.items() if value is not None}
        self.answer_with(answer(self.document, **(headers or {})))

    def answer_with(self, behaviour: Behaviour) -> None:
        keys = answer(self.signatory.jwks)

        def behave(connection: socket.socket, request: Request) -> None:
            (keys if request.target == "/jwks.json" else behaviour)(connection, request)

        self.server.behaviour = behave

    @property
    def fetched(self) -> int:
        """How often the document was asked for."""
        return sum(request.target == PATH for request in self.server.requests)

    def rp(self, http: httpx2.Client, **changes: Any) -> RelyingParty:
        """The app as a relying party."""
        usual = {"redirect_uris": (CALLBACK,), "token_endpoint_auth_method": "none"}
        metadata = ClientMetadata(**{**usual, **changes})
        rp = RelyingParty(http, Client(self.url, metadata, (), datetime.now(UTC), disabled=False), None)
        rp.signatory = self.signatory
        return rp
