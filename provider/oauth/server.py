"""What the protocol code of a process holds: the keys, its copies of clients, the cached documents."""

from dataclasses import dataclass, field

from provider.oauth.clients import Clients
from provider.oauth.keys import Keys
from provider.work import Installation


@dataclass(frozen=True)
class AuthorizationServer:
    """One per process; `app.state.oauth`."""

    installation: Installation
    keys: Keys
    clients: Clients = field(default_factory=Clients)

    @property
    def issuer(self) -> str:
        return self.installation.settings.issuer


def open_server(installation: Installation) -> AuthorizationServer:
    return AuthorizationServer(installation, Keys(installation))
