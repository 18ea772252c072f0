"""The names of operators in the audit log, in stored jobs and in what acts on another account."""

from dataclasses import dataclass
from enum import StrEnum


class OperatorKind(StrEnum):
    USER = "user"
    CLIENT = "client"  # that acts for itself
    COMMAND = "signet"  # what a command of this installation does by itself, such as `signet doctor`


@dataclass(frozen=True)
class OperatorName:
    """The name of an operator. It outlives the user or the client. As text: `user ID`, `client ID` or `signet ID`."""

    kind: OperatorKind
    id: str

    @classmethod
    def user(cls, user_id: str) -> "OperatorName":
        """Return the name of a user, also of one who uses the admin API through a client."""
        return cls(OperatorKind.USER, user_id)

    @classmethod
    def client(cls, client_id: str) -> "OperatorName":
        """Return the name of a client that acts for itself."""
        return cls(OperatorKind.CLIENT, client_id)

    @classmethod
    def parse(cls, text: str) -> "OperatorName":
        """Return the operator of this text. Raises ValueError if it names none."""
        kind, _, name = text.partition(" ")
        if not name:
            raise ValueError(f"no operator: {text!r}")
        return cls(OperatorKind(kind), name)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
