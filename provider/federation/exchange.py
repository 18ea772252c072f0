"""Ask an upstream for a user's identity, and redeem its response (OIDC Core section 3.1).

These functions use the network and no transaction.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from provider.accounts.store import linked_identities
from provider.federation.apple import names_of_form
from provider.federation.client_requests import post_as_client
from provider.federation.id_tokens import UpstreamUntrusted, check_id_token, proven_before, sid_of, subject_of
from provider.federation.identity_claims import WANTED, combine, email_of, is_complete, is_email_proven, names_of
from provider.federation.issued_tokens import IssuedTokens, read_tokens
from provider.federation.issuers import is_issuer
from provider.federation.managed import redirect_uri
from provider.federation.mapping import value_of
from provider.federation.oauth_users import read_user
from provider.federation.states import UpstreamState
from provider.federation.upstreams import Metadata, Upstream
from provider.jose.json_objects import read_object
from provider.languages.text import Text
from provider.observability.logging import log
from provider.outbound.answers import OutboundFailed
from provider.refusals import Refusal
from provider.work import UnitOfWork

OUTAGES = ("server_error", "temporarily_unavailable")
"""Error codes that say nothing about the user (RFC 6749 section 4.1.2.1)."""
LONGEST = 200
ANY_AGE = "31536000"
"""A `max_age` of one year, in seconds."""


class UpstreamDeclined(Refusal):
    """The upstream answered with an error. `details` are (name, text) pairs from it, to be shown only as text."""

    code = "upstream-declined"
    status_code = 403

    def __init__(self, upstream: str, error: str, description: str = "") -> None:
        given = (("error", error), ("error_description", description))
        self.details = [(name, text[:LONGEST]) for name, text in given if text]
        self.title = Text("Couldn't sign in with %(name)s", name=upstream)
        super().__init__(
            Text("The sign-in at %(name)s was canceled or denied.", name=upstream)
            if error == "access_denied"
            else Text("%(name)s rejected the sign-in.", name=upstream)
        )


@dataclass(frozen=True, kw_only=True)
class UpstreamIdentity:
    """A user's identity at an upstream."""

    issuer: str
    subject: str
    email: str | None
    email_proven: bool
    """Whether the operator trusts the upstream that the user owns the address."""
    names: Mapping[str, str]
    claims: Mapping[str, Any]
    """Everything that the upstream says about the user."""
    proven_at: datetime | None
    """When the user signed in at the upstream, if that was before our request; the sign-in here is no fresher."""
    tokens: IssuedTokens | None = None
    """What the upstream issued with it, if its tokens are stored."""
    sid: str | None = None
    """The upstream's ID of its session (OpenID Connect Back-Channel Logout 1.0 section 2.1)."""
    id_token: str | None = None


def authorization_url(
    work: UnitOfWork,
    upstream: Upstream,
    state: UpstreamState,
    *,
    sealed: str,
    max_age: str | None = None,
    login_hint: str | None = None,
) -> str:
    """Return the URL to send the user to. `max_age` is passed on from the app, and `login_hint` is the address that the
    user typed. Raises UpstreamUnavailable.
    """
    metadata = upstream.metadata(work)
    parameters = {
        "response_type": "code",
        "client_id": upstream.settings.client_id,
        "redirect_uri": redirect_uri(work.settings, upstream.settings.key),
        "scope": " ".join(upstream.settings.requested_scopes),
        "state": sealed,
        "code_challenge": create_s256_code_challenge(state.verifier),
        "code_challenge_method": "S256",
    }
    preset = upstream.settings.of_preset
    if preset.is_oidc:
        parameters["nonce"] = state.nonce
    if preset.takes_max_age:
        # Asked for some, the upstream must tell when its user last proved who they are (OIDC Core section 3.1.2.1).
        parameters["max_age"] = "0" if state.must_prove else max_age or ANY_AGE
    if state.must_prove:
        parameters |= preset.again
    if upstream.settings.store_tokens:
        parameters |= preset.offline
        if state.link_to is not None:  # some upstreams issue a refresh token only with a new consent
            parameters["prompt"] = " ".join(filter(None, (parameters.get("prompt"), "consent")))
    if login_hint is not None and preset.takes_max_age:
        parameters["login_hint"] = login_hint
    if preset.form_post:
        parameters["response_mode"] = "form_post"
    if upstream.settings.hosted_domain is not None:
        parameters["hd"] = upstream.settings.hosted_domain
    if metadata.takes_claims:
        # By scope alone an upstream may keep them for its userinfo endpoint (OIDC Core section 5.4).
        parameters["claims"] = json.dumps({"id_token": dict.fromkeys(WANTED)})
    url: str = add_params_to_uri(metadata.authorization_endpoint, list(parameters.items()))
    return url


