"""A client that may ask the tests' own servers, and a resolver that says what it is told to."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provider.outbound.client import Outbound
from tests.support.clock import Clock
from tests.support.foreign_server import ForeignServer
from tests.support.installation import settings_for

NewOutbound = Callable[..., Outbound]


class Names:
    """A resolver that answers as it is told; every name has the addresses of the last telling."""

    def __init__(self) -> None:
        self.tellings: list[tuple[str, ...]] = [("127.0.0.1",)]
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[Any]:
        self.asked.append(host)
        addresses = self.tellings.pop(0) if len(self.tellings) > 1 else self.tellings[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        # A numeric address is not looked up anywhere.
        return [found for one in addresses for found in socket.getaddrinfo(one, port, type=socket.SOCK_STREAM)]


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def new_outbound(outbound_settings: dict[str, Any], names: Names, clock: Clock, tmp_path: Path) -> NewOutbound:
    """A client of these settings that may reach this machine and trusts the tests' authority."""

    def make(**changes: Any) -> Outbound:
        settings = settings_for(f"sqlite:///{tmp_path}/none.db", **outbound_settings | changes)
        return Outbound(settings, clock=clock, lookup=names)

    return make


@pytest.fixture
def outbound(new_outbound: NewOutbound) -> Outbound:
    return new_outbound()


@pytest.fixture
def server(foreign_server: ForeignServer) -> ForeignServer:
    return foreign_server
