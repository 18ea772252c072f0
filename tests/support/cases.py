"""One test of many cases that share what takes long to set up. It reports every case that fails, not only the first."""

import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any

Test = Callable[..., None]

Case = Callable[..., AbstractContextManager[None]]
"""`with each(path, method): ...` is one case, under this name."""


@contextmanager
def all_of_them() -> Iterator[Case]:
    """Run cases one after the other. At the end, fail with the assertions of those that failed, if any did.

    Another error than an assertion ends the test, with a note that names the case. No case may depend on those before.
    """
    failed: list[str] = []
    ran = 0

    @contextmanager
    def case(*name: object) -> Iterator[None]:
        nonlocal ran
        ran += 1
        try:
            yield
        except AssertionError as error:
            line = traceback.extract_tb(error.__traceback__)[-1]
            failed.append(f"{' '.join(map(str, name))} (line {line.lineno}): {error}")
        except BaseException as error:
            error.add_note(f"in the case {' '.join(map(str, name))}")
            raise

    yield case
    assert ran, "there is no case"
    assert not failed, f"{len(failed)} of {ran} cases fail:\n" + "\n".join(failed)


def in_one_world(names: str | tuple[str, ...], values: Iterable[Any]) -> Callable[[Test], Test]:
    """Like `pytest.mark.parametrize`, but the values are tried one after the other by one test, with the same fixtures.

    For what leaves nothing behind that could matter to the next value: what is refused, or only read.
    """
    several = names if isinstance(names, tuple) else tuple(name.strip() for name in names.split(","))
    listed = list(values)

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)

        @wraps(test)
        def tried(*positional: Any, **fixtures: Any) -> None:
            with all_of_them() as each:
                for value in listed:
                    given = dict(zip(several, value if len(several) > 1 else (value,), strict=True))
                    with each(repr(given)[:1000]):
                        test(*positional, **fixtures, **given)

        kept = [parameter for name, parameter in signature.parameters.items() if name not in several]
        tried.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return tried

    return decorate
