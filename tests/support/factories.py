"""People and clients for tests: say only what matters to the test."""

from typing import Any

from provider.accounts import registration
from provider.oauth.clients import clients
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata
from provider.work import UnitOfWork

PASSWORD = "correct horse battery staple"
REDIRECT_URI = "https://app.example.test/callback"


def make_user(
    work: UnitOfWork,
    email: str = "ada@example.test",
    *,
    password: str = PASSWORD,
    verified: bool = True,
    roles: tuple[str, ...] = (),
    **claims: Any,
) -> str:
    """Somebody with an account. Their id."""
    return registration.create_user(
        work, email=email, password=password, verified=verified, roles=roles, claims=claims or None
    )


def make_client(work: UnitOfWork, *, public: bool = False, **metadata: Any) -> tuple[Client, str | None]:
    """A client that may sign people in and refresh; with its secret unless it is public."""
    given: dict[str, Any] = {
        "client_name": "Example app",
        "redirect_uris": (REDIRECT_URI,),
        "grant_types": ("authorization_code", "refresh_token"),
        "token_endpoint_auth_method": "none" if public else "client_secret_basic",
        **metadata,
    }
    return clients.create_client(work, ClientMetadata(**given))
