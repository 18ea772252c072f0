"""Authenticating the client of a request by its registered method."""

from collections.abc import Mapping

from provider.oauth.checks import FIND_CLIENT, Checks
from provider.oauth.client_authentication.assertion import require_assertion
from provider.oauth.client_authentication.certificate import FindCertificate, no_certificate, require_certificate
from provider.oauth.client_authentication.credentials import REFUSED, Credentials, own_method, read_credentials
from provider.oauth.client_authentication.federated import require_federated_assertion
from provider.oauth.client_authentication.secret import require_secret
from provider.oauth.clients.assertion_subjects import FEDERATED_JWT
from provider.oauth.clients.clients import Client
from provider.oauth.clients.document_urls import SCHEME
from provider.oauth.errors import InvalidClientError
from provider.oauth.tokens.server import AuthorizationServer
from provider.ratelimits import LIMITS, fail, of_network
from provider.work import UnitOfWork


def authenticate(
    work: UnitOfWork,
    server: AuthorizationServer,
    checks: Checks,
    *,
    authorization: str | None,
    form: Mapping[str, str],
    endpoint_url: str,
    certificate: FindCertificate = no_certificate,
    may_be_new: bool = False,
) -> Client:
    """Return the client that sent this request. Raises InvalidClientError (401), or InvalidRequestError if several
    methods are mixed.

    `certificate` finds that of the request. `may_be_new`: a client with a metadata document may call here first.
    """
    shown = read_credentials(checks, authorization=authorization, form=form)
    try:
        client = find_enabled(work, server, checks, shown.client_id, may_be_new=may_be_new)
    except InvalidClientError:
        _count_failure(work, shown)
        raise
    methods, method = client.metadata.auth_methods, shown.method
    has_certificate = client.metadata.has_certificate and method == "none"
    if method == FEDERATED_JWT and method not in methods and shown.assertion is not None:
        method = own_method(shown.assertion)  # an assertion of its own, with a wrong iss
    checks.require(
        method in methods or has_certificate,
        "The client used its registered authentication method",
        section="RFC 6749 section 2.3",
        error=InvalidClientError,
        description=REFUSED,
        expected=" or ".join(methods),
        got=method,
        fix="Use the registered method, or register another one: `signet client update CLIENT_ID "
        "--auth-method METHOD`.",
    )
    try:
        if shown.secret is not None:
            require_secret(checks, client, shown.secret, vault=work.vault)
        elif shown.assertion is not None and method == FEDERATED_JWT:
            require_federated_assertion(work, server, checks, client, shown.assertion)
        elif shown.assertion is not None:
            require_assertion(work, server, checks, client, shown.assertion, endpoint_url=endpoint_url)
        elif has_certificate:
            require_certificate(work, server, checks, client, certificate)
    except InvalidClientError:
        _count_failure(work, shown)
        raise
    return client


def find_enabled(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client_id: str, *, may_be_new: bool = False
) -> Client:
    """Return the client that a request names. Raises InvalidClientError if it is unknown or disabled."""
    checks.client_id = client_id
    known = server.clients.find(work, client_id)
    if SCHEME in client_id:
        known = server.client_documents.find(
            work, server.clients, known, checks, client_id, error=InvalidClientError, may_be_new=may_be_new
        )
    return checks.found(
        None if known is None or known.disabled else known,
        "The client is registered and enabled",
        section="RFC 6749 section 2.3",
        error=InvalidClientError,
        description=REFUSED,
        expected="the client_id of an enabled client",
        got=client_id,
        fix=FIND_CLIENT,
    )


def _count_failure(work: UnitOfWork, shown: Credentials) -> None:
    """Count a failure per client and network. Raises TooManyRequests (429) after too many wrong secrets (A-36).

    The right secret from another network still works. Only failures are counted, so a request that authenticates never
    waits for the counter.
    """
    fail(work, LIMITS.client_secret, key=of_network(work, f"client-secret:{shown.client_id[:128]}"))
