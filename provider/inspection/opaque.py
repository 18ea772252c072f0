"""Codes and refresh tokens, found by their digest, and request URIs."""

from provider.crypto.digests import digest
from provider.inspection import store
from provider.inspection.authorization_requests import explained
from provider.inspection.findings import Fact, Inspection, Part, masked, moment, shown
from provider.inspection.reader import Reader
from provider.inspection.waiting_codes import inspect_device_code, inspect_secret
from provider.oauth.authorize.parked_requests import HANDLE, URN, parameters_of
from provider.oauth.authorize.store import authorization_codes
from provider.oauth.authorize.store.authorization_codes import MOST_ATTEMPTS, AuthorizationCode
from provider.oauth.tokens.access_tokens import inactive_reason
from provider.oauth.tokens.store import refresh_tokens
from provider.oauth.tokens.store.presented import Presented
from provider.oauth.tokens.store.refresh_tokens import RefreshToken


def inspect_opaque(reader: Reader, text: str) -> Inspection:
    """Inspect a value that only its digest finds: a code, a refresh token or the end of a request_uri."""
    work, key = reader.work, digest(text)
    code = authorization_codes.find(work.read, key)
    if code is not None:
        return _code(reader, text, code)
    refresh = refresh_tokens.find(work.read, key)
    if refresh is not None:
        return _refresh_token(reader, text, refresh)
    if HANDLE.fullmatch(URN + text) is not None and store.find_parked(work.read, key) is not None:
        return inspect_request_uri(reader, URN + text)
    found = inspect_device_code(reader, text) or inspect_secret(reader, text)
    if found is not None:
        return found
    return Inspection(
        kind="unknown value",
        summary="This installation knows no code, refresh token, request URI, client secret or ID like this. It may be"
        " a cookie, which is not looked up, or a value of another server. Expired values are deleted some time later.",
        parts=[Part("Value", [Fact(name="value", value=masked(text))])],
    )


def _code(reader: Reader, text: str, presented: Presented[AuthorizationCode]) -> Inspection:
    now, code, grant = reader.work.now, presented.row, presented.grant
    reason = inactive_reason(grant, presented.state, now)
    problem = ""
    if code.spent_at is not None:
        problem = f"It was redeemed at {moment(code.spent_at)}. A second use revokes all tokens of the grant."
    elif code.expires_at <= now:
        problem = f"It expired at {moment(code.expires_at)}."
    elif code.attempts >= MOST_ATTEMPTS:
        problem = f"It was sent {code.attempts} times with a wrong verifier or redirect URI."
    elif reason is not None:
        problem = f"Its grant is not active: {reason}."
    facts = [
        Fact(name="code", value=masked(text), passed=not problem, why=problem, section="RFC 6749 section 4.1.2"),
        Fact(name="expires", value=moment(code.expires_at), passed=code.spent_at is not None or code.expires_at > now),
        Fact(
            name="redirect_uri",
            value=shown(code.redirect_uri),
            meaning="The token request must repeat it." if code.redirect_uri_given else "The request had none.",
            section="RFC 6749 section 4.1.3",
        ),
        Fact(
            name="PKCE",
            value="yes" if code.code_challenge else "no",
            meaning="The token request must have the code_verifier." if code.code_challenge else "",
            section="RFC 7636 section 4.6",
        ),
        Fact(name="nonce", value="yes" if code.nonce else "no"),
        Fact(name="failed attempts", value=f"{code.attempts} of {MOST_ATTEMPTS}"),
    ]
    if code.confirmation:
        facts.append(Fact(name="bound to the key", value=shown(code.confirmation), section="RFC 9449 section 10"))
    return Inspection(
        kind="authorization code",
        summary=problem or "It can be redeemed now, once, by its application.",
        is_valid=not problem,
        secret=not problem,
        parts=[Part("Code", facts), reader.grant_part(grant, presented.state)],
        user_id=grant.user_id,
        client_id=grant.client_id,
        grant_id=grant.id,
        session_id=grant.session_id,
    )


def _refresh_token(reader: Reader, text: str, presented: Presented[RefreshToken]) -> Inspection:
    now, grace = reader.work.now, reader.work.settings.refresh_grace
    token, grant = presented.row, presented.grant
    reason = inactive_reason(grant, presented.state, now)
    problem, is_retry = "", False
    if reason is not None:
        problem = f"Its grant is not active: {reason}."
    elif token.rotated_at is not None:
        is_retry = token.rotated_at + grace > now
        problem = (
            f"It was used at {moment(token.rotated_at)}. "
            + ("A retry still gets the same successor." if is_retry else "")
            + ("" if is_retry else "Using it again revokes all tokens of the grant.")
        )
    elif token.expires_at <= now:
        problem = f"It expired at {moment(token.expires_at)}."
    facts = [
        Fact(name="refresh token", value=masked(text), passed=not problem, why=problem, section="RFC 6749 section 6"),
        Fact(name="generation", value=str(token.generation), meaning="Its number in the family. The first is 1."),
        Fact(name="expires", value=moment(token.expires_at), passed=token.expires_at > now),
    ]
    if token.confirmation:
        facts.append(Fact(name="bound to the key", value=shown(token.confirmation), section="RFC 9449 section 5"))
    return Inspection(
        kind="refresh token",
        summary=problem or "It is active.",
        is_valid=not problem or is_retry,
        secret=not problem or is_retry,
        parts=[Part("Refresh token", facts), reader.grant_part(grant, presented.state)],
        user_id=grant.user_id,
        client_id=grant.client_id,
        grant_id=grant.id,
        session_id=grant.session_id,
    )


def inspect_request_uri(reader: Reader, uri: str) -> Inspection:
    """Inspect the handle of a stored authorization request, which was pushed or waits for the user."""
    parked = store.find_parked(reader.work.read, digest(uri.removeprefix(URN)))
    if parked is None:
        return Inspection(
            kind="request URI",
            summary="This installation has no such request. It was never stored here, or was deleted after it expired.",
            is_valid=False,
        )
    now = reader.work.now
    problem = ""
    if parked.completed_at is not None:
        problem = f"It was finished at {moment(parked.completed_at)}. A request gives one response."
    elif parked.expires_at <= now:
        problem = f"It expired at {moment(parked.expires_at)}."
    facts = [
        Fact(name="request_uri", value=masked(uri.removeprefix(URN)), passed=not problem, why=problem),
        reader.client_fact(parked.client_id),
        Fact(
            name="origin",
            value="pushed by the application" if parked.pushed else "stored while the user signs in",
            section="RFC 9126 section 2.2" if parked.pushed else "",
        ),
        Fact(name="stored", value=moment(parked.created_at)),
        Fact(name="expires", value=moment(parked.expires_at)),
        Fact(name="opened in a browser", value="no" if parked.browser is None else "yes"),
    ]
    found = explained(reader, parameters_of(parked), kind="request URI")
    return Inspection(
        kind="request URI",
        summary=problem or found.summary,
        is_valid=not problem and found.is_valid,
        parts=[Part("Stored request", facts), *found.parts],
        client_id=parked.client_id,
        session_id=parked.signed_in_session_id or parked.chosen_session_id,
    )
