"""Proof of work against bots (SIGNET_PROOF_OF_WORK): a form carries a puzzle that a script of ours solves.

The browser looks for the number below a limit that, after a salt, has a given SHA-256. That takes about a second, and
a bot needs as long for each form. No third party is involved. Forms without a solution, such as those of browsers
without scripts, have a stricter limit per network instead.
"""

import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum
from typing import TypedDict

from provider.accounts.factors.store import used_challenges
from provider.crypto.digests import digest
from provider.ratelimits import LIMITS, hit, of_network
from provider.work import UnitOfWork

PURPOSE = "proof-of-work"
LIFETIME = timedelta(minutes=30)
"""How long a form can stay open before its puzzle is no longer accepted."""


class Form(StrEnum):
    """The forms that carry a puzzle. A solution is valid for its own form only."""

    SIGN_UP = "sign-up"
    RESET = "reset"
    EMAIL_CODE = "email-code"
    SIGN_IN = "sign-in"


class Puzzle(TypedDict):
    """The task for the script: the number is below `below`, and SHA-256 of salt and number in decimal is `target`."""

    salt: str
    target: str
    below: int
    ticket: str


def new_puzzle(work: UnitOfWork, form: Form) -> Puzzle | None:
    """Return a puzzle for this form; None if proof of work is off.

    The ticket is encrypted: it has the number, so neither it nor the cost can be chosen by the browser.
    """
    below = work.settings.proof_of_work
    if not below:
        return None
    salt, number = secrets.token_hex(16), secrets.randbelow(below)
    target = hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
    ticket = work.vault.seal({"form": form, "number": number}, purpose=PURPOSE, now=work.now, lifetime=LIFETIME)
    return {"salt": salt, "target": target, "below": below, "ticket": ticket}


def is_solved(work: UnitOfWork, form: Form, proof: str | None) -> bool:
    """Return whether this is the solution, `ticket:number`, of a puzzle of this form, and use it up.

    Also true if proof of work is off.
    """
    if not work.settings.proof_of_work:
        return True
    ticket, _, number = (proof or "").rpartition(":")
    value = work.vault.unseal(ticket, purpose=PURPOSE, now=work.now) if ticket else None
    if value is None or value["form"] != form or str(value["number"]) != number:
        return False
    with work.aside() as db:  # before the ordinary writes, and also if the form is refused
        return used_challenges.spend(db, digest(ticket), expires_at=work.now + LIFETIME)


def require_solved(work: UnitOfWork, form: Form, proof: str | None) -> None:
    """Count a form without a solution against the stricter limit of its network. Raises TooManyRequests."""
    if not is_solved(work, form, proof):
        hit(work, LIMITS.unsolved, key=of_network(work, "unsolved"))
