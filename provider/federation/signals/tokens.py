"""Security event tokens from upstreams (RFC 8417): what is checked before anything is done (SSF 1.0 section 4.1).

A token has no `exp`, and may arrive days late, because a transmitter keeps it while this server is down.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from provider.federation.issuers import keys_of
from provider.federation.presets import GOOGLE
from provider.federation.signals.transmitters import Transmitter, find_transmitter, same_issuer
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Upstream
from provider.jose.key_sets import KEY_OF, choose_keys
from provider.jose.remote_key_sets import KeySetUnavailable
from provider.jose.signed_jwts import InvalidJwt, SignedJwt, read_jwt, require_signature
from provider.jose.times import UPSTREAM_LEEWAY, problem_with_times
from provider.work import UnitOfWork

TYPES = ("secevent+jwt", "application/secevent+jwt")
"""The accepted `typ` (section 4.1.1), in lower case."""
OLDER_TYPES = (*TYPES, "jwt", None)
"""What Google sends follows the drafts of 2017, which require no `typ`."""
OLDEST = timedelta(days=14)
"""The greatest age of a token. Its `jti` is remembered for as long."""
LONGEST_JTI = 255
MOST_EVENTS = 10
ALGORITHMS = tuple(KEY_OF)

INVALID_REQUEST, INVALID_KEY, INVALID_ISSUER = "invalid_request", "invalid_key", "invalid_issuer"
INVALID_AUDIENCE, AUTHENTICATION_FAILED, ACCESS_DENIED = "invalid_audience", "authentication_failed", "access_denied"
"""The error codes of RFC 8935 section 2.4."""


class InvalidSet(Exception):
    """A token that is not taken. `error` is the code, and `reason` quotes nothing from the token."""

    def __init__(self, error: str, reason: str) -> None:
        self.error, self.reason = error, reason
        super().__init__(reason)


@dataclass(frozen=True)
class SecurityEvents:
    """The content of a valid token."""

    issuer: str
    jti: str
    issued_at: datetime
    subject: Any
    """`sub_id`, which may be missing where each event has a subject."""
    events: Mapping[str, Mapping[str, Any]]
    toe: Any = None


def read_set(work: UnitOfWork, upstream: Upstream, text: str) -> SecurityEvents:
    """Check a token and return what it says, without looking whether it was seen before. Raises InvalidSet, or
    UpstreamUnavailable when the keys are not available.
    """
    try:
        jwt = read_jwt(text)
    except InvalidJwt as invalid:
        raise InvalidSet(INVALID_REQUEST, invalid.reason) from None
    if jwt.alg not in ALGORITHMS:
        raise InvalidSet(INVALID_KEY, f"its alg is not one of {', '.join(ALGORITHMS)}")
    is_older = upstream.settings.preset == GOOGLE
    if (None if jwt.typ is None else jwt.typ.lower()) not in (OLDER_TYPES if is_older else TYPES):
        raise InvalidSet(INVALID_REQUEST, "its typ is not secevent+jwt")
    transmitter = find_transmitter(work, upstream)
    if not same_issuer(jwt.claims.get("iss"), transmitter.issuer):
        raise InvalidSet(INVALID_ISSUER, "iss is not the issuer of the transmitter")
    require_key(work, upstream, jwt, transmitter.jwks_uri)
    if not is_for_us(upstream.settings, jwt.claims.get("aud")):
        raise InvalidSet(INVALID_AUDIENCE, "aud has no client ID of ours")
    return _content(work, jwt.claims, transmitter, is_older=is_older)


def require_key(work: UnitOfWork, upstream: Upstream, jwt: SignedJwt, jwks_uri: str) -> None:
    """Check that a key of this set signed the token. Raises InvalidSet or UpstreamUnavailable."""
    find, issuer = partial(upstream.key_sets.find, work, jwks_uri), jwt.claims.get("iss")
    try:
        require_signature(jwt, lambda **newer: keys_of(upstream.settings, find(**newer), issuer), one_without_kid=True)
    except KeySetUnavailable as unavailable:
        raise upstream.unavailable(f"{jwks_uri}: {unavailable.reason}") from None
    except InvalidJwt as invalid:
        known = choose_keys(find(), alg=jwt.alg, kid=jwt.kid)
        raise InvalidSet(AUTHENTICATION_FAILED if known else INVALID_KEY, invalid.reason) from None


def is_for_us(settings: UpstreamSettings, audience: Any) -> bool:
    """Return whether `aud` has one of our client IDs at the upstream. A token can be for several of one operator."""
    own = {settings.client_id, *settings.signals_audiences}
    given = audience if isinstance(audience, list) else [audience]
    return any(isinstance(one, str) and one in own for one in given)


def _content(work: UnitOfWork, claims: dict[str, Any], transmitter: Transmitter, *, is_older: bool) -> SecurityEvents:
    problem = problem_with_times(claims, work.now, leeway=UPSTREAM_LEEWAY, required=("iat",))
    if problem is not None:
        raise InvalidSet(INVALID_REQUEST, problem)
    jti, events = claims.get("jti"), claims.get("events")
    checks = {
        "iat": claims["iat"] >= (work.now - OLDEST).timestamp(),
        "jti": isinstance(jti, str) and 0 < len(jti) <= LONGEST_JTI,
        "events": isinstance(events, Mapping)
        and 0 < len(events) <= MOST_EVENTS
        and all(isinstance(event, Mapping) for event in events.values()),
        # Sections 4.1.7 and 4.1.8, so that no token of another kind is taken for one.
        "sub": is_older or "sub" not in claims,
        "exp": is_older or "exp" not in claims,
    }
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        raise InvalidSet(INVALID_REQUEST, f"these are missing, wrong or not allowed: {', '.join(failed)}")
    issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    return SecurityEvents(
        transmitter.issuer, str(jti), issued_at, claims.get("sub_id"), dict(events or {}), claims.get("toe")
    )
