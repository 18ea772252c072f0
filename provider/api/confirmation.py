"""The confirm-password ("sudo") window of the account API, one for each token family.

The window is open for SIGNET_RECENT_SIGN_IN after the sign-in the token came from, or after confirm-password, whichever
is later. A confirmation in an app counts only for the app's own session: the user's browser session and its cookie do
not change.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from provider.accounts.factors import second_factor
from provider.api.callers import Bearer
from provider.api.problems import ConfirmationNeeded, SecondFactorNeeded
from provider.crypto.digests import digest, new_opaque
from provider.database.base import new_id
from provider.oauth.first_party import store as own_sessions
from provider.sessions import store
from provider.sessions.store import Session
from provider.work import UnitOfWork

NEVER = datetime.fromtimestamp(0, UTC)
"""The `auth_time` of a session without any proof of authentication yet."""


@dataclass(frozen=True)
class Proof:
    """The time and method of the user's last authentication to this app. `at` is None when it no longer counts."""

    at: datetime | None
    amr: str

    def expires_at(self, work: UnitOfWork) -> datetime | None:
        return None if self.at is None else self.at + work.settings.recent_sign_in

    def is_recent(self, work: UnitOfWork) -> bool:
        expires_at = self.expires_at(work)
        return expires_at is not None and work.now <= expires_at


def latest_proof(work: UnitOfWork, bearer: Bearer) -> Proof:
    own = own_sessions.find(work.read, bearer.grant.id)
    if own is None:
        return Proof(bearer.grant.auth_time, bearer.grant.amr)
    # One that ended (too many wrong codes, or from another device) took what it had proved along.
    return Proof(own.auth_time if _is_recent(work, own) and own.auth_time != NEVER else None, own.amr)


def require_confirmed(work: UnitOfWork, bearer: Bearer) -> Session:
    """Return the app's own session if the window is open. If the user has two-factor authentication, both factors are
    needed.

    Raises ConfirmationNeeded or SecondFactorNeeded. Call it before the first ordinary write.
    """
    proof = latest_proof(work, bearer)
    max_age = int(work.settings.recent_sign_in.total_seconds())
    if not second_factor.has_every_factor(work, bearer.user_id, proof.amr):
        raise SecondFactorNeeded(max_age)
    if not proof.is_recent(work):
        raise ConfirmationNeeded(max_age)
    return own_session(work, bearer)


def find_own_session(work: UnitOfWork, bearer: Bearer) -> Session | None:
    """Return the app's own session while it is active, or None."""
    own = own_sessions.find(work.read, bearer.grant.id)
    return own if own is not None and _is_recent(work, own) else None


def _is_recent(work: UnitOfWork, own: Session) -> bool:
    return own.ended_at is None and own.expires_at > work.now


def own_session(work: UnitOfWork, bearer: Bearer) -> Session:
    """Return the app's own session, created when first needed. It takes its `auth_time` from the sign-in the token came
    from. A session that replaces an ended one has no proof of authentication yet.
    """
    own = own_sessions.find(work.read, bearer.grant.id)
    if own is not None and _is_recent(work, own):
        return own
    grant = bearer.grant
    made = Session(
        id=new_id(),
        digest=digest(new_opaque()),  # of a value nobody has: no cookie leads here
        user_id=grant.user_id,
        created_at=work.now,
        auth_time=grant.auth_time if own is None else NEVER,
        amr=grant.amr,
        pending=None,
        pending_until=None,
        last_seen=work.now,
        expires_at=work.now + work.settings.session_absolute_lifetime,
        network=work.origin.network,
        user_agent=work.origin.user_agent,
        ended_at=None,
        end_reason=None,
        security_stamp=grant.security_stamp,
    )
    with work.aside() as db:
        store.add(db, made)
        own_sessions.put(db, grant.id, made.id)
    return made
