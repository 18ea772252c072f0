"""What is known about each member of client metadata beside its type and its default. Pure.

`metadata` declares every member with one of these functions. Registration, the console, the admin API and the rules
read what they need from there.
"""

from dataclasses import dataclass, field
from typing import Any, TypedDict, TypeVar, Unpack

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Member:
    """The facts about one member."""

    is_registrable: bool
    """Whether clients may set it when they register themselves (RFC 7591). Others are for operators only."""
    is_policy: bool = False
    """Whether operators restrict a client with it: then it stays when the client updates its registration."""
    free: Any = None
    """The value of a policy that restricts nothing."""
    choices: tuple[str, ...] = ()
    """The values to choose from. Empty: another rule decides what is valid."""
    most: int = 20
    """The largest number of values, if it is a list."""
    items: str = "values"
    """What the values of a list are called in an error."""


class Facts(TypedDict, total=False):
    """The facts that are given with a declaration (`Member`)."""

    choices: tuple[str, ...]
    most: int
    items: str


def registrable(default: Value, **facts: Unpack[Facts]) -> Value:
    """Declare a member that clients may set when they register themselves."""
    return _declare(default, Member(is_registrable=True, **facts))


def granted(default: Value, **facts: Unpack[Facts]) -> Value:
    """Declare a member with which only operators give a client something: a client that registers or updates itself has
    its default.
    """
    return _declare(default, Member(is_registrable=False, **facts))


def restricted(default: Value, *, free: Value, **facts: Unpack[Facts]) -> Value:
    """Declare a member with which only operators restrict a client: `free` restricts nothing, and any other value stays
    when the client updates itself.
    """
    return _declare(default, Member(is_registrable=False, is_policy=True, free=free, **facts))


def _declare(default: Value, member: Member) -> Value:
    declared: Any = field(default=default, metadata={"member": member})
    return declared  # type: ignore[no-any-return]  # a dataclass turns it into the default
