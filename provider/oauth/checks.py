"""The checks of one protocol request, in order: what each expected, what was sent, and its section in the
specification.

They are stored only if the request is rejected, under the id that the response shows: `signet explain ID`.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn, Required, TypedDict, TypeVar, Unpack

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.base import invalid_error_characters

T = TypeVar("T")

SHOWN = 120
"""How many characters of a value are stored."""
FIND_CLIENT = (
    "Check client_id. `signet client list` lists the registered clients, and `signet client enable CLIENT_ID` enables "
    "a disabled one."
)
ONE_CLIENT = "Remove client_id from the body, or send that of the client that authenticates."
ADD_GRANT = (
    "Use a registered grant type, or register this one: `signet client update CLIENT_ID --grant GRANT_TYPE`, once for "
    "each grant type the client needs."
)
WIDEN_SCOPE = (
    "Request only registered scopes, or register more: `signet client update CLIENT_ID --scope SCOPES`, with every "
    "scope the client needs."
)


class Detail(TypedDict, total=False):
    """The details an explanation gives about a check, and the error that is raised if the check fails."""

    section: Required[str]
    """The section of the specification that requires the check."""
    error: Required[type[OAuth2Error]]
    description: Required[str]
    """The `error_description` of the response. It must contain no secret, and values only by `with_value`."""
    expected: Required[str]
    got: Required[object]
    """The value that was sent instead, if the check fails. It must contain no secret: shorten, count or omit it."""
    fix: Required[str]
    """What the developer or operator can do about it."""
    scope: str
    """The scope that an access token lacks, for the challenge (RFC 6750 section 3)."""


class Check(NamedTuple):
    """A check that a request passed or failed. Its texts are made when they are shown: most requests pass every one."""

    name: str
    passed: bool
    detail: Detail

    @property
    def got(self) -> str:
        got = "as expected" if self.passed else str(self.detail["got"])
        return got if len(got) <= SHOWN else got[:SHOWN] + "..."


@dataclass
class Checks:
    """The checks of one request, passed to every function that checks something.

    `endpoint` and `client_id` name the request in the explanation.
    """

    endpoint: str
    client_id: str | None = None
    noted: list[tuple[str, bool, Detail]] = field(default_factory=list)
    """The fields of each `Check`. Most requests pass every check, and then none is made."""

    @property
    def done(self) -> list[Check]:
        """The checks so far, in order. Only the last one can have failed."""
        return [Check(*fields) for fields in self.noted]

    def require(self, passed: object, name: str, **detail: Unpack[Detail]) -> None:
        """Note the check; raise its `error` if it failed."""
        if not passed:
            self.refuse(name, **detail)
        self.noted.append((name, True, detail))

    def found(self, value: T | None, name: str, **detail: Unpack[Detail]) -> T:
        """Note the check that there is a value, and return the value. Raises the `error` of the check for None."""
        if value is None:
            self.refuse(name, **detail)
        self.noted.append((name, True, detail))
        return value

    def refuse(self, name: str, **detail: Unpack[Detail]) -> NoReturn:
        """Note a check that failed, and raise its `error`."""
        self.noted.append((name, False, detail))
        refused = detail["error"](description=ascii_description(detail["description"]))
        refused.checks = self
        if "scope" in detail:
            refused.scope = detail["scope"]
        raise refused


def with_value(name: str, value: str) -> str:
    """Return the name of a parameter and its value, for an `error_description`.

    A value with spaces is left out: a link could otherwise put a sentence on the error page of an app. Not for URIs,
    which would lead elsewhere.
    """
    return f"{name} '{value}'" if _QUOTABLE.fullmatch(value) else name


_QUOTABLE = re.compile(r"[!-~]{1,200}")


def ascii_description(text: str) -> str:
    """Return the text with a question mark for each character not allowed in an error_description.

    The allowed characters are those of RFC 6749 section 5.2. At most 300 characters are returned.
    """
    bad = set(invalid_error_characters(text))
    return "".join("?" if character in bad else character for character in text)[:300]
