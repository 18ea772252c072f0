"""How Signet is loaded into the process of the tests: quickly, and without a lasting change to the process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from provider.garbage import collect_afterwards

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


@contextmanager
def quickly() -> Iterator[None]:
    """Load modules without looking for garbage, and without plugins of pydantic. To find plugins, pydantic would read
    the metadata of every installed package, and Signet uses none.
    """
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
