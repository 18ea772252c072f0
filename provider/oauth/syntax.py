"""The syntax of protocol parameters: one table for every endpoint, checked where a request comes in.

It holds the grammar of RFC 6749 appendix A, RFC 7636 sections 4.1 and 4.2, and of the specifications that add
parameters. Whether a value of the right syntax is also supported, registered or known is decided where it is used. The
table has no entry for tokens: a token of the wrong syntax is an inactive token, which is an answer and no error (RFC
7009 section 2.2, RFC 7662 section 2.2), and a password of the wrong syntax a wrong password. User codes and one-time
passwords are typed by people, and normalized first.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from provider.oauth.checks import Checks
from provider.oauth.errors import (
    InvalidAuthorizationDetailsError,
    InvalidBindingMessageError,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidRequestObjectError,
    InvalidRequestUriError,
    InvalidScopeError,
    InvalidSessionError,
    InvalidTargetError,
    OAuth2Error,
    UnsupportedGrantTypeError,
    UnsupportedResponseTypeError,
)
from provider.oauth.scopes import SCOPE_TOKEN

LONGEST = 2000
"""The longest value of most parameters, in characters. Longer ones are rejected, never truncated."""
LONGEST_REQUEST_URI = 512
"""The longest request_uri, in characters (OIDC Core section 6.2)."""
LONGEST_TOKEN = 64 * 1024
"""The longest JWT or other token, in characters."""

VSCHARS = re.compile(r"[ -~]+")
"""Visible ASCII characters and spaces (RFC 6749 appendix A)."""
_URI_CHARACTERS = r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+"


@dataclass(frozen=True, kw_only=True)
class Syntax:
    """The syntax of one parameter, in words too, and the error for a value that does not have it."""

    pattern: str
    words: str
    section: str
    error: type[OAuth2Error] = InvalidRequestError
    longest: int = LONGEST

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        """The pattern, compiled at first use: a command that needs three of them does not wait for all."""
        return re.compile(self.pattern)

    def matches(self, value: str) -> bool:
        return len(value) <= self.longest and self._compiled.fullmatch(value) is not None


def _of(
    pattern: str, words: str, section: str, *, error: type[OAuth2Error] = InvalidRequestError, longest: int = LONGEST
) -> Syntax:
    return Syntax(pattern=pattern, words=words, section=section, error=error, longest=longest)


def _visible(section: str, *, error: type[OAuth2Error] = InvalidRequestError, longest: int = LONGEST) -> Syntax:
    words = "visible ASCII characters and spaces"
    return Syntax(pattern=VSCHARS.pattern, words=words, section=section, error=error, longest=longest)


def _uri(section: str, *, error: type[OAuth2Error] = InvalidRequestError, longest: int = LONGEST) -> Syntax:
    return _of(_URI_CHARACTERS, "a URI", section, error=error, longest=longest)


def _resources(section: str) -> Syntax:
    # As many as `resources.MOST` of the longest identifier.
    return _of(r"[!-~]+(?: +[!-~]+)*", "an absolute URI", section, error=InvalidTargetError, longest=20 * 513)


def _jwt(section: str, *, error: type[OAuth2Error] = InvalidRequestError) -> Syntax:
    return _of(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){2,4}", "a JWT", section, error=error, longest=LONGEST_TOKEN)


_NAME = r"[A-Za-z0-9._-]+"
_UNRESERVED = r"[A-Za-z0-9._~-]"
_TEXT = r"[^\x00-\x1f\x7f\ud800-\udfff]*"
_TYPED = r"[\t -~\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*"

_OIDC = "OIDC Core section 3.1.2.1"

SYNTAX: Mapping[str, Syntax] = {
    # RFC 6749 appendix A
    "client_id": _visible("RFC 6749 appendix A.1", error=InvalidClientError),
    "client_secret": _visible("RFC 6749 appendix A.2", error=InvalidClientError),
    "response_type": _of(
        r"[A-Za-z0-9_]+(?: [A-Za-z0-9_]+)*",
        "names separated by single spaces",
        "RFC 6749 appendix A.3",
        error=UnsupportedResponseTypeError,
    ),
    "scope": _of(
        rf" *{SCOPE_TOKEN.pattern}(?: +{SCOPE_TOKEN.pattern})* *",
        "scopes separated by spaces, of visible ASCII characters without quotation marks and backslashes",
        "RFC 6749 appendix A.4",
        error=InvalidScopeError,
    ),
    "state": _visible("RFC 6749 appendix A.5"),
    "redirect_uri": _uri("RFC 6749 appendix A.6"),
    "grant_type": _of(
        rf"{_NAME}|{_URI_CHARACTERS}", "a name or a URI", "RFC 6749 appendix A.10", error=UnsupportedGrantTypeError
    ),
    "code": _visible("RFC 6749 appendix A.11", error=InvalidGrantError),
    "username": _of(_TYPED, "text without line breaks", "RFC 6749 appendix A.15"),
    "refresh_token": _visible("RFC 6749 appendix A.17", error=InvalidGrantError),
    # Proof Key for Code Exchange. Only S256 is supported, whose challenge is a SHA-256 hash.
    "code_verifier": _of(
        rf"{_UNRESERVED}{{43,128}}",
        "43 to 128 letters, digits, hyphens, dots, underscores and tildes",
        "RFC 7636 section 4.1",
        error=InvalidGrantError,
    ),
    "code_challenge": _of(r"[A-Za-z0-9_-]{43}", "43 characters of base64url, no padding", "RFC 7636 section 4.2"),
    "dpop_jkt": _of(
        r"[A-Za-z0-9_-]{43}", "a JWK SHA-256 thumbprint, 43 characters of base64url", "RFC 9449 section 10"
    ),
    "code_challenge_method": _of(rf"{_UNRESERVED}+", "a name", "RFC 7636 section 4.3"),
    # OpenID Connect
    "response_mode": _of(_NAME, "a name", "OAuth 2.0 Multiple Response Types section 2.1"),
    "nonce": _of(_TEXT, "text without control characters", _OIDC),
    "display": _visible(_OIDC),
    "prompt": _visible(_OIDC),
    "max_age": _of(r"[0-9]{1,10}", "a number of seconds", _OIDC),
    "ui_locales": _visible(_OIDC),
    "claims_locales": _visible("OIDC Core section 5.2"),
    "id_token_hint": _jwt(_OIDC),
    "login_hint": _of(_TEXT, "text without control characters", _OIDC),
    "acr_values": _visible(_OIDC),
    "claims": _of(r"[^\x00]*", "a JSON object", "OIDC Core section 5.5"),
    "authorization_details": _of(
        r"[^\x00]*", "a JSON array", "RFC 9396 section 2", error=InvalidAuthorizationDetailsError, longest=5000
    ),
    "request": _jwt("RFC 9101 section 4", error=InvalidRequestObjectError),
    "request_uri": _uri("RFC 9101 section 5.2", error=InvalidRequestUriError, longest=LONGEST_REQUEST_URI),
    "post_logout_redirect_uri": _uri("RP-Initiated Logout section 2"),
    # Client assertions, token exchange, resources, devices, first-party apps
    "client_assertion": _jwt("RFC 7521 section 4.2", error=InvalidClientError),
    "client_assertion_type": _uri("RFC 7521 section 4.2", error=InvalidClientError),
    "subject_token_type": _uri("RFC 8693 section 2.1"),
    "actor_token_type": _uri("RFC 8693 section 2.1"),
    "requested_token_type": _uri("RFC 8693 section 2.1"),
    "resource": _resources("RFC 8707 section 2"),
    "audience": _resources("RFC 8693 section 2.1"),
    "device_code": _visible("RFC 8628 section 3.4", error=InvalidGrantError),
    # Client-Initiated Backchannel Authentication. A user_code is ignored: it is not supported.
    "auth_req_id": _visible("CIBA section 10.1", error=InvalidGrantError),
    "client_notification_token": _of(
        r"[A-Za-z0-9._~+/-]+=*", "a bearer token (RFC 6750 section 2.1)", "CIBA section 7.1", longest=1024
    ),
    "login_hint_token": _visible("CIBA section 7.1", longest=LONGEST_TOKEN),
    "binding_message": _of(
        _TEXT, "text without control characters", "CIBA section 13", error=InvalidBindingMessageError
    ),
    "requested_expiry": _of(r"[1-9][0-9]{0,8}", "a positive number of seconds", "CIBA section 7.1"),
    "auth_session": _visible("First-Party Applications section 5.1", error=InvalidSessionError, longest=LONGEST_TOKEN),
    "passkey": _of(r"true|false", "true or false", "First-Party Applications section 5.1"),
    "credential": _of(
        r"[\t\n\r ]*\{[^\x00]*\}[\t\n\r ]*", "a JSON object", "WebAuthn Level 3 section 7.2", longest=LONGEST_TOKEN
    ),
    "token_type_hint": _of(_NAME, "a name", "RFC 7009 section 2.1"),
}


def require_syntax(
    checks: Checks,
    given: Mapping[str, str],
    names: Collection[str] = SYNTAX.keys(),
    *,
    error: type[OAuth2Error] | None = None,
) -> None:
    """Check the syntax of those parameters among `names` that are given.

    Raises the error of the first parameter that is wrong, or `error` instead.
    """
    for name, value in given.items():
        if name in names and not SYNTAX[name].matches(value):
            syntax = SYNTAX[name]
            longest, too_long = syntax.longest, len(value) > syntax.longest
            checks.refuse(
                f"{name} has the right syntax",
                section=syntax.section,
                error=error or syntax.error,
                description=f"{name} must be {syntax.words}" + (f", at most {longest} characters" if too_long else ""),
                expected=syntax.words,
                got=_describe(value),
                fix=f"Send {name} as {syntax.words}. If it is optional, you can leave it out.",
            )


def require_sent_once(checks: Checks, names: Collection[str], *, section: str) -> None:
    """Check that no parameter was repeated. `names` are those that were."""
    shown = " and ".join(name for name in sorted(names) if len(name) <= 40 and re.fullmatch(_NAME, name))
    checks.require(
        not names,
        "Each parameter is sent once",
        section=section,
        error=InvalidRequestError,
        description=f"{shown or 'A parameter'} must be sent only once",
        expected="each parameter once",
        got=", ".join(sorted(names)),
        fix="Send each parameter once.",
    )


def _describe(value: str) -> str:
    """Describe a value that may be a secret: its length, and the first character that is not visible ASCII."""
    odd = next((character for character in value if not " " <= character <= "~"), None)
    return f"{len(value)} characters" + ("" if odd is None else f", one of them U+{ord(odd):04X}")
