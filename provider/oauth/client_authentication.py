"""Who is calling: client_secret_basic, client_secret_post, or none for public clients (RFC 6749 section 2.3).

One method per request, and only the one the client registered. Unknown client and wrong secret answer alike.
"""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import unquote_plus

from provider.oauth.checks import Checks
from provider.oauth.clients import Client
from provider.oauth.errors import InvalidClientError, InvalidRequestError
from provider.oauth.server import AuthorizationServer
from provider.ratelimits import LIMITS, hit
from provider.work import UnitOfWork

REFUSED = "Client authentication failed"


@dataclass(frozen=True)
class Credentials:
    """What the request showed."""

    method: str
    client_id: str
    secret: str | None


def authenticate(
    work: UnitOfWork,
    server: AuthorizationServer,
    checks: Checks,
    *,
    authorization: str | None,
    client_id: str | None,
    client_secret: str | None,
) -> Client:
    """The client that made this request. Raises InvalidClientError (401), or InvalidRequestError for a muddle."""
    shown = read_credentials(checks, authorization=authorization, client_id=client_id, client_secret=client_secret)
    checks.client_id = shown.client_id
    client = server.clients.find(work, shown.client_id)
    known = client is not None and not client.disabled
    if not known:
        _count_failure(work, shown)
    checks.require(
        known,
        "The client is registered and not disabled",
        section="RFC 6749 section 2.3",
        error=InvalidClientError,
        description=REFUSED,
        got=shown.client_id,
        fix="Check client_id; `signet client list` shows the registered ones.",
    )
    assert client is not None  # noqa: S101  # just required
    method = client.metadata.token_endpoint_auth_method
    checks.require(
        shown.method == method,
        "The registered authentication method was used",
        section="RFC 6749 section 2.3",
        error=InvalidClientError,
        description=REFUSED,
        expected=method,
        got=shown.method,
        fix="Use the registered method, or change token_endpoint_auth_method of the client.",
    )
    if shown.secret is not None:
        right = client.has_secret(shown.secret)
        if not right:
            _count_failure(work, shown)
        checks.require(
            right,
            "The client secret is right",
            section="RFC 6749 section 2.3.1",
            error=InvalidClientError,
            description=REFUSED,
            expected="one of the client's current secrets",
            got=f"{len(shown.secret)} characters",
            fix="Check the secret, and that Basic credentials are form-encoded before base64.",
        )
    return client


def read_credentials(
    checks: Checks, *, authorization: str | None, client_id: str | None, client_secret: str | None
) -> Credentials:
    """What the request shows, or why it is a muddle."""
    if authorization is None:
        checks.require(
            client_id is not None,
            "The request names a client",
            section="RFC 6749 section 3.2.1",
            error=InvalidClientError,
            description=REFUSED,
            expected="an Authorization header, or client_id in the body",
            got="neither",
        )
        method = "none" if client_secret is None else "client_secret_post"
        return Credentials(method, str(client_id), client_secret)
    basic = _decode_basic(authorization)
    checks.require(
        basic is not None,
        "The Authorization header is readable Basic credentials",
        section="RFC 6749 section 2.3.1",
        error=InvalidClientError,
        description=REFUSED,
        expected="Basic base64(form-encoded client_id:form-encoded client_secret)",
        # Nothing of it is quoted: a header that went wrong may be the secret itself.
        got=f"a header of {len(authorization)} characters" if authorization else "an empty header",
    )
    assert basic is not None  # noqa: S101  # just required
    checks.require(
        client_secret is None and client_id in (None, basic[0]),
        "The body holds no second client authentication",
        section="RFC 6749 section 2.3",
        error=InvalidRequestError,
        description="More than one way of client authentication",
        got="a secret or another client_id in the body too",
    )
    return Credentials("client_secret_basic", *basic)


def _decode_basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 4096:
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = text.partition(":")
    if not colon:
        return None
    return unquote_plus(client_id), unquote_plus(secret)


def _count_failure(work: UnitOfWork, shown: Credentials) -> None:
    """Per client and network: a flood of wrong secrets gets 429, and the right one from elsewhere still works (A-36).

    Only failures are counted, so a request that authenticates never waits for the counter.
    """
    hit(work, LIMITS.client_secret, key=f"client-secret:{work.origin.network}:{shown.client_id[:128]}")
