"""Logout tokens of upstreams: they say that a user or a session there signed out (OpenID Connect Back-Channel Logout
1.0 section 2.6).
"""

from collections.abc import Mapping
from typing import Any

from provider.crypto.digests import digest
from provider.federation.id_tokens import OLDEST, is_subject, read_signed, sid_of, subject_of
from provider.federation.issuers import has_its_issuer
from provider.federation.store import upstream_sessions, used_states
from provider.federation.upstreams import Upstream
from provider.jose.signed_jwts import InvalidJwt
from provider.jose.times import UPSTREAM_LEEWAY, problem_with_times
from provider.observability.logging import log
from provider.sessions import store as sessions
from provider.sessions.lifecycle import end_session
from provider.work import UnitOfWork

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPES = (None, "jwt", "logout+jwt", "application/logout+jwt")
"""The accepted `typ`, in lower case. Section 2.4 recommends the last; older providers send none or JWT."""
REASON = "signed_out_upstream"
LONGEST_JTI = 255


class InvalidLogoutToken(Exception):
    """A logout token that fails its checks. `reason` says which, and quotes nothing from it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def sign_out(work: UnitOfWork, upstream: Upstream, token: str) -> int:
    """End the sessions here that came from the session or the user of the token; return how many ended.

    It is no error if there are none (section 2.7). The token is used up in the transaction that ends the sessions, so
    after an outage the upstream can send it again. Raises InvalidLogoutToken, or UpstreamUnavailable when the keys are
    not available.
    """
    claims = check(work, upstream, token)
    issuer, subject, sid = claims["iss"], subject_of(claims), sid_of(claims)
    key = digest(f"logout token\n{issuer}\n{claims['jti']}")
    if not used_states.spend(work.db, key, expires_at=work.now + OLDEST + 2 * UPSTREAM_LEEWAY):
        raise InvalidLogoutToken("its jti was used before")
    ending = upstream_sessions.find_to_end(work.db, issuer=issuer, subject=subject, sid=sid)
    for session in sessions.find_those(work.db, ending):
        end_session(work, session, reason=REASON)
    upstream_sessions.remove(work.db, ending)
    log.info("upstream.signed_out", upstream=upstream.settings.key, sessions=len(ending))
    return len(ending)


def check(work: UnitOfWork, upstream: Upstream, token: str) -> dict[str, Any]:
    """Validate a logout token and return its claims, without looking whether it was used. Raises InvalidLogoutToken, or
    UpstreamUnavailable.
    """
    settings = upstream.settings
    try:
        jwt = read_signed(work, upstream, token)
    except InvalidJwt as invalid:
        raise InvalidLogoutToken(invalid.reason) from None
    claims, typ = jwt.claims, jwt.typ
    if (None if typ is None else typ.lower()) not in TYPES:
        raise InvalidLogoutToken("its typ is that of another kind of token")
    problem = problem_with_times(claims, work.now, leeway=UPSTREAM_LEEWAY, required=("exp", "iat"))
    if problem is not None:
        raise InvalidLogoutToken(problem)
    checks = {
        "iss": has_its_issuer(settings, claims),
        "aud": claims.get("aud") in (settings.client_id, [settings.client_id]),
        "iat": claims["iat"] >= (work.now - OLDEST - UPSTREAM_LEEWAY).timestamp(),
        "sub": "sub" not in claims or is_subject(settings, subject_of(claims)),
        "sid": "sid" not in claims or sid_of(claims) is not None,
        "sub or sid": "sub" in claims or "sid" in claims,
        "events": _has_event(claims.get("events")),
        "nonce": "nonce" not in claims,  # so that no ID token is taken for a logout token, nor the other way round
        "jti": isinstance(claims.get("jti"), str) and 0 < len(claims["jti"]) <= LONGEST_JTI,
    }
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        raise InvalidLogoutToken(f"these are missing or wrong: {', '.join(failed)}")
    return claims


def _has_event(events: object) -> bool:
    return isinstance(events, Mapping) and isinstance(events.get(EVENT), Mapping)
