"""Access tokens for a mail server that wants OAuth 2.0, as those of Google and Microsoft 365 do (RFC 7628).

They come from a token endpoint, for a refresh token (RFC 6749 section 6) or for the client itself (section 4.4), and
are cached in the process until they expire.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

from provider.config.settings import Settings
from provider.jose.json_objects import read_object
from provider.outbound.answers import OutboundFailed
from provider.outbound.client import Outbound
from provider.outbox.relay import TemporaryFailure

MARGIN = timedelta(minutes=1)
"""How long before its end a token is replaced, so that it lasts for the connection and for clocks that differ."""
UNKNOWN_LIFETIME = timedelta(minutes=5)
"""How long a token is cached if the response does not say (RFC 6749 section 5.1 only recommends it)."""
MAX_CACHED = timedelta(hours=1)
MAX_REASON = 200

_Source = tuple[str | None, ...]


@dataclass(frozen=True)
class _CachedToken:
    token: str
    until: datetime


class AccessTokens:
    """The tokens of a process. Threads that need one at the same moment share one request."""

    def __init__(self) -> None:
        self._tokens: dict[_Source, _CachedToken] = {}
        self._lock = threading.Lock()

    def get(self, settings: Settings, outbound: Outbound, *, now: datetime) -> tuple[str, bool]:
        """Return a token for these settings, and whether it is new.

        Raises TemporaryFailure: the email is not at fault.
        """
        source = _source_of(settings)
        with self._lock:
            cached = self._tokens.get(source)
            if cached is not None and now < cached.until:
                return cached.token, False
            self._tokens[source] = _request(settings, outbound, now)
            return self._tokens[source].token, True

    def forget(self, settings: Settings, token: str) -> None:
        """Do not use this token again, because the mail server refused it."""
        source = _source_of(settings)
        with self._lock:
            if source in self._tokens and self._tokens[source].token == token:
                del self._tokens[source]


TOKENS = AccessTokens()
"""The tokens of this process."""


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return the secrets that the token endpoint gets."""
    given = (settings.smtp_oauth_client_secret, settings.smtp_oauth_refresh_token)
    return tuple(secret.get_secret_value() for secret in given if secret is not None)


def _source_of(settings: Settings) -> _Source:
    return (
        settings.smtp_oauth_token_url,
        settings.smtp_oauth_client_id,
        settings.smtp_oauth_scope,
        *secrets_of(settings),
    )


def _request(settings: Settings, outbound: Outbound, now: datetime) -> _CachedToken:
    url, client_id, secret, refresh_token = (
        settings.smtp_oauth_token_url,
        settings.smtp_oauth_client_id,
        settings.smtp_oauth_client_secret,
        settings.smtp_oauth_refresh_token,
    )
    assert url is not None  # noqa: S101  # the caller looked, and the settings come together
    assert client_id is not None  # noqa: S101
    form = {"grant_type": "client_credentials", "client_id": client_id}
    if refresh_token is not None:
        form |= {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()}
    if secret is not None:
        form["client_secret"] = secret.get_secret_value()
    if settings.smtp_oauth_scope is not None:
        form["scope"] = settings.smtp_oauth_scope
    try:
        answer = outbound.deliver(url, form)
    except OutboundFailed as failed:
        problem = f"no access token for the mail server: {failed.reason}"[:300]
        raise TemporaryFailure(problem, until=failed.until) from failed
    try:
        given = read_object(answer.body)
    except ValueError:
        given = {}
    token, lifetime = given.get("access_token"), given.get("expires_in")
    if answer.status != 200 or not _is_token(token):
        words = " ".join(str(given.get(name, "")) for name in ("error", "error_description")).strip()
        raise TemporaryFailure(
            f"no access token for the mail server: the token endpoint answered {answer.status}"
            f" {redact(words, secrets_of(settings))[:MAX_REASON]}".rstrip()
        )
    seconds = lifetime if isinstance(lifetime, int | float) and not isinstance(lifetime, bool) else None
    whole = UNKNOWN_LIFETIME if seconds is None else timedelta(seconds=min(seconds, MAX_CACHED.total_seconds()))
    return _CachedToken(token, now + whole - MARGIN)


def _is_token(value: object) -> TypeGuard[str]:
    """Return whether this can be sent as a bearer token (RFC 6750 section 2.1): visible ASCII, so no separator."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and bool(value) and " " not in value


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """Return a server's words without these secrets: some servers repeat what they were sent."""
    for secret in secrets:
        text = text.replace(secret, "********")
    return text
