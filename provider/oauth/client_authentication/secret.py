"""client_secret_basic and client_secret_post (RFC 6749 section 2.3.1)."""

from provider.crypto.vault import Vault
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.credentials import REFUSED
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidClientError


def require_secret(checks: Checks, client: Client, secret: str, *, vault: Vault) -> None:
    checks.require(
        client.has_secret(secret) or client.has_short_secret(secret, vault),
        "The client secret is correct",
        section="RFC 6749 section 2.3.1",
        error=InvalidClientError,
        description=REFUSED,
        expected="one of the client's current secrets",
        got=f"a wrong secret of {len(secret)} characters",
        fix="Check the client secret. In Basic credentials, form-encode client_id and client_secret "
        "before base64. To create a new secret: `signet client rotate-secret CLIENT_ID`.",
    )
