"""Password hashes that moved here: which are accepted, and signing in with them until they are replaced.

A hash of another system is stored encrypted beside a bcrypt hash that no password has. The first sign-in with the right
password replaces both with a hash of our own.
"""

import time

from provider.accounts.store.passwords import StoredPassword
from provider.config.settings import Settings
from provider.crypto.foreign_hashes import CostlyHash, InvalidHash, parse_hash
from provider.crypto.passwords import cost_of, decoy, is_decoy, is_own_hash, new_decoy
from provider.crypto.passwords import is_password as is_password_of_hash
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import UnitOfWork

PURPOSE = "imported-password"
LEAST_COST = 4
"""The lowest work factor of bcrypt."""
PROBE = 3
"""How many steps below our own the work factor is whose time is measured."""


class UnsupportedHash(Refusal):
    """A password hash that Signet cannot check. The message says why, and never has a part of the hash."""

    code = "unsupported-password-hash"


def require_known_hash(settings: Settings, hashed: str) -> None:
    """Check that a hash is one of Signet's own or one of another system that it can check. Raises UnsupportedHash.

    The cost of our own may not exceed that of this installation: checking it would take longer than checking an unknown
    account. Those of other systems have bounds of their own (`foreign_hashes`).
    """
    if hashed.startswith("$2"):
        _require_own(settings, hashed)
        return
    try:
        parse_hash(hashed)
    except CostlyHash as costly:
        raise UnsupportedHash(
            Text("This password hash would take too long to check (%(why)s).", why=str(costly))
        ) from None
    except InvalidHash:
        raise UnsupportedHash(Text("This password hash is malformed, or its scheme is not supported.")) from None


def _require_own(settings: Settings, hashed: str) -> None:
    if not is_own_hash(hashed):
        raise UnsupportedHash(
            Text(
                "This password hash is not supported. $2b$... is a hash that Signet created. "
                "Write %(prefix)s before a bcrypt hash of another system.",
                prefix="{bcrypt}",
            )
        )
    if cost_of(hashed) > settings.bcrypt_cost:
        raise UnsupportedHash(
            Text(
                "This password hash has a cost of %(cost)s, and SIGNET_BCRYPT_COST is %(most)s. Raise the setting.",
                cost=cost_of(hashed),
                most=settings.bcrypt_cost,
            )
        )


def stored_hash(work: UnitOfWork, user_id: str, hashed: str) -> StoredPassword:
    """Return what to store for a hash that `require_known_hash` accepts."""
    if hashed.startswith("$2"):
        return StoredPassword(hashed)
    sealed = work.vault.encrypt(hashed.encode(), purpose=PURPOSE, context=user_id)
    return StoredPassword(new_decoy(work.settings.bcrypt_cost), sealed)


def imported_hash(stored: StoredPassword | None) -> str | None:
    """Return the imported hash of a user, encrypted, if it counts.

    It does only beside a hash that no password has: a node of an earlier release, which does not know of it, replaces
    that one when the user chooses a new password.
    """
    return stored.imported if stored is not None and is_decoy(stored.hash) else None


def is_password(work: UnitOfWork, user_id: str, sealed: str, password: str) -> bool:
    """Return whether the imported hash is of this password.

    A wrong one takes as long as one for an unknown account, unless the check alone takes longer.
    """
    hashed = parse_hash(work.vault.decrypt(sealed, purpose=PURPOSE, context=user_id).decode())
    began = time.perf_counter()
    if hashed.is_of(password):
        return True
    _spend_the_rest(time.perf_counter() - began, cost=work.settings.bcrypt_cost)
    return False


def _spend_the_rest(seconds: float, *, cost: int) -> None:
    """Do what is missing to a check with our work factor, after this many seconds of work.

    The speed of this machine at this moment is measured with a part of it.
    """
    probe = max(LEAST_COST, cost - PROBE)
    began = time.perf_counter()
    is_password_of_hash("", decoy(probe))
    unit = time.perf_counter() - began
    for missing in missing_costs(seconds / unit * 2**probe, probe=probe, cost=cost):
        is_password_of_hash("", decoy(missing))


def missing_costs(done: float, *, probe: int, cost: int) -> list[int]:
    """Return the work factors, at most one check of each, that add up to what is missing to a check of `cost` after
    `done` rounds and a check of `probe`.
    """
    rest = 2**cost - done - 2**probe
    costs = []
    for step in range(cost - 1, LEAST_COST - 1, -1):
        if rest >= 2**step:
            costs.append(step)
            rest -= 2**step
    return costs
