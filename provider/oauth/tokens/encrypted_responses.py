"""Encryption of ID tokens and other responses to a client (OIDC Core section 10.2): signed first, then encrypted."""

from provider.jose.encryption import choose_key, encrypt
from provider.jose.key_sets import PublicKey
from provider.jose.remote_key_sets import KeySetUnavailable
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.errors import ClientKeysUnavailableError, InvalidClientMetadataError
from provider.oauth.tokens.server import AuthorizationServer
from provider.work import UnitOfWork


def encrypt_to(
    work: UnitOfWork, server: AuthorizationServer, client: Client, payload: str, *, alg: str, enc: str, nested: bool
) -> str:
    """Encrypt a payload to the client's key.

    It may ask the client's server for its keys, so call it before the first write. Raises InvalidClientMetadataError if
    no key matches, ClientKeysUnavailableError if they cannot be fetched.
    """
    checks = Checks("encryption", client_id=client.client_id)
    keys = find_keys(work, server, client, checks)
    key = checks.found(
        choose_key(keys, alg),
        "The client has a key for encryption",
        section="OIDC Core section 10.2",
        error=InvalidClientMetadataError,
        description=f"The response must be encrypted, and the client has no key for {alg}",
        expected=f"a key for {alg} with use enc, or without use",
        got=", ".join(f"{key.kty} {key.use or 'without use'}" for key in keys) or "no keys",
        fix=f"Add a key for {alg} to the client's jwks or jwks_uri.",
    )
    return encrypt(payload, key, alg=alg, enc=enc, nested=nested)


def find_keys(work: UnitOfWork, server: AuthorizationServer, client: Client, checks: Checks) -> tuple[PublicKey, ...]:
    """Return the client's keys, fetched from its server if necessary and then cached. Raises
    ClientKeysUnavailableError.
    """
    keys: tuple[PublicKey, ...] = ()
    problem = ""
    try:
        keys = server.client_keys.find(work, client)
    except KeySetUnavailable as unavailable:
        problem = f"jwks_uri: {unavailable.reason}"
    checks.require(
        not problem,
        "The client's keys can be fetched",
        section="OIDC Core section 10.2",
        error=ClientKeysUnavailableError,
        description="The response must be encrypted, and the client's jwks_uri cannot be fetched",
        expected="a JWK set at jwks_uri",
        got=problem,
        fix="Check that the client's own server answers at its jwks_uri.",
    )
    return keys
