"""Tests that try many values in one world: to set one up for each would take longer than all of them."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

Test = Callable[..., None]


def in_one_world(names: str | tuple[str, ...], values: Iterable[Any]) -> Callable[[Test], Test]:
    """Like `pytest.mark.parametrize`, but the values are tried one after the other by one test, with the same fixtures.

    For what leaves nothing behind that could matter to the next value: what is refused, or only read.
    """
    several = names if isinstance(names, tuple) else tuple(name.strip() for name in names.split(","))
    listed = list(values)
    assert listed, "no values"

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)

        @wraps(test)
        def tried(*positional: Any, **fixtures: Any) -> None:
            for value in listed:
                given = dict(zip(several, value if len(several) > 1 else (value,), strict=True))
                try:
                    test(*positional, **fixtures, **given)
                except BaseException as error:
                    error.add_note(f"with {given!r}"[:1000])
                    raise

        kept = [parameter for name, parameter in signature.parameters.items() if name not in several]
        tried.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return tried

    return decorate
