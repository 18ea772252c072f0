"""Counters for the operators' overview, in memory, with or without metrics.

The module `audit.hourly` stores them once a minute. Counts that a killed process had not handed over are lost: these
numbers are only an overview.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from provider.runtime.throw_away import is_throw_away

SIGNED_IN, SIGN_IN_REFUSED = "sign_in.done", "sign_in.refused"
TOKENS_ISSUED, TOKENS_REFUSED = "token.issued", "token.refused"
MAIL_SENT, MAIL_FAILED = "mail.sent", "mail.failed"
ACTIVE_USERS = "users.active"
"""Users by the hour of their first activity on a day (UTC). Their sum over a day is the number of active users."""
GRANT = "grant:"
"""The beginning of the names for issued tokens by grant type, which follows: `grant:refresh_token`."""
APP = "app:"
"""The beginning of the names for sign-ins by app, whose client_id follows."""
APP_GRANT = "app_grant:"
"""The beginning of the names for issued tokens by grant type and app, which follow: `app_grant:refresh_token:shop`."""
KEY_USE = "key_use:"
"""The beginning of the names for uses of a signing key, followed by its kid, the kind of use, and by whom:
`key_use:KID:access_token:shop`.
"""

_counts: Counter[str] = Counter()
_active: set[str] = set()
_lock = threading.Lock()


def short_grant(grant_type: str) -> str:
    """Return the grant type as the names of counters have it: of a URN, its last part."""
    return grant_type.rpartition(":")[2]


def tokens_of_app(client_id: str, grant_type: str) -> str:
    """Return the name of the counter for tokens issued to an app with this grant type."""
    return f"{APP_GRANT}{short_grant(grant_type)}:{client_id}"


def use_of_key(kid: str, use: str, source: str) -> str:
    """Return the name of the counter for uses of a signing key of this kind, by a client or from a network."""
    return f"{KEY_USE}{kid}:{use}:{source}"


def count(name: str) -> None:
    if name.startswith((APP, APP_GRANT, KEY_USE)) and is_throw_away(name.rpartition(":")[2]):
        return
    with _lock:
        _counts[name] += 1


def mark_active(user_id: str) -> None:
    """Note that this user did something now: signed in, opened a page, or used an app that refreshed its tokens."""
    if is_throw_away(user_id):
        return
    with _lock:
        _active.add(user_id)


def take() -> dict[str, int]:
    """Return all counts since the last call, by name, and reset them."""
    with _lock:
        taken = dict(_counts)
        _counts.clear()
    return taken


def take_active() -> set[str]:
    """Return the ids of the users who were active since the last call, and forget them."""
    with _lock:
        taken = set(_active)
        _active.clear()
    return taken


def give_back(counts: Mapping[str, int], active: Iterable[str] = ()) -> None:
    """Add back what was taken and could not be stored."""
    with _lock:
        _counts.update(counts)
        _active.update(active)
