"""What the declarations of operators have in common: attributes of users, claim mappings, and types of authorization
details.

Each kind is a dataclass that inherits from `Declared`. The row that stores it has members of the same names.
"""

from dataclasses import dataclass, fields
from typing import Self

from provider.changes import Changes, differences
from provider.jose.json_objects import is_same
from provider.refusals import Refusal


class InvalidDeclaration(Refusal):
    """An invalid declaration. `member` is the member that is wrong. Each kind has its own code."""

    code = "invalid-declaration"

    def __init__(self, member: str, problem: object) -> None:
        self.member = member
        super().__init__(f"{member}: {problem}")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The base of a declaration."""

    @classmethod
    def of(cls, row: object) -> Self:
        """Return the declaration that a row stores."""
        return cls(**{member.name: getattr(row, member.name) for member in fields(cls)})

    def differences(self, wanted: Self) -> Changes:
        """Return what `wanted` changes. Values are compared as JSON: a schema may turn from 1 to true."""
        return differences(vars(self), vars(wanted), same=is_same)
