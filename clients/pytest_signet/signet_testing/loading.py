"""How Signet is loaded into the process of the tests: quickly, and without a lasting change to the process."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from provider.runtime.garbage import collect_afterwards

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
_alone = threading.RLock()
"""Held while the environment is changed. A thread that came meanwhile would take the change for the earlier value, and
put it back last.
"""


@contextmanager
def quickly() -> Iterator[None]:
    """Load modules without looking for garbage, and without plugins of pydantic. To find plugins, pydantic would read
    the metadata of every installed package, and Signet uses none.
    """
    with _alone:
        before = os.environ.get(PLUGINS)
        os.environ[PLUGINS] = "1"
        try:
            with collect_afterwards():
                yield
        finally:
            if before is None:
                del os.environ[PLUGINS]
            else:
                os.environ[PLUGINS] = before
