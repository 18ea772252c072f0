"""How often things happened, for the operators' overview: counted in memory, whether or not there are metrics, and
taken along once a minute (`audit.hourly`). What a process had not yet handed over when it was killed is lost: these
numbers are for looking at.
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
    """All that was counted since the last time."""
    with _lock:
        taken = dict(_counts)
        _counts.clear()
    return taken


def give_back(counts: Mapping[str, int]) -> None:
    """What was taken and could not be kept."""
    with _lock:
        _counts.update(counts)
