"""The checks of a JWT that a trusted issuer signed: its issuer, algorithm, type, signature, audience and times (RFC
7523 section 3).

Whose JWT it is decides the caller: a client's (RFC 7523 section 2.2) or a user's (section 2.1).
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from authlib.oauth2 import OAuth2Error

from provider.jose.remote_key_sets import KeySetUnavailable
from provider.jose.signed_jwts import InvalidJwt, SignedJwt, require_signature
from provider.jose.times import CLIENT_LEEWAY, problem_with_times
from provider.oauth.checks import Checks
from provider.oauth.errors import IssuerUnavailableError
from provider.oauth.trusted_issuers import store
from provider.oauth.trusted_issuers.issuer_keys import IssuerKeys
from provider.oauth.trusted_issuers.store import TrustedIssuer
from provider.work import UnitOfWork

SECTION = "RFC 7523 section 3"


@dataclass(frozen=True)
class Use:
    """The use of a JWT of a trusted issuer: which `typ` it may have (`jwt` means none too), and its error.

    `description` is the error_description for every reason, or None if it is the check that failed.
    """

    types: tuple[str, ...]
    error: type[OAuth2Error]
    longest: timedelta
    """How far its `exp` may be in the future."""
    description: str | None = None

    def said(self, problem: str) -> str:
        """Return the error_description for this problem."""
        return self.description or problem


def issuer_of(claims: dict[str, Any]) -> str | None:
    """Return the issuer that a JWT names.

    A JWT-SVID may have no `iss`. Its issuer is the trust domain of its subject (SPIFFE JWT-SVID section 3).
    """
    named, subject = claims.get("iss"), claims.get("sub")
    if named is None and isinstance(subject, str) and subject.startswith("spiffe://"):
        return "/".join(subject.split("/")[:3])
    return named if isinstance(named, str) else None


def require_trusted(
    work: UnitOfWork, keys: IssuerKeys, checks: Checks, jwt: SignedJwt, use: Use, *, audience: str
) -> TrustedIssuer:
    """Return the trusted issuer that signed the JWT for this `audience`, now. May ask the issuer's server for its keys.

    Raises the error of `use`; IssuerUnavailableError (503) if the keys cannot be fetched.
    """
    named = issuer_of(jwt.claims)
    found = None if named is None else store.find_by_issuer(work.read, named)
    issuer = checks.found(
        None if found is None or found.disabled_at is not None else found,
        "The issuer of the assertion is trusted and enabled",
        section=SECTION,
        error=use.error,
        description=use.said("The issuer of the assertion is not trusted here"),
        expected="iss of a trusted issuer that is enabled",
        got=("no iss" if named is None else named) if found is None else f"{named}, which is disabled",
        fix="Check iss. `signet issuer list` lists the trusted issuers, `signet issuer create ISSUER` adds one.",
    )
    typ = "jwt" if jwt.typ is None else jwt.typ.lower().removeprefix("application/")
    checks.require(
        jwt.alg in issuer.algorithms and typ in use.types,
        "The assertion has an algorithm of the issuer and the right typ",
        section="RFC 8725 sections 3.1, 3.11",
        error=use.error,
        description=use.said("The assertion has an algorithm or a typ that is not accepted"),
        expected=f"{' or '.join(issuer.algorithms)}; typ {' or '.join(use.types)}",
        got=f"{jwt.alg}, typ {jwt.typ or 'none'}",
        fix="Send a JWT of this kind. To allow another algorithm: `signet issuer update ISSUER --algorithm ALG`.",
    )
    _require_signature(work, keys, checks, jwt, use, issuer=issuer)
    _require_audience(checks, jwt.claims.get("aud"), use, audience)
    problem = problem_with_times(jwt.claims, work.now, leeway=CLIENT_LEEWAY, required=("exp",), longest=use.longest)
    checks.require(
        problem is None,
        f"The assertion is valid now and expires within {int(use.longest.total_seconds()) // 60} minutes",
        section=SECTION,
        error=use.error,
        description=use.said(f"The assertion is not valid now: {problem}"),
        expected=f"exp within {int(use.longest.total_seconds()) // 60} minutes; nbf and iat not in the future",
        got=problem,
        fix="Get a new token from the issuer, with a shorter lifetime if it lives too long. Check the clocks.",
    )
    return issuer


def _require_signature(
    work: UnitOfWork, keys: IssuerKeys, checks: Checks, jwt: SignedJwt, use: Use, *, issuer: TrustedIssuer
) -> None:
    problem = ""
    try:
        require_signature(jwt, partial(keys.find, work, issuer))
    except InvalidJwt as invalid:
        problem = invalid.reason
    except KeySetUnavailable as unavailable:
        # An outage says nothing about the JWT, so it is no verdict.
        checks.refuse(
            "The issuer's keys are available",
            section="RFC 7517 section 5",
            error=IssuerUnavailableError,
            description="The keys of the assertion's issuer cannot be fetched right now. Try again",
            expected=f"the key set of {issuer.issuer}",
            got=unavailable.reason,
            fix="Check that this server reaches the issuer's discovery document and jwks_uri (SIGNET_OUTBOUND_ALLOW, "
            "SIGNET_OUTBOUND_CA). Or register its keys: `signet issuer update ISSUER --jwks FILE`.",
        )
    checks.require(
        not problem,
        "The assertion is signed with a key of its issuer",
        section="RFC 7515 section 5.2",
        error=use.error,
        description=use.said("The assertion is not signed with a key of its issuer"),
        expected=f"a signature with a key of {issuer.issuer}",
        got=problem,
        fix="Check that the token comes from this issuer. If you registered its keys, update them after a rotation: "
        "`signet issuer update ISSUER --jwks FILE`.",
    )


def _require_audience(checks: Checks, given: object, use: Use, audience: str) -> None:
    """Check that this server is the only audience: another one could otherwise send the JWT to us."""
    only = given[0] if isinstance(given, list) and len(given) == 1 else given
    checks.require(
        only == audience,
        "aud of the assertion is this server alone",
        section=SECTION,
        error=use.error,
        description=use.said("aud of the assertion must be this server"),
        expected=audience,
        got=str(only) if isinstance(only, str | list) else f"a {type(only).__name__}",
        fix="Ask the issuer for a token with the expected value as its only audience.",
    )
