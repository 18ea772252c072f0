"""Validating ID tokens from upstreams (OIDC Core section 3.1.3.7)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from provider.crypto.digests import same
from provider.federation.issuers import has_its_issuer, is_of_organization, keys_of
from provider.federation.states import UpstreamState
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Upstream
from provider.jose.remote_key_sets import KeySetUnavailable
from provider.jose.signed_jwts import InvalidJwt, SignedJwt, read_jwt, require_signature
from provider.jose.times import UPSTREAM_LEEWAY, is_numeric_date, problem_with_times
from provider.languages.text import Text
from provider.observability.logging import log
from provider.refusals import Refusal
from provider.work import UnitOfWork

OLDEST = timedelta(minutes=10)
"""The greatest age of an ID token since it was issued: the lifetime of a state."""


class UpstreamUntrusted(Refusal):
    """A response that fails its checks. The reason is for the operator's log."""

    code = "upstream-untrusted"
    status_code = 502
    title = Text("Couldn't verify the sign-in")

    def __init__(self, upstream: Upstream, reason: str) -> None:
        self.reason = reason
        name = upstream.settings.name
        log.warning("upstream.invalid_response", upstream=upstream.settings.key, reason=reason)
        super().__init__(
            Text("The response from %(name)s failed our security checks, so you were not signed in.", name=name)
        )


class NotReauthenticated(UpstreamUntrusted):
    """The upstream was asked for a fresh sign-in, and its ID token says that there was none."""

    code = "not-proven-anew"
    status_code = 403
    title = Text("New sign-in required")

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(upstream, "auth_time is before the request")
        name = upstream.settings.name
        self.message = Text(
            "You need to sign in again, but %(name)s didn't ask you to. Sign in another way.", name=name
        )


class NotOfOrganization(Refusal):
    """A user of the upstream whose organization is not one of those that the operator lists."""

    code = "not-of-organization"
    status_code = 403

    def __init__(self, upstream: Upstream) -> None:
        name = upstream.settings.name
        log.info("upstream.not_of_organization", upstream=upstream.settings.key)
        self.title = Text("Couldn't sign in with %(name)s", name=name)
        super().__init__(
            Text("Your %(name)s account doesn't belong to an organization that can sign in here.", name=name)
        )


def check_id_token(work: UnitOfWork, upstream: Upstream, token: str, state: UpstreamState) -> dict[str, Any]:
    """Validate the ID token and return its claims.

    Raises UpstreamUntrusted, NotReauthenticated, NotOfOrganization, or UpstreamUnavailable when the keys are not
    available.
    """
    claims = _verify(work, upstream, token)
    settings = upstream.settings
    problem = problem_with_times(claims, work.now, leeway=UPSTREAM_LEEWAY, required=("exp", "iat"))
    if problem is not None:
        raise UpstreamUntrusted(upstream, f"ID token: {problem}")
    audience = claims.get("aud")
    nonce, subject = claims.get("nonce"), subject_of(claims)
    checks = {
        "iss": has_its_issuer(settings, claims),
        # None but us: there is no other audience that we trust.
        "aud": audience in (settings.client_id, [settings.client_id]),
        "azp": claims.get("azp", settings.client_id) == settings.client_id,
        "iat": claims["iat"] >= (work.now - OLDEST - UPSTREAM_LEEWAY).timestamp(),
        "auth_time": is_numeric_date(claims.get("auth_time", 0)),
        "nonce": isinstance(nonce, str) and same(nonce.encode("utf-8", "surrogatepass"), state.nonce.encode()),
        "sub": is_subject(settings, subject),
    }
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        raise UpstreamUntrusted(upstream, f"ID token: {', '.join(failed)}")
    require_organization(upstream, claims)
    if state.must_prove and proven_before(claims, state) is not None:
        raise NotReauthenticated(upstream)
    return claims | {"sub": subject}


def is_subject(settings: UpstreamSettings, subject: str | None) -> bool:
    """Return whether this can be the ID of a user there. With a format of its own, a provider that changes it must not
    turn its users into others.
    """
    if subject is None or not 0 < len(subject) <= 255 or not subject.isascii() or not subject.isprintable():
        return False
    pattern = settings.of_preset.subject
    return pattern is None or pattern.fullmatch(subject) is not None


def require_organization(upstream: Upstream, claims: Mapping[str, Any]) -> None:
    """Raise NotOfOrganization if the user does not belong to an organization whose users may sign in."""
    if not is_of_organization(upstream.settings, claims):
        raise NotOfOrganization(upstream)


def subject_of(claims: dict[str, Any]) -> str | None:
    """Return `sub`, or None. Some providers send a whole number, which is read as its digits."""
    subject = claims.get("sub")
    if isinstance(subject, int) and not isinstance(subject, bool):
        return str(subject)
    return subject if isinstance(subject, str) else None


def sid_of(claims: Mapping[str, Any]) -> str | None:
    """Return the ID of the session at the upstream, or None if there is none that can be kept."""
    sid = claims.get("sid")
    if not isinstance(sid, str) or not 0 < len(sid) <= 255 or not sid.isascii() or not sid.isprintable():
        return None
    return sid


def proven_before(claims: dict[str, Any], state: UpstreamState) -> datetime | None:
    """Return when the user signed in at the upstream, if that was before our request; otherwise None.

    `claims` must have been checked. Some upstreams neither ask again nor say when; these are accepted as they are
    (docs/guides/upstream.md).
    """
    auth_time = claims.get("auth_time")
    if auth_time is None or auth_time >= state.begun_at - UPSTREAM_LEEWAY.total_seconds():
        return None
    return datetime.fromtimestamp(max(auth_time, 0), UTC)


def read_signed(work: UnitOfWork, upstream: Upstream, token: str, *, any_text: bool = False) -> SignedJwt:
    """Check the signature with a published key and an algorithm that the upstream announced; return the JWT. Raises
    InvalidJwt, or UpstreamUnavailable.
    """
    metadata = upstream.metadata(work)
    jwt = read_jwt(token, algorithms=metadata.algorithms, any_text=any_text)
    find = partial(upstream.key_sets.find, work, metadata.jwks_uri)
    issuer = jwt.claims.get("iss")
    try:
        require_signature(jwt, lambda **newer: keys_of(upstream.settings, find(**newer), issuer), one_without_kid=True)
    except KeySetUnavailable as unavailable:
        raise upstream.unavailable(f"{metadata.jwks_uri}: {unavailable.reason}") from None
    return jwt


def _verify(work: UnitOfWork, upstream: Upstream, token: str) -> dict[str, Any]:
    try:
        return read_signed(work, upstream, token, any_text=True).claims  # names are cleaned, not a reason to refuse
    except InvalidJwt as invalid:
        raise UpstreamUntrusted(upstream, f"ID token: {invalid.reason}") from None
