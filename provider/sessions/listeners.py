"""The applications to notify when a session ends (OpenID Connect Back-Channel Logout 1.0 section 2.3).

Only `lifecycle` uses this, in the transaction that ends the session. It notifies each application that got a grant in
the session and has a `backchannel_logout_uri`. Each gets a message of its own, so that none delays the others.
"""

from sqlalchemy import JSON, column, select, table

from provider.database.types import Identifier, UtcTime
from provider.outbox import messages
from provider.outbox.topics import Topic
from provider.work import UnitOfWork

# Grants and clients are oauth's and sit above this one, so they are named here without an import.
_grants = table("grants", column("session_id", Identifier), column("client_id"))
_clients = table("clients", column("client_id"), column("metadata", JSON), column("disabled_at", UtcTime))
_LISTENING = (
    select(_grants.c.session_id, _grants.c.client_id)
    .distinct()
    .join(_clients, _clients.c.client_id == _grants.c.client_id)
    .where(
        _clients.c.disabled_at.is_(None),
        _clients.c.metadata["backchannel_logout_uri"].as_string().is_not(None),
    )
)


def notify_clients(work: UnitOfWork, *, user_id: str, ended: list[str]) -> None:
    """Queue a logout notification for each application that must be notified.

    They are looked up now, because the account may be deleted a moment later.
    """
    for session_id, client_id in work.db.execute(_LISTENING.where(_grants.c.session_id.in_(ended))).all():
        payload = {"client_id": client_id, "user_id": user_id, "session_id": session_id}
        messages.enqueue(work, Topic.LOGOUT, payload, about=f"logout to {client_id}, session {session_id}")
