"""The checks of one protocol request, in order: what each expected, what was sent, and its section in the
specification.

They are stored only if the request is rejected, under the id that the response shows: `signet explain ID`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn, Required, TypedDict, TypeVar, Unpack

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.base import invalid_error_characters

T = TypeVar("T")

SHOWN = 120
"""How many characters of a value are stored."""
SEND_ONCE = "Send each parameter once."
ONE_CLIENT = "Leave client_id out of the body, or send the one the client authenticates as."
ADD_GRANT = (
    "Use a registered grant type, or register this one: `signet client update CLIENT_ID --grant`, given once for each "
    "grant type the client needs."
)
WIDEN_SCOPE = (
    "Ask for registered scopes only, or register more: `signet client update CLIENT_ID --scope` with every scope the "
    "client needs."
)


class Detail(TypedDict, total=False):
    """The details an explanation gives about a check, and the error that is raised if the check fails."""

    section: Required[str]
    """The section of the specification that requires the check."""
    error: Required[type[OAuth2Error]]
    description: str
    """The `error_description` of the response. By default it is the name of the check."""
    expected: str
    got: object
    """The value that was sent instead. It must contain no secret: shorten, count or omit it."""
    fix: Required[str]
    """What the developer or operator can do about it."""


class Check(NamedTuple):
    """A check that a request passed or failed. Its texts are made when they are shown: most requests pass every one."""

    name: str
    passed: bool
    detail: Detail

    @property
    def expected(self) -> str:
        return self.detail.get("expected", "yes")

    @property
    def got(self) -> str:
        got = self.detail.get("got", "")
        text = "yes" if self.passed and (self.expected == "yes" or got in (None, "")) else str(got)
        return text if len(text) <= SHOWN else text[:SHOWN] + "..."


@dataclass
class Checks:
    """The checks of one request, passed to every function that checks something.

    `endpoint` and `client_id` name the request in the explanation.
    """

    endpoint: str
    client_id: str | None = None
    done: list[Check] = field(default_factory=list)

    def require(self, passed: object, name: str, **detail: Unpack[Detail]) -> None:
        """Note the check; raise its `error` if it failed."""
        if not passed:
            self.refuse(name, **detail)
        self.done.append(Check(name, passed=True, detail=detail))

    def found(self, value: T | None, name: str, **detail: Unpack[Detail]) -> T:
        """Note the check that there is a value, and return the value. Raises the `error` of the check for None."""
        if value is None:
            self.refuse(name, **detail)
        self.done.append(Check(name, passed=True, detail=detail))
        return value

    def refuse(self, name: str, **detail: Unpack[Detail]) -> NoReturn:
        """Note a check that failed, and raise its `error`."""
        self.done.append(Check(name, passed=False, detail=detail))
        refused = detail["error"](description=ascii_description(detail.get("description") or f"{name}: failed"))
        refused.checks = self
        raise refused


def ascii_description(text: str) -> str:
    """Return the text with a question mark for each character not allowed in an error_description.

    The allowed characters are those of RFC 6749 section 5.2. At most 300 characters are returned.
    """
    bad = set(invalid_error_characters(text))
    return "".join("?" if character in bad else character for character in text)[:300]
