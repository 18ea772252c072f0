"""How often Python looks for garbage while a command runs.

Loading modules creates many objects and hardly any garbage. With Python's usual threshold, looking for it takes a
quarter of the time of a command that starts, works for a moment and ends.
"""

import gc

USUAL = gc.get_threshold()
RARELY = 50_000
"""The number of new objects after which a short command looks for garbage."""


def collect_rarely() -> None:
    """Look for garbage rarely: for a process that starts, and soon ends."""
    gc.set_threshold(RARELY, *USUAL[1:])


def collect_as_usual() -> None:
    """Look for garbage as often as Python does: for a process that runs until it is stopped."""
    gc.set_threshold(*USUAL)
