"""The users and clients of a test."""

from typing import Any

from provider.accounts import registration
from provider.crypto.passwords import hash_password
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.response_types import CODE
from provider.oauth.scopes import STANDARD_SCOPES
from provider.work import Installation, unit_of_work
from signet_testing.flows import flow_of
from signet_testing.records import Client, User
from signet_testing.second_factor import set_up

PASSWORD = "correct horse battery staple"  # noqa: S105  # of users in tests
REDIRECT_URI = "http://localhost/callback"


class Registering:
    """The part of `Signet` that creates users and clients."""

    issuer: str
    _installation: Installation

    def __init__(self) -> None:
        self._numbers = 0
        self._hashes: dict[str, str] = {}

    def user(
        self,
        email: str | None = None,
        *,
        password: str = PASSWORD,
        roles: tuple[str, ...] = (),
        verified: bool = True,
        second_factor: bool = False,
        **claims: Any,
    ) -> User:
        """Create a user. `claims` are those of the profile (`name`, `given_name`, …).

        With `second_factor` the user has an authenticator app, and `sign_in` answers for it. Raises Refusal for values
        that Signet does not accept.
        """
        self._numbers += 1
        email = email or f"user{self._numbers}@example.com"
        with unit_of_work(self._installation) as work:
            sub = registration.create_user(
                work,
                email=email,
                password=None,
                password_hash=self._hash_of(password),
                verified=verified,
                roles=roles,
                claims=claims or None,
            )
            seed = set_up(work, sub) if second_factor else None
        return User(sub, email, password, seed)

    def _hash_of(self, password: str) -> str:
        """Return the hash of a password, computed once: most users of tests have the same."""
        if password not in self._hashes:
            self._hashes[password] = hash_password(password, cost=self._installation.settings.bcrypt_cost)
        return self._hashes[password]

    def client(
        self,
        *redirect_uris: str,
        public: bool = False,
        client_id: str | None = None,
        client_secret: str | None = None,
        **metadata: Any,
    ) -> Client:
        """Register a client for the code flow with refresh tokens. `metadata` is that of client registration.

        `response_types` bring their grant types. Lists may be lists or tuples. `client_id` and `client_secret` are
        chosen here, unless the app knows its own already. Raises InvalidMetadata.
        """
        given: dict[str, Any] = {
            "client_name": "App under test",
            "redirect_uris": redirect_uris or (REDIRECT_URI,),
            **flow_of(metadata.get("response_types", (CODE,))),
            "scope": " ".join((*STANDARD_SCOPES, "roles", "groups", "offline_access")),
            **({"token_endpoint_auth_method": "none"} if public else {}),  # else any method with a secret
            **{name: tuple(value) if isinstance(value, list) else value for name, value in metadata.items()},
        }
        with unit_of_work(self._installation) as work:
            made, secret = clients.create_client(
                work, ClientMetadata(**given), client_id=client_id, secret=client_secret
            )
        return Client(made.client_id, secret, made.metadata.redirect_uris, self.issuer)

    def _client_id(self, client: Client | None) -> str:
        if client is not None:
            return client.client_id
        with unit_of_work(self._installation) as work:
            known = clients.find_client(work, "signet-testing")
        return "signet-testing" if known is not None else self.client(client_id="signet-testing").client_id
