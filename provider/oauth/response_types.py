"""Response types and modes: what an authorization response holds and how it is sent. Pure.

See OAuth 2.0 Multiple Response Type Encoding Practices, OAuth 2.0 Form Post Response Mode, JWT Secured Authorization
Response Mode for OAuth 2.0 (JARM), OIDC Core section 3.

`token` alone and `none` are not supported. The others beside `code` put tokens into the front channel, which RFC 9700
section 2.1.2 advises against. They are for older apps, behind SIGNET_LEGACY_RESPONSE_TYPES and per client.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from provider.config.settings import Settings

CODE = "code"
ID_TOKEN = "id_token"  # noqa: S105  # a response type
TOKEN = "token"  # noqa: S105  # a response type
LEGACY = ("id_token", "id_token token", "code id_token", "code token", "code id_token token")
RESPONSE_TYPES = (CODE, *LEGACY)

IMPLICIT = "implicit"
"""The grant type of clients that get tokens in the front channel. The token endpoint does not support it."""

ResponseType = frozenset[str]
CODE_FLOW: ResponseType = frozenset({CODE})


class ResponseMode(StrEnum):
    QUERY = "query"
    FRAGMENT = "fragment"
    FORM_POST = "form_post"
    QUERY_JWT = "query.jwt"
    FRAGMENT_JWT = "fragment.jwt"
    FORM_POST_JWT = "form_post.jwt"

    is_jwt: bool
    """Whether the parameters are sent as one JWT (JARM section 2)."""
    way: str
    """The mode in which the JWT is sent, or the mode itself."""

    def __init__(self, value: str) -> None:
        self.is_jwt = value.endswith(".jwt")
        self.way = value.removesuffix(".jwt")


JWT = "jwt"
"""The `response_mode` for the default mode of the response type, as a JWT (JARM section 2.3.4)."""
RESPONSE_MODES = (*ResponseMode, JWT)
"""The values of `response_mode`."""


def response_types_supported(settings: Settings) -> tuple[str, ...]:
    return RESPONSE_TYPES if settings.legacy_response_types else (CODE,)


def parse_response_type(text: str) -> ResponseType:
    """Return the words of a response type, whose order has no meaning. The set is empty if a word is repeated."""
    words = text.split(" ")
    return frozenset(words) if len(words) == len(set(words)) else frozenset()


def is_one_of(response_type: ResponseType, known: Collection[str]) -> bool:
    return response_type in {parse_response_type(text) for text in known}


def grant_types_of(response_type: ResponseType) -> frozenset[str]:
    """Return the grant types that a client must be registered for to use it (OIDC Registration section 2)."""
    grant_types = {"authorization_code"} if CODE in response_type else set()
    if response_type & {ID_TOKEN, TOKEN}:
        grant_types.add(IMPLICIT)
    return frozenset(grant_types)


def effective_response_mode(given: Mapping[str, str], allowed: Collection[str]) -> ResponseMode:
    """Return the mode of the response, also for an invalid request.

    It is the requested mode if that is allowed, else the default of the response type. If tokens are requested, errors
    do not go into the query either (Multiple Response Types section 5). A client that is allowed JWTs only gets the
    default mode as a JWT.
    """
    default = default_mode(given.get("response_type", ""))
    if default not in allowed and all(ResponseMode(mode).is_jwt for mode in allowed):
        default = ResponseMode(f"{default}.{JWT}")  # an error is signed too
    asked = requested_mode(given)
    if (
        asked is None
        or asked not in allowed
        or (asked.way == ResponseMode.QUERY and default.way == ResponseMode.FRAGMENT)
    ):
        return default
    return asked


def requested_mode(given: Mapping[str, str]) -> ResponseMode | None:
    """Return the requested mode, or else the default of the response type. None if the value is unknown."""
    default = default_mode(given.get("response_type", ""))
    asked = given.get("response_mode", default)
    if asked == JWT:
        return ResponseMode(f"{default}.{JWT}")
    return ResponseMode(asked) if asked in set(ResponseMode) else None


def default_mode(response_type: str) -> ResponseMode:
    """Return the default mode of a response type: the query also for one that is missing or unknown."""
    return ResponseMode.FRAGMENT if {ID_TOKEN, TOKEN} & set(response_type.split(" ")) else ResponseMode.QUERY
