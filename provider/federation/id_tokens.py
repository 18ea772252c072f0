"""Is this ID token an upstream's word about the person we sent there (OIDC Core section 3.1.3.7)?"""

from datetime import UTC, datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from provider.crypto.digests import same
from provider.federation.states import State
from provider.federation.upstreams import Upstream
from provider.languages.text import Text
from provider.observability.logging import log
from provider.refusals import Refusal
from provider.work import UnitOfWork

LEEWAY = 60
"""Seconds their clock may differ from ours (F-11)."""
OLDEST = 600
"""Seconds since it was issued: no more than a state lives."""


class UpstreamUntrusted(Refusal):
    """An answer that fails its checks. What failed is for the operator's log."""

    status_code = 502
    title = Text("The answer cannot be trusted")

    def __init__(self, upstream: Upstream, reason: str) -> None:
        self.reason = reason
        name = upstream.settings.name
        log.warning("upstream.untrusted", upstream=upstream.settings.key, reason=reason)
        super().__init__(
            Text("%(name)s sent an answer that did not pass our checks. You are not signed in.", name=name)
        )


class NotProvenAnew(UpstreamUntrusted):
    """It was asked to ask its user anew, and says that it did not."""

    status_code = 403
    title = Text("A fresh sign-in is needed")

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(upstream, "auth_time is before the request")
        name = upstream.settings.name
        self.message = Text("%(name)s knew you already and did not ask you again. Sign in another way.", name=name)


def check_id_token(work: UnitOfWork, upstream: Upstream, token: str, state: State) -> dict[str, Any]:
    """Its claims. Raises UpstreamUntrusted, or UpstreamAway when the keys cannot be had."""
    claims = _verify(work, upstream, token)
    now, settings = work.now.timestamp(), upstream.settings
    audience = claims.get("aud")
    nonce, subject = claims.get("nonce"), claims.get("sub")
    checks = {
        "iss": claims.get("iss") == settings.issuer,
        # None but us: there is no other audience that we trust.
        "aud": audience in (settings.client_id, [settings.client_id]),
        "azp": claims.get("azp", settings.client_id) == settings.client_id,
        "exp": _is_time(claims.get("exp")) and claims["exp"] > now - LEEWAY,
        "nbf": _is_time(claims.get("nbf", 0)) and claims.get("nbf", 0) <= now + LEEWAY,
        "iat": _is_time(claims.get("iat")) and now - OLDEST - LEEWAY <= claims["iat"] <= now + LEEWAY,
        "auth_time": _is_time(claims.get("auth_time", 0)),
        "nonce": isinstance(nonce, str) and same(nonce.encode("utf-8", "surrogatepass"), state.nonce.encode()),
        "sub": isinstance(subject, str) and 0 < len(subject) <= 255 and subject.isascii() and subject.isprintable(),
    }
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        raise UpstreamUntrusted(upstream, f"ID token: {', '.join(failed)}")
    if state.must_prove and proven_before(claims, state) is not None:
        raise NotProvenAnew(upstream)
    return claims


def proven_before(claims: dict[str, Any], state: State) -> datetime | None:
    """When the upstream's user proved who they are, if that was before we asked; of claims that were checked. Some
    upstreams neither ask anew nor tell; those are taken as they are (docs/upstream.md).
    """
    auth_time = claims.get("auth_time")
    if auth_time is None or auth_time >= state.begun_at - LEEWAY:
        return None
    return datetime.fromtimestamp(max(auth_time, 0), UTC)


def _verify(work: UnitOfWork, upstream: Upstream, token: str) -> dict[str, Any]:
    """The signature, by a published key and an algorithm that the upstream announced: the header only picks one."""
    algorithms = upstream.metadata(work).algorithms
    # Header members that nobody registered are ignored (RFC 7515 section 4); critical ones are not.
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    try:
        header = jws.extract_compact(token.encode("utf-8", "surrogatepass"), registry=registry).headers()
        alg, kid = header.get("alg"), header.get("kid")
        if not algorithms or alg not in algorithms or not isinstance(kid, str | None):
            raise UpstreamUntrusted(upstream, "ID token: alg or kid")
        key = upstream.find_key(work, alg=alg, kid=kid)
        if key is None:
            raise UpstreamUntrusted(upstream, "ID token: signed by no key that it publishes")
        return dict(jwt.decode(token, key, algorithms=list(algorithms), registry=registry).claims)
    except (JoseError, ValueError, TypeError) as error:
        raise UpstreamUntrusted(upstream, f"ID token: {type(error).__name__}") from None


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
