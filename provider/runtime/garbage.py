"""When Python looks for garbage.

Loading modules creates many objects and hardly any garbage. Looking for it takes a tenth to a quarter of the time that
a command or a service needs to start.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

USUAL = gc.get_threshold()
RARELY = 50_000
"""The number of new objects after which a short command looks for garbage."""


def collect_rarely() -> None:
    """Look for garbage rarely: for a process that starts, and soon ends."""
    gc.set_threshold(RARELY, *USUAL[1:])


def collect_later() -> None:
    """Look for no garbage until `keep_what_exists`: for a process that starts, and runs until it is stopped."""
    gc.disable()


def keep_what_exists() -> None:
    """Never look at the objects again that exist by now, and from now on look for garbage as often as Python does.

    The collector writes to every object that it looks at. So before processes are forked this also lets them share
    the memory of their parent.
    """
    gc.freeze()
    gc.set_threshold(*USUAL)
    gc.enable()


@contextmanager
def collect_afterwards() -> Iterator[None]:
    """Look for no garbage within this: for a process that is not ours and loads our modules."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
