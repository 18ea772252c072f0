"""Counters for the operators' overview, in memory, with or without metrics.

The module `audit.hourly` stores them once a minute. Counts that a killed process had not handed over are lost: these
numbers are only an overview.
"""

import threading
from collections import Counter
from collections.abc import Mapping

SIGNED_IN, SIGN_IN_REFUSED = "sign_in.done", "sign_in.refused"
TOKENS_ISSUED, TOKENS_REFUSED = "token.issued", "token.refused"
MAIL_SENT, MAIL_FAILED = "mail.sent", "mail.failed"

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def count(name: str) -> None:
    with _lock:
        _counts[name] += 1


def take() -> dict[str, int]:
    """Return all counts since the last call, by name, and reset them."""
    with _lock:
        taken = dict(_counts)
        _counts.clear()
    return taken


def give_back(counts: Mapping[str, int]) -> None:
    """Add counts back that were taken and could not be stored."""
    with _lock:
        _counts.update(counts)
