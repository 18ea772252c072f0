"""The tokens in a token response of an upstream (RFC 6749 section 5.1), and keeping them for a linked identity."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from provider.accounts.store import upstream_tokens as store
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.accounts.store.upstream_tokens import UpstreamTokens
from provider.accounts.upstream_tokens.sealing import TokenPair, seal, unseal
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.vault import VaultError
from provider.federation.upstream_settings import SCOPE, UpstreamSettings
from provider.observability.logging import log
from provider.work import UnitOfWork

LONGEST_LIFE = timedelta(days=3650)
LONGEST_TOKEN = 16 * 1024
LONGEST_SCOPE = 2000


@dataclass(frozen=True, kw_only=True)
class IssuedTokens:
    """Tokens that an upstream has just issued."""

    pair: TokenPair
    scope: str
    """The scopes that the user granted there."""
    expires_at: datetime | None
    """When the access token expires. None if the upstream does not say."""


def read_tokens(response: Mapping[str, Any], *, asked: tuple[str, ...], now: datetime) -> IssuedTokens | None:
    """Return the tokens of a response, or None if it has no usable access token. `asked` are the scopes if the response
    names none.
    """
    access_token = _token(response.get("access_token"))
    if access_token is None:
        return None
    token_type = response.get("token_type")
    is_bearer = not isinstance(token_type, str) or token_type.lower() == "bearer"
    return IssuedTokens(
        pair=TokenPair(
            access_token=access_token,
            token_type="Bearer" if is_bearer else str(token_type)[:40],  # a type
            refresh_token=_token(response.get("refresh_token")),
        ),
        scope=_scope(response.get("scope"), asked),
        expires_at=_expiry(response.get("expires_in"), now),
    )


def as_json(issued: IssuedTokens) -> dict[str, Any]:
    """Return the tokens as a JSON object, to be encrypted until they can be kept. `of_json` reads it."""
    at = None if issued.expires_at is None else issued.expires_at.timestamp()
    return {"pair": asdict(issued.pair), "scope": issued.scope, "expires_at": at}


def of_json(value: Mapping[str, Any]) -> IssuedTokens:
    at = value["expires_at"]
    return IssuedTokens(
        pair=TokenPair(**value["pair"]),
        scope=value["scope"],
        expires_at=None if at is None else datetime.fromtimestamp(at, UTC),
    )


def keep_tokens(
    work: UnitOfWork,
    settings: UpstreamSettings,
    identity: LinkedIdentity,
    issued: IssuedTokens | None,
    *,
    connects: bool = False,
) -> bool:
    """Store the tokens with the identity, if the operator wants that. Returns whether they were.

    Where the user stopped their use, only `connects` stores them again: the user asked for it. A response without a
    refresh token keeps the one that is stored, because some upstreams send one only with the first consent.
    """
    if issued is None or not settings.store_tokens:
        return False
    row = store.lock(work.db, identity.id)
    if row is not None and row.sealed is None and not connects:
        return False
    is_known = row is not None and row.is_usable
    pair = issued.pair
    if row is not None and is_known and pair.refresh_token is None:
        if row.claimed_until is not None and row.claimed_until > work.now:
            return True  # a refresh is under way, and brings newer ones
        pair = replace(pair, refresh_token=_refresh_token_of(work, row))
    kept = UpstreamTokens(
        identity_id=identity.id,
        upstream=settings.key,
        sealed=seal(work.vault, identity.id, pair),
        scope=issued.scope,
        expires_at=issued.expires_at,
        stored_at=work.now,
        generation=1,
    )
    store.replace(work.db, kept)
    if row is None or not is_known or row.scope != kept.scope:
        record(
            work,
            Event.UPSTREAM_TOKENS_STORED,
            user_id=identity.user_id,
            upstream=settings.key,
            scope=kept.scope,
            identity=identity.id,
            refreshable=pair.refresh_token is not None,
        )
    return True


def _refresh_token_of(work: UnitOfWork, row: UpstreamTokens) -> str | None:
    try:
        return unseal(work.vault, row).refresh_token
    except VaultError as error:
        log.warning("upstream.tokens_unreadable", upstream=row.upstream, reason=str(error))
        return None


def _token(value: Any) -> str | None:
    is_one = isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN and value.isascii() and value.isprintable()
    return value if is_one else None


def _scope(value: Any, asked: tuple[str, ...]) -> str:
    """Return the granted scopes. GitHub separates them with commas. What has no space in the row is left out."""
    granted = value.replace(",", " ").split() if isinstance(value, str) else asked
    text = ""
    for scope in dict.fromkeys(granted):
        if SCOPE.fullmatch(scope) and len(text) + len(scope) < LONGEST_SCOPE:
            text = f"{text} {scope}".strip()
    return text


def _expiry(value: Any, now: datetime) -> datetime | None:
    """Return when the access token expires. Some upstreams send the seconds as a string."""
    seconds = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 12 else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        return None
    return now + min(timedelta(seconds=min(seconds, LONGEST_LIFE.total_seconds())), LONGEST_LIFE)
