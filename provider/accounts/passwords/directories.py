"""Accounts whose passwords a directory checks (LDAP, Active Directory): which they are, and what it says of them.

`federation.directories` asks the servers. An account belongs to a directory if an identity there is linked to it. A
password that is stored here opens nothing then.
"""

from dataclasses import dataclass
from typing import Any

from provider.accounts.email.email_addresses import Address
from provider.accounts.store import linked_identities, passwords
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.saved_settings.upstreams import PasswordDirectory
from provider.work import UnitOfWork


class DirectoryDenied(Refusal):
    """The directory lets this user not sign in. Raised only after the right password. `reason` is for the audit log."""

    code = "directory-denied"
    status_code = 403
    title = Text("You can't sign in")

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True)
class DirectoryUser:
    """A user of a directory: the one that an account is linked to, or the one with an address that was typed."""

    directory: PasswordDirectory
    subject: str | None
    """The user's ID in the directory, if an account is linked to it."""

    @property
    def is_only(self) -> bool:
        """Whether only the password of the directory counts, and none that is stored here."""
        return self.subject is not None or self.directory.is_required

    def check(self, work: UnitOfWork, password: str, *, email: str) -> Any:
        """Return what the directory says about the user if that is the password, else None. Raises Unavailable or
        DirectoryDenied.
        """
        if self.subject is None:
            return self.directory.check(work, password, email=email)
        return self.directory.check(work, password, subject=self.subject)


def find_directory_user(work: UnitOfWork, user_id: str | None) -> DirectoryUser | None:
    """Return the user of a directory that this account is linked to, or None."""
    upstreams = work.installation.upstreams
    if user_id is None or not upstreams.has_directories():
        return None
    for identity in linked_identities.find_of_user(work.read, user_id):
        if (directory := upstreams.directory_of_issuer(identity.issuer)) is not None:
            return DirectoryUser(directory, identity.subject)
    return None


def find_directory_at(work: UnitOfWork, address: Address | None) -> DirectoryUser | None:
    """Return the user with this address of the directory that its domain belongs to, or None. It may not exist."""
    directory = None if address is None else work.installation.upstreams.directory_of_domain(address.domain)
    return None if directory is None else DirectoryUser(directory, None)


def has_password(work: UnitOfWork, user_id: str) -> bool:
    """Return whether the user can sign in with a password, whether it is stored here or in a directory."""
    return passwords.find(work.read, user_id) is not None or find_directory_user(work, user_id) is not None
