"""Users of upstreams with OAuth 2.0 but without OpenID Connect: what their APIs say, as claims (OIDC Core section 5.1).

The access token was just issued to us with the code of this sign-in, so the user it belongs to is at this browser.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from provider.accounts.store import linked_identities
from provider.federation.id_tokens import UpstreamUntrusted, is_subject, subject_of
from provider.federation.presets import DISCORD, FACEBOOK, GITHUB
from provider.federation.upstreams import Upstream
from provider.jose.json_objects import read_json
from provider.outbound.answers import OutboundFailed
from provider.work import UnitOfWork


def read_user(work: UnitOfWork, upstream: Upstream, userinfo: str, response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of the user of this token response.

    Raises UpstreamUnavailable, because a missing answer says nothing about the user, or UpstreamUntrusted.
    """
    token = response.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise UpstreamUntrusted(upstream, "there is no access_token")

    def ask(url: str) -> Any:
        return _ask(work, upstream, url, token)

    preset = upstream.settings.preset
    url = f"{userinfo}?{_query_of_facebook(upstream, token)}" if preset == FACEBOOK else userinfo
    user = ask(url)
    if not isinstance(user, dict):
        raise upstream.unavailable(f"{userinfo} answered with no user")
    subject = subject_of({"sub": user.get("id")})
    if not is_subject(upstream.settings, subject):
        raise UpstreamUntrusted(upstream, "userinfo: id")
    claims = {"sub": subject, **CLAIMS[preset or ""](user)}
    if preset == GITHUB and linked_identities.find(work.read, upstream.settings.issuer, str(subject)) is None:
        claims |= _address_at_github(upstream, ask(f"{userinfo}/emails"))
    return claims


def _of_github(user: Mapping[str, Any]) -> dict[str, Any]:
    # Not its `email`: that is shown in the profile, and need not be verified.
    return {"name": user.get("name"), "preferred_username": user.get("login")}


def _of_discord(user: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": user.get("global_name"),
        "preferred_username": user.get("username"),
        "email": user.get("email"),
        "email_verified": user.get("verified"),
    }


def _of_facebook(user: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": user.get("name"),
        "given_name": user.get("first_name"),
        "family_name": user.get("last_name"),
        "email": user.get("email"),
    }


CLAIMS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    GITHUB: _of_github,
    DISCORD: _of_discord,
    FACEBOOK: _of_facebook,
}


def _address_at_github(upstream: Upstream, found: Any) -> dict[str, Any]:
    """Return the claims of the primary address."""
    if not isinstance(found, list):
        raise upstream.unavailable("its list of addresses is no list")
    primary = next((one for one in found if isinstance(one, dict) and one.get("primary") is True), {})
    return {"email": primary.get("email"), "email_verified": primary.get("verified") is True}


def _query_of_facebook(upstream: Upstream, token: str) -> str:
    """Return the query of its user: the fields, and the proof that we know the client secret."""
    proof = hmac.new(upstream.settings.secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    return urlencode({"fields": "id,name,first_name,last_name,email", "appsecret_proof": proof})


def _ask(work: UnitOfWork, upstream: Upstream, url: str, token: str) -> Any:
    place = url.partition("?")[0]
    try:
        answer = work.outbound.get(url, headers={"Accept": "application/json", "Authorization": f"Bearer {token}"})
        if answer.status != 200:
            raise upstream.unavailable(f"{place} answered {answer.status}")
        return read_json(answer.body)
    except OutboundFailed as failed:
        raise upstream.unavailable(f"{place}: {failed.reason}") from None
    except ValueError:
        raise upstream.unavailable(f"{place} answered with no JSON") from None
