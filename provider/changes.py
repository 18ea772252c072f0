"""What a change of settings changes: compared member by member, shown on pages, and recorded in the audit log."""

import operator
from collections.abc import Callable, Mapping
from typing import Any


class Changes(dict[str, tuple[Any, Any]]):
    """The members that differ: name to (value before, value after)."""

    @property
    def before(self) -> dict[str, Any]:
        """The values before the change, as JSON has them."""
        return {name: _plain(value) for name, (value, _) in self.items()}

    @property
    def after(self) -> dict[str, Any]:
        """The values after the change, as JSON has them."""
        return {name: _plain(value) for name, (_, value) in self.items()}

    def as_details(self) -> dict[str, Any]:
        """Return the details of an audit event about the change: `changed`, `before` and `after`."""
        return {"changed": list(self), "before": self.before, "after": self.after}


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, same: Callable[[Any, Any], bool] = operator.eq
) -> Changes:
    """Return the members that differ. One that is missing counts as None. Dataclasses are compared by their `vars`.

    `same` says whether two values are the same. For values that are JSON it is `json_objects.is_same`: Python takes 1
    and true for equal.
    """
    names = [*after, *(name for name in before if name not in after)]
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return Changes({name: pair for name, pair in pairs.items() if not same(*pair)})


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
