"""Security event tokens (RFC 8417, SSF 1.0 section 4.1): made of a queued signal when it is sent, and signed then.

The `jti` and the content are the same at each attempt, as far as they do not name what changed again since.
"""

import json
from typing import Any

from provider.database.base import NOBODY
from provider.oauth.clients.clients import Client
from provider.oauth.scopes import GROUPS, ROLES, parse_scope
from provider.oauth.tokens.claims import claims_of, names_for
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import people
from provider.signals import event_types
from provider.signals.publish import PURPOSE
from provider.signals.store import known
from provider.signals.store.queue import Signal
from provider.work import UnitOfWork

TYP = "secevent+jwt"
MEDIA_TYPE = "application/secevent+jwt"


def make_set(work: UnitOfWork, server: AuthorizationServer, client: Client, signal: Signal) -> str | None:
    """Return the token of a signal, signed with RS256 (CAEP Interoperability Profile 1.0 section 2.6). It has neither
    `sub` nor `exp`. Returns None if there is nothing to tell this receiver. Raises VaultError.
    """
    stored: dict[str, Any] = json.loads(work.vault.decrypt(signal.payload, purpose=PURPOSE, context=signal.id))
    event = dict(stored["claims"])
    if stored["type"] == event_types.TOKEN_CLAIMS_CHANGE:
        changed = _changed_claims(work, client, stored["user_id"], stored["names"])
        if not changed:
            return None
        event["claims"] = changed
    claims = {
        "iss": server.issuer,
        "jti": signal.id,
        "iat": int(signal.created_at.timestamp()),
        "aud": client.client_id,
        "txn": stored.get("txn") or signal.id,
        "sub_id": _subject(work, server, client, signal, stored),
        "events": {stored["type"]: event},
    }
    return server.keys.signer(work).sign(claims, typ=TYP)


def _subject(
    work: UnitOfWork, server: AuthorizationServer, client: Client, signal: Signal, stored: dict[str, Any]
) -> dict[str, Any]:
    """Return the subject: the stream itself, an address, a user as this client knows it, or a session of one (RFC 9493,
    SSF 1.0 section 3).
    """
    user_id = stored.get("user_id")
    if user_id is None:
        return {"format": "opaque", "id": signal.stream_id}
    if stored["email"] is not None:
        return {"format": "email", "email": stored["email"]}
    session_id = stored["session_id"]
    subject = server.subjects.of_session(work, client, user_id=user_id, session_id=session_id or NOBODY)
    user = {"format": "iss_sub", "iss": server.issuer, "sub": subject.sub}
    if session_id is None:
        return user
    return {"format": "complex", "user": user, "session": {"format": "opaque", "id": subject.sid}}


def _changed_claims(work: UnitOfWork, client: Client, user_id: str, names: list[str]) -> dict[str, Any]:
    """Return the present values of the claims that changed, those that the user lets the client know. One that is gone
    is null, or an empty list.
    """
    person = people.find(work.read, user_id)
    scope = set(parse_scope(known.scope_of_user(work.read, user_id, client.client_id))) & set(client.metadata.scopes)
    told = [name for name in names if name in names_for(scope)]
    if person is None or not told:
        return {}
    empty: dict[str, Any] = {name: [] if name in {ROLES, GROUPS} else None for name in told}
    return empty | claims_of(person, told, client_id=client.client_id)
