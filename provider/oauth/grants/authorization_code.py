"""The authorization_code grant: redeem a code once. A replay revokes what the first use issued.

See RFC 6749 section 4.1.3, RFC 7636, RFC 9700 section 4.5.
"""

import base64
import hashlib
import hmac
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.oauth.authorize.store import authorization_codes
from provider.oauth.authorize.store.authorization_codes import MOST_ATTEMPTS, AuthorizationCode
from provider.oauth.authorize.trials import redirect_uri_of as redirect_uri_of_trials
from provider.oauth.clients.redirect_uris import is_registered
from provider.oauth.clients.rules.fapi2 import code_lifetime_of
from provider.oauth.errors import InvalidGrantError
from provider.oauth.grants.presented import Kind, narrow_to_request, require_active, require_own
from provider.oauth.grants.request import TokenRequest
from provider.oauth.scopes import parse_scope
from provider.oauth.tokens.access_tokens import token_response
from provider.oauth.tokens.store import grants
from provider.oauth.tokens.store.grants import Grant

GRANT_TYPE = "authorization_code"
REFUSED = "code is invalid, expired, already used, or does not match this request"
KIND = Kind("The code", "RFC 6749 section 4.1.3", "authorization-code", REFUSED)


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response. Raises InvalidGrantError; the description is the same for every reason."""
    work, checks, client = request.work, request.checks, request.client
    text = request.required("code", KIND.section)
    presented = require_own(request, KIND, authorization_codes.find(work.read, digest(text)))
    code, grant = presented.row, presented.grant
    if code.spent_at is not None:
        _revoke_replayed(request, grant)
    checks.require(
        code.spent_at is None,
        "The code is used for the first time",
        section="RFC 6749 section 4.1.2",
        error=InvalidGrantError,
        description=REFUSED,
        expected="a code that was not used",
        got="a used code. All tokens issued for it are now revoked",
        fix="Use each code once. If the response was lost, start a new authorization request.",
    )
    lifetime = code_lifetime_of(work.settings, request.client.metadata)
    checks.require(
        code.expires_at > work.now and code.attempts < MOST_ATTEMPTS,
        "The code has not expired",
        section="RFC 6749 section 4.1.2",
        error=InvalidGrantError,
        description=REFUSED,
        expected=f"used within {lifetime.total_seconds():.0f} seconds and {MOST_ATTEMPTS} attempts",
        got=f"expiry at {code.expires_at:%H:%M:%S} UTC, {code.attempts} attempts",
        fix="Use the code as soon as it arrives. To get another one, start a new authorization request.",
    )
    require_active(request, KIND, presented)
    _require_same_request(request, code)
    scope = client.metadata.still_of(parse_scope(grant.scope))
    refresh_token, first = request.first_refresh_token(grant)
    authorization = narrow_to_request(request, presented, scope=scope, nonce=code.nonce)
    response = token_response(work, request.server, authorization, refresh_token=refresh_token)
    if not authorization_codes.redeem(work.autocommit, code.digest, refresh_token=first, now=work.now):
        _revoke_replayed(request, grant)  # used by another request, or tried too often, while this one was checked
        checks.refuse(
            "The code was not used by another request at the same time",
            section="RFC 6749 section 4.1.2",
            error=InvalidGrantError,
            description=REFUSED,
            expected="one request for each code",
            got="another request that was faster",
            fix="Use each code once, from one place. To get another one, start a new authorization request.",
        )
    return response


def _require_same_request(request: TokenRequest, code: AuthorizationCode) -> None:
    """Check that the token request matches the authorization request: its redirect_uri, the verifier of its challenge,
    and its key.
    """
    checks, form = request.checks, request.form
    redirect_uri = form.get("redirect_uri")
    same_uri = redirect_uri == code.redirect_uri or (redirect_uri is None and not code.redirect_uri_given)
    verifier = form.get("code_verifier")
    same_verifier = _matches(verifier, code.code_challenge)
    same_key = code.confirmation in {None, request.confirmation}
    if not (same_uri and same_verifier and same_key):
        authorization_codes.count_attempt(request.work.db, code.digest)
    checks.require(
        same_uri,
        "redirect_uri is the same as in the authorization request",
        section="RFC 6749 section 4.1.3",
        error=InvalidGrantError,
        description=REFUSED,
        expected=code.redirect_uri,
        got=redirect_uri or "no redirect_uri",
        fix="Send exactly the redirect_uri of the authorization request to the token endpoint.",
    )
    if request.client.document_expires_at is not None:
        _require_still_listed(request, code)
    checks.require(
        same_verifier,
        "code_verifier matches the code_challenge",
        section="RFC 7636 section 4.6",
        error=InvalidGrantError,
        description=REFUSED,
        expected="no code_verifier"
        if code.code_challenge is None
        else "BASE64URL(SHA256(code_verifier)) = code_challenge",
        got="no code_verifier"
        if verifier is None
        else f"a code_verifier of {len(verifier)} characters that does not match",
        fix="Send the code_verifier of this authorization request. Create a new one for each request.",
    )

    checks.require(
        same_key,
        "The DPoP proof has the key that the code is bound to",
        section="RFC 9449 section 10",
        error=InvalidGrantError,
        description=REFUSED,
        expected="a DPoP proof with the key of dpop_jkt, or of the proof that was sent with the pushed request",
        got=request.confirmation or "no DPoP proof",
        fix="Keep one key for the whole sign-in, and send a DPoP proof with it to the token endpoint.",
    )


def _require_still_listed(request: TokenRequest, code: AuthorizationCode) -> None:
    """Check that the redirect URI is still in the client's metadata document."""
    listed = request.client.metadata.redirect_uris
    is_trial = code.redirect_uri == redirect_uri_of_trials(request.work.settings)
    request.checks.require(
        is_trial or is_registered(code.redirect_uri, listed),
        "redirect_uri is still in the client's metadata document",
        section="Client ID Metadata Document section 6.3",
        error=InvalidGrantError,
        description=REFUSED,
        expected=" or ".join(listed),
        got=code.redirect_uri,
        fix="Keep a redirect URI in the document as long as the app uses it, and start a new authorization request.",
    )


def _matches(verifier: str | None, challenge: str | None) -> bool:
    """Return whether the PKCE verifier matches the challenge.

    A verifier without a challenge is rejected too: an attacker may have removed the challenge (RFC 9700 section 2.1.1).
    """
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode("ascii", "replace"))


def _revoke_replayed(request: TokenRequest, grant: Grant) -> None:
    work = request.work
    if grants.revoke(work.db, grant.id, reason="code replayed", now=work.now):
        record(work, Event.CODE_REPLAYED, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)
