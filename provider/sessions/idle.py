"""How long a session lasts without being used: one that is kept after the browser closes lasts longer."""

from provider.sessions.store import IdleSince
from provider.work import UnitOfWork


def idle_since(work: UnitOfWork) -> IdleSince:
    """Return when a session that is idle now was last used. With SIGNET_KEEP_SIGNED_IN_DAYS=0 all are the same."""
    settings = work.settings
    usual = work.now - settings.session_idle_lifetime
    if not settings.keep_signed_in_days:
        return IdleSince(usual, usual)
    return IdleSince(usual, min(usual, work.now - settings.kept_session_idle_lifetime))
