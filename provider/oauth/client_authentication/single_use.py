"""JWTs that are accepted once: assertions of clients, and of trusted issuers about users (RFC 7523 section 3)."""

from datetime import datetime

from provider.crypto.digests import digest
from provider.oauth.client_authentication import store as used_assertions
from provider.work import UnitOfWork


def use_up(work: UnitOfWork, *, issuer: str, jti: str, expires_at: datetime) -> bool:
    """Use up a JWT before the first ordinary write, whatever becomes of the request (A-39). Returns whether it is new.

    `issuer` is who chooses the `jti`. The JWT is not accepted from `expires_at` on. On PostgreSQL this is one statement
    that commits itself, as for DPoP proofs.
    """
    if work.installation.database.is_sqlite:
        with work.aside() as db:
            return used_assertions.spend(db, issuer=issuer, jti=digest(jti), expires_at=expires_at, now=work.now)
    return used_assertions.spend(work.autocommit, issuer=issuer, jti=digest(jti), expires_at=expires_at, now=work.now)
