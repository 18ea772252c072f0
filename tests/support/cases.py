"""One test of many cases that share what takes long to set up: a report of every case that fails, not of the first."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Case = Callable[..., AbstractContextManager[None]]
"""`with each(path, method): ...` is one case, under this name."""


@contextmanager
def all_of_them() -> Iterator[Case]:
    """Run cases one after the other. At the end, fail with the assertions of those that failed, if any did.

    An error that is no assertion ends the test at once. A case must not depend on the ones before it.
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

    yield case
    assert ran, "there is no case"
    assert not failed, f"{len(failed)} of {ran} cases fail:\n" + "\n".join(failed)
