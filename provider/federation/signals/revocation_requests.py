"""Requests of upstreams to end all access of one of their users (draft-parecki-oauth-global-token-revocation-06),
authenticated by a JWT that the upstream signs like its ID tokens. Okta calls this Universal Logout.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from provider.accounts.users import NoSuchUser
from provider.crypto.digests import digest
from provider.federation.id_tokens import read_signed
from provider.federation.issuers import is_issuer
from provider.federation.signals.effects import ACCESS, RevokeGrants, carry_out
from provider.federation.signals.subjects import find_person
from provider.federation.store import used_states
from provider.federation.upstreams import Upstream
from provider.jose.signed_jwts import InvalidJwt
from provider.jose.times import UPSTREAM_LEEWAY, problem_with_times
from provider.observability.logging import log
from provider.work import UnitOfWork

TYP = "global-token-revocation+jwt"
LONGEST = timedelta(hours=1)
"""How far in the future `exp` may be. The `jti` is remembered until then."""
LONGEST_JTI = 255


class InvalidRequestJwt(Exception):
    """A JWT that authenticates no request. `reason` quotes nothing from it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def check(work: UnitOfWork, upstream: Upstream, token: str, *, audience: str) -> None:
    """Check the JWT of a request, and use it up. Raises InvalidRequestJwt or UpstreamUnavailable."""
    try:
        claims = read_signed(work, upstream, token).claims
    except InvalidJwt as invalid:
        raise _rejected(upstream, invalid.reason) from None
    problem = problem_with_times(claims, work.now, leeway=UPSTREAM_LEEWAY, required=("exp", "iat"), longest=LONGEST)
    jti = claims.get("jti")
    if problem is None and not is_issuer(upstream.settings, claims.get("iss")):
        problem = "its iss is not the upstream's"
    if problem is None and claims.get("aud") not in (audience, [audience]):
        problem = "its aud is not this endpoint"
    if problem is None and not (isinstance(jti, str) and 0 < len(jti) <= LONGEST_JTI):
        problem = "it has no jti"
    if problem is not None:
        raise _rejected(upstream, problem)
    key = digest(f"revocation request\n{upstream.settings.key}\n{jti}")
    if not used_states.spend(work.db, key, expires_at=work.now + LONGEST + 2 * UPSTREAM_LEEWAY):
        raise _rejected(upstream, "its jti was used before")


def end(work: UnitOfWork, upstream: Upstream, subject: Mapping[str, Any], *, revoke_grants: RevokeGrants) -> None:
    """End what the user opened through the upstream. Raises NoSuchUser."""
    person = find_person(work, upstream.settings, subject)
    if person is None or person.identity is None:
        raise NoSuchUser
    what = "global-token-revocation"
    carry_out(work, upstream.settings, person, ACCESS, what=what, at=work.now, revoke_grants=revoke_grants)


def _rejected(upstream: Upstream, reason: str) -> InvalidRequestJwt:
    log.warning("upstream.revocation_rejected", upstream=upstream.settings.key, reason=reason)
    return InvalidRequestJwt(reason)
