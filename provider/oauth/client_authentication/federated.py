"""federated_jwt: a JWT of a trusted issuer for a workload, such as a CI job or a pod (RFC 7523 section 2.2).

The client has no secret. Its registration names the issuer and the subjects that it is. A token may be used until it
expires, because platforms such as Kubernetes give a workload one token for an hour (decision 280).
"""

from datetime import timedelta

from provider.jose.signed_jwts import SignedJwt
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.credentials import REFUSED
from provider.oauth.clients.assertion_subjects import is_subject
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidClientError
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.trusted_issuers.assertions import SECTION, Use, issuer_of, require_trusted
from provider.work import UnitOfWork

LONGEST_LIFE = timedelta(days=1)
"""How far `exp` of a workload's token may be in the future. Kubernetes extends tokens that are mounted automatically to
a year; those have the API server as their audience and are not accepted anyway.
"""
USE = Use(("jwt", "jose", "client-authentication+jwt"), InvalidClientError, LONGEST_LIFE, REFUSED)


def require_federated_assertion(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, assertion: SignedJwt
) -> None:
    """Check that the assertion is a token of the client's workload, by a trusted issuer, for this server, valid now.

    Raises InvalidClientError; IssuerUnavailableError (503) if the issuer's keys cannot be fetched.
    """
    metadata, claims = client.metadata, assertion.claims
    checks.require(
        issuer_of(claims) == metadata.assertion_issuer,
        "The assertion is of the client's issuer",
        section=SECTION,
        error=InvalidClientError,
        description=REFUSED,
        expected=metadata.assertion_issuer or "",
        got=issuer_of(claims) or "no iss",
        fix="Check iss, or register the issuer: `signet client update CLIENT_ID --assertion-issuer ISSUER`.",
    )
    audience = metadata.assertion_audience or server.issuer
    require_trusted(work, server.issuer_keys, checks, assertion, USE, audience=audience)
    # After the signature, so that only the issuer's own tokens are explained.
    checks.require(
        is_subject(metadata.assertion_subjects, claims.get("sub")),
        "sub of the assertion is a subject of the client",
        section=SECTION,
        error=InvalidClientError,
        description=REFUSED,
        expected=" or ".join(metadata.assertion_subjects),
        got=str(claims.get("sub")),
        fix="Check which workload sent the request. To add its subject: `signet client update CLIENT_ID "
        "--assertion-subject SUBJECT`, once for each.",
    )
