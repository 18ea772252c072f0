"""Values that a package stores on a call, so that it need not compute them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from provider.web.call import Call

T = TypeVar("T")


class CallValue(Generic[T]):
    """The key of one value of type `T` in `Call.state`. Each key is a constant of the module that uses it.

    A value stays when the call is answered again in another thread (see `work.NeedsNetwork`).
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def is_on(self, call: Call) -> bool:
        """Return whether a value is stored, even if it is None."""
        return self._name in call.state

    def of(self, call: Call) -> T:
        """Return the value. Raises KeyError if none is stored."""
        value: T = call.state[self._name]
        return value

    def put(self, call: Call, value: T) -> None:
        """Store this value, replacing an earlier one."""
        call.state[self._name] = value

    def drop(self, call: Call) -> None:
        """Remove the value, if one is stored."""
        call.state.pop(self._name, None)
