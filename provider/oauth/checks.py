"""The checks of one protocol request, in order: what each expected, what came, where the specification says so.

They are kept only if the request is refused, under the id that the answer shows: `signet explain ID`.
"""

from dataclasses import dataclass, field

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.base import invalid_error_characters

SHOWN = 120
"""How much of a value is kept."""


@dataclass(frozen=True)
class Check:
    name: str
    section: str
    expected: str
    got: str
    passed: bool
    fix: str = ""


@dataclass
class Checks:
    """Made by the endpoint, handed down to whatever checks. `client_id` and `endpoint` say whose request it was."""

    endpoint: str
    client_id: str | None = None
    done: list[Check] = field(default_factory=list)

    def require(
        self,
        passed: object,
        name: str,
        *,
        section: str,
        error: type[OAuth2Error],
        description: str | None = None,
        expected: str = "yes",
        got: object = "",
        fix: str = "",
    ) -> None:
        """Note the check; raise `error` when it failed. `got` must hold no secret: shorten, count or omit it."""
        text = "yes" if passed and expected == "yes" else str(got)
        if len(text) > SHOWN:
            text = text[:SHOWN] + "..."
        self.done.append(Check(name, section, expected, text, bool(passed), fix))
        if not passed:
            refused = error(description=ascii_description(description or f"{name}: failed"))
            refused.checks = self
            raise refused


def ascii_description(text: str) -> str:
    """Only what RFC 6749 section 5.2 allows in an error_description."""
    bad = set(invalid_error_characters(text))
    return "".join("?" if character in bad else character for character in text)[:300]