def redeem(work: UnitOfWork, upstream: Upstream, state: UpstreamState, answer: Mapping[str, str]) -> UpstreamIdentity:
    """Return the identity behind an authorization response.

    Raises UpstreamDeclined, UpstreamUntrusted, NotOfOrganization or UpstreamUnavailable.
    """
    metadata = upstream.metadata(work)
    _require_its_own(upstream, metadata, answer.get("iss"))
    if (error := answer.get("error")) is not None:
        if error in OUTAGES:
            raise upstream.unavailable(f"it answered {error}")
        raise _declined(upstream, error, answer.get("error_description", ""))
    if (code := answer.get("code")) is None:
        raise UpstreamUntrusted(upstream, "the answer has neither code nor error")
    response = _exchange(work, upstream, metadata, code=code, verifier=state.verifier)
    scopes = upstream.settings.requested_scopes
    tokens = read_tokens(response, asked=scopes, now=work.now) if upstream.settings.store_tokens else None
    if not upstream.settings.is_oidc:
        claims = read_user(work, upstream, metadata.userinfo_endpoint or "", response)
        return _identity(upstream, claims, claims, issuer=upstream.settings.issuer, proven_at=None, tokens=tokens)
    claims = check_id_token(work, upstream, response["id_token"], state)
    about = claims
    if metadata.userinfo_endpoint is not None and not _has_required_claims(work, upstream, claims):
        asked = _ask_userinfo(work, upstream, metadata.userinfo_endpoint, response, subject=claims["sub"])
        about = combine(claims, asked)
    if upstream.settings.of_preset.form_post:
        about = names_of_form(answer.get("user")) | about
    proven_at = proven_before(claims, state)
    identity = _identity(upstream, claims, about, issuer=claims["iss"], proven_at=proven_at, tokens=tokens)
    return replace(identity, sid=sid_of(claims), id_token=response["id_token"])


def _identity(
    upstream: Upstream,
    claims: Mapping[str, Any],
    about: Mapping[str, Any],
    *,
    issuer: str,
    proven_at: datetime | None,
    tokens: IssuedTokens | None,
) -> UpstreamIdentity:
    return UpstreamIdentity(
        issuer=issuer,
        subject=claims["sub"],
        email=email_of(about),
        email_proven=is_email_proven(about, upstream.settings),
        proven_at=proven_at,
        names=names_of(about),
        claims=about,
        tokens=tokens,
    )


def _require_its_own(upstream: Upstream, metadata: Metadata, issuer: str | None) -> None:
    """Raise UpstreamUntrusted if the response comes from another provider: a mix-up (RFC 9207 section 2.4)."""
    if issuer is None and not metadata.names_itself:
        return
    if not is_issuer(upstream.settings, issuer):
        raise UpstreamUntrusted(upstream, "iss is missing, or another provider's")


def _exchange(work: UnitOfWork, upstream: Upstream, metadata: Metadata, *, code: str, verifier: str) -> dict[str, Any]:
    """Exchange the code, and return the token response; an OpenID Provider's has an ID token (OIDC Core section
    3.1.3).
    """
    settings = upstream.settings
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(work.settings, upstream.settings.key),
        "code_verifier": verifier,
    }
    try:
        response = post_as_client(work, upstream, metadata, metadata.token_endpoint, form)
    except OutboundFailed as failed:
        raise upstream.unavailable(f"{metadata.token_endpoint}: {failed.reason}") from None
    body = _read_json(response.body)
    # GitHub answers 200 with an error.
    errors = {400, 401} if settings.is_oidc else {200, 400, 401}
    if response.status in errors and isinstance(body.get("error"), str):
        raise _declined(upstream, body["error"], str(body.get("error_description", "")))
    if response.status != 200 or not body:
        raise upstream.unavailable(f"{metadata.token_endpoint} answered {response.status}, and not as it should")
    if settings.is_oidc and not isinstance(body.get("id_token"), str):
        raise UpstreamUntrusted(upstream, "there is no id_token")
    return body


def _has_required_claims(work: UnitOfWork, upstream: Upstream, claims: Mapping[str, Any]) -> bool:
    """Return whether the ID token is enough: it is complete, or its user has an account, which nothing changes."""
    given = (upstream.settings.roles_claim, upstream.settings.claim_of_groups)
    if any(path is not None and value_of(claims, path) is None for path in given):
        return False
    mapped = upstream.settings.claims.values() if upstream.settings.updates_profile else ()
    if any(value_of(claims, path) is None for path in mapped):
        return False
    if is_complete(claims, upstream.settings):
        return True
    return linked_identities.find(work.read, claims["iss"], claims["sub"]) is not None


def _ask_userinfo(
    work: UnitOfWork, upstream: Upstream, url: str, response: Mapping[str, Any], *, subject: str
) -> dict[str, Any]:
    """Return the claims of the userinfo endpoint, or none without an access token (OIDC Core section 5.3).

    Raises UpstreamUnavailable, because a missing answer says nothing about the user, or UpstreamUntrusted if the claims
    are about another user.
    """
    token = response.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        return {}
    try:
        answer = work.outbound.get(url, headers={"Accept": "application/json", "Authorization": f"Bearer {token}"})
    except OutboundFailed as failed:
        raise upstream.unavailable(f"{url}: {failed.reason}") from None
    claims = _read_json(answer.body)
    if answer.status != 200 or not claims:
        raise upstream.unavailable(f"{url} answered {answer.status}, and not as it should")
    if subject_of(claims) != subject:  # OIDC Core section 5.3.2
        raise UpstreamUntrusted(upstream, "userinfo: sub")
    return claims


def _declined(upstream: Upstream, error: str, description: str) -> UpstreamDeclined:
    log.warning("upstream.declined", upstream=upstream.settings.key, error=error[:LONGEST])
    return UpstreamDeclined(upstream.settings.name, error, description)


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except ValueError:
        return {}
