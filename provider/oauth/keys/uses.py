"""Who still uses signing keys: tokens of keys that sign nothing new, and copies of the key set without a key.

They are counted in memory and saved once a minute like the counts of the overview (decision 62), so a request costs no
statement. A token counts after its signature was verified, so that forged ones do not delay anything.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from provider.audit.hourly import KeyUse, find_key_uses
from provider.oauth.keys.store import SigningKeyRow, State
from provider.observability import counters
from provider.work import UnitOfWork

SHOWN_FOR = timedelta(days=1)
"""How long uses are shown."""
ACCESS_TOKEN_TYP = "at+jwt"  # noqa: S105  # RFC 9068 section 2.1


class Use(StrEnum):
    """A kind of use of a key. `audit.hourly` stores these names."""

    ACCESS_TOKEN = "access_token"  # noqa: S105
    """A valid access token: the removal of its key would reject it."""
    EXPIRED_ACCESS_TOKEN = "expired_access_token"  # noqa: S105
    """An access token that is rejected with or without its key."""
    ID_TOKEN = "id_token"  # noqa: S105
    """An ID token, as a hint: it is accepted also when its key was removed."""
    KEY_SET = "key_set"
    """A request that replaced a copy of the key set without the key."""


WAITED_FOR = {State.UPCOMING: Use.KEY_SET, State.RETIRED: Use.ACCESS_TOKEN}
"""The use that the next step of a key would break, by its status: that it signs, or that it is removed."""


def count_token(kid: str, typ: str, claims: Mapping[str, Any], *, now: datetime) -> None:
    """Count a verified token of a key that signs nothing new."""
    if typ == ACCESS_TOKEN_TYP:
        expires = claims.get("exp")
        is_live = isinstance(expires, int | float) and expires > now.timestamp()
        use, client_id = Use.ACCESS_TOKEN if is_live else Use.EXPIRED_ACCESS_TOKEN, claims.get("client_id")
    else:
        use, client_id = Use.ID_TOKEN, claims.get("aud")
    if isinstance(client_id, str) and client_id:
        counters.count(counters.use_of_key(kid, use, client_id))


def find_uses(work: UnitOfWork) -> dict[str, list[KeyUse]]:
    """Return the uses of the last day by kid, the latest first; of longer, if rotation waits for longer."""
    found: dict[str, list[KeyUse]] = {}
    for use in find_key_uses(work.read, since=work.now - max(SHOWN_FOR, work.settings.key_idle)):
        found.setdefault(use.kid, []).append(use)
    return found


def waited_for(row: SigningKeyRow, uses: Iterable[KeyUse]) -> list[KeyUse]:
    """Return those of the uses of a key that its next step waits for, the latest first."""
    wanted = WAITED_FOR.get(State(row.state))
    return [use for use in uses if use.use == wanted]
