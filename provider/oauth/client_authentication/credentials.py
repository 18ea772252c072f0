"""The client credentials in a request: Basic credentials, a secret in the body, an assertion, or only a client_id."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from provider.jose.signed_jwts import InvalidJwt, SignedJwt, read_jwt
from provider.oauth.checks import ONE_CLIENT, Checks
from provider.oauth.clients.assertion_subjects import FEDERATED_JWT
from provider.oauth.clients.choices import PRIVATE_KEY_JWT, SECRET_JWT
from provider.oauth.errors import InvalidClientError, InvalidRequestError
from provider.oauth.syntax import require_syntax

REFUSED = "Client authentication failed"
SENT = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Credentials:
    """The credentials in the request. None of them is verified yet."""

    method: str
    client_id: str
    secret: str | None = None
    assertion: SignedJwt | None = None


def read_credentials(checks: Checks, *, authorization: str | None, form: Mapping[str, str]) -> Credentials:
    """Return the credentials in the request. Raises InvalidRequestError for more than one method, InvalidClientError
    for none or an unreadable one.
    """
    checks.client_id = form.get("client_id")
    require_syntax(checks, form, SENT)
    client_id, secret = form.get("client_id"), form.get("client_secret")
    asserts = "client_assertion" in form or "client_assertion_type" in form
    ways = [authorization is not None, secret is not None, asserts]
    checks.require(
        sum(ways) <= 1,
        "The client authenticates in one way only",
        section="RFC 6749 section 2.3",
        error=InvalidRequestError,
        description="Send only one of the Authorization header, client_secret and client_assertion",
        expected="one of the Authorization header, client_secret and client_assertion",
        got=f"{sum(ways)} of them",
        fix="Remove all but one from the request.",
    )
    if asserts:
        return _read_assertion(checks, form)
    if authorization is not None:
        return _read_basic(checks, authorization, client_id)
    client_id = checks.found(
        client_id,
        "The request names a client",
        section="RFC 6749 section 3.2.1",
        error=InvalidClientError,
        description=REFUSED,
        expected="an Authorization header, a client_assertion, or client_id in the body",
        got="none of them",
        fix="Send client_id in the body, or authenticate the client with its registered method.",
    )
    return Credentials("none" if secret is None else "client_secret_post", client_id, secret)


def _read_basic(checks: Checks, authorization: str, client_id: str | None) -> Credentials:
    basic = checks.found(
        _decode_basic(authorization),
        "The Authorization header contains Basic credentials",
        section="RFC 6749 section 2.3.1",
        error=InvalidClientError,
        description=REFUSED,
        expected="Basic base64(form-encoded client_id:form-encoded client_secret)",
        # Nothing of it is quoted: a header that went wrong may be the secret itself.
        got=f"a header of {len(authorization)} characters" if authorization else "an empty header",
        fix="Form-encode client_id and client_secret, join them with a colon, and send the base64 of that after Basic.",
    )
    require_syntax(checks, dict(zip(("client_id", "client_secret"), basic, strict=True)))
    checks.require(
        client_id in (None, basic[0]),
        "client_id in the body is the client that authenticates",
        section="RFC 6749 section 2.3",
        error=InvalidRequestError,
        description="client_id in the body is not that of the Authorization header",
        expected="no client_id in the body, or the same as in the Authorization header",
        got="another client_id",
        fix=ONE_CLIENT,
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


def _read_assertion(checks: Checks, form: Mapping[str, str]) -> Credentials:
    """Read a client assertion (RFC 7521 section 4.2, RFC 7523 section 2.2): one that the client signed, or one of
    a trusted issuer, with which the request has to name the client.
    """
    assertion_type = form.get("client_assertion_type", "nothing")
    checks.require(
        assertion_type == ASSERTION_TYPE and "client_assertion" in form,
        "The request has a client_assertion and its type",
        section="RFC 7521 section 4.2",
        error=InvalidClientError,
        description=REFUSED,
        expected=f"client_assertion, and client_assertion_type {ASSERTION_TYPE}",
        got=assertion_type if "client_assertion" in form else "no client_assertion",
        fix="Send both client_assertion and client_assertion_type, with the expected type.",
    )
    read, subject, problem = None, None, ""
    try:
        read = read_jwt(form["client_assertion"])
        subject = read.claims.get("sub")
        problem = "a JWT without sub"
    except InvalidJwt as invalid:
        problem = invalid.reason
    assertion = checks.found(
        read if isinstance(subject, str) else None,
        "The client assertion is a JWT with a sub",
        section="RFC 7523 section 3",
        error=InvalidClientError,
        description=REFUSED,
        expected="a signed JWT with the client_id as sub",
        got=problem,
        fix="Send a signed JWT as client_assertion, with the client_id as iss and sub. With a JWT of a trusted issuer, "
        "send client_id in the body.",
    )
    client_id = form.get("client_id", str(subject))
    if _is_of_issuer(assertion, client_id):
        return Credentials(FEDERATED_JWT, client_id, assertion=assertion)
    checks.require(
        client_id == subject,
        "client_id in the body is the client that authenticates",
        section="RFC 7521 section 4.2",
        error=InvalidClientError,
        description=REFUSED,
        expected=str(subject),
        got=client_id,
        fix=ONE_CLIENT,
    )
    return Credentials(own_method(assertion), str(subject), assertion=assertion)


def own_method(assertion: SignedJwt) -> str:
    """Return the method of an assertion that the client signed itself. Its algorithm decides."""
    return SECRET_JWT if assertion.alg.startswith("HS") else PRIVATE_KEY_JWT


def _is_of_issuer(assertion: SignedJwt, client_id: str) -> bool:
    """Return whether the assertion names another issuer than the client. A JWT-SVID may have no `iss`."""
    issuer, subject = assertion.claims.get("iss"), assertion.claims["sub"]
    if issuer is None:
        return subject.startswith("spiffe://")  # type: ignore[no-any-return]  # it is text
    return isinstance(issuer, str) and issuer not in {subject, client_id}
