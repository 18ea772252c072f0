"""The users to whose accounts an application has access."""

from dataclasses import dataclass
from datetime import datetime

from provider.oauth.authorize.store import consents
from provider.oauth.authorize.store.consents import Consent
from provider.oauth.tokens.store import active_grants
from provider.oauth.tokens.store.active_grants import Held
from provider.work import UnitOfWork


@dataclass(frozen=True)
class AppUser:
    """A user to whose account an application has access."""

    user_id: str
    scopes: list[str]
    granted_at: datetime | None
    """When the user consented. None if there is no stored consent."""
    families: int
    last_used: datetime | None


def find_users(work: UnitOfWork, client_id: str, *, after: str | None, limit: int) -> tuple[list[AppUser], str | None]:
    """Return a page of the users to whose accounts the application has access, in the order of their ids, and the id
    after which the next page begins.
    """
    consented = consents.find_users(work.read, client_id, after=after, limit=limit + 1)
    with_tokens = active_grants.find_users(work.read, client_id, after=after, limit=limit + 1, now=work.now)
    found = sorted({*consented, *with_tokens})
    shown, further = found[:limit], found[limit - 1] if len(found) > limit else None
    granted = consents.find_of_client(work.read, client_id, shown)
    held = active_grants.find_holders(work.read, client_id, shown, now=work.now)
    return [_app_user(user_id, granted.get(user_id), held.get(user_id)) for user_id in shown], further


def _app_user(user_id: str, one: Consent | None, use: Held | None) -> AppUser:
    return AppUser(
        user_id=user_id,
        scopes=list(dict.fromkeys([*(one.scopes if one else ()), *(use.scopes if use else ())])),
        granted_at=one.granted_at if one else None,
        families=use.families if use else 0,
        last_used=use.last_used if use else None,
    )
