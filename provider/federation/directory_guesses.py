"""Guesses at the password of one user of a directory, who was found by the address that was typed.

A directory compares addresses less strictly than we do: Active Directory ignores accents and width, OpenLDAP
compatibility forms, and a user can have several addresses. Each of them would have failures of its own. So those of the
user whom the directory finds are counted too (NIST SP 800-63B section 3.2.2).
"""

from dataclasses import dataclass

from provider.accounts import throttle
from provider.accounts.store import failures
from provider.accounts.throttle import PASSWORD
from provider.refusals import TooManyRequests
from provider.work import UnitOfWork

USER = "user of a directory"


@dataclass
class Guess:
    """One guess, which is counted as soon as the directory has found its user."""

    work: UnitOfWork
    issuer: str
    counter: str | None = None
    """The subject of the counter on which it was counted."""
    is_too_many: bool = False

    def may_be_checked(self, subject: str) -> bool:
        """Count the guess as failed in advance. Returns False while the user's counter waits.

        The same guess is counted once, although several servers may be asked. There is no error, because it would show
        that the address belongs to a user.
        """
        if self.counter is None and not self.is_too_many:
            counter = self.work.vault.keyed_digest(f"{self.issuer} {subject}", purpose=USER).hex()
            try:
                throttle.reserve(self.work, PASSWORD, counter)
            except TooManyRequests:
                self.is_too_many = True
            else:
                self.counter = counter
            _ = self.work.outbound  # gives our connection back: the network comes next
        return not self.is_too_many

    def was_right(self) -> None:
        """Take it back, and the failures before it."""
        if self.counter is not None:
            with self.work.aside() as db:
                failures.reset(db, PASSWORD.kind, self.counter)

    def undo(self) -> None:
        """Take it back, because nothing checked the password. Earlier failures stay."""
        if self.counter is not None:
            with self.work.aside() as db:
                failures.release(db, PASSWORD.kind, self.counter)
