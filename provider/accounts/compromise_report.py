"""A user reports that another person used the account: "this was not me"."""

from dataclasses import dataclass

from provider.accounts.access import Cause, end_access
from provider.accounts.email.home_realms import find_home_realm
from provider.accounts.links import issue_link
from provider.accounts.passwords.directories import find_directory_user
from provider.accounts.passwords.password_reset import MAY_RESET
from provider.accounts.store import email_addresses, linked_identities, passwords, users
from provider.accounts.store.links import Purpose
from provider.audit.events import Event
from provider.audit.log import record
from provider.mail import messages
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Plan:
    """The effect of a report on the ways to sign in, and the way back for the user."""

    emails_link: bool
    """Whether the user gets a link to set a new password."""
    provider: str | None = None
    """The name of the directory or upstream provider that decides about the user's password, if one does."""
    kept: frozenset[str] = frozenset()
    """The IDs of the user's identities there, which stay linked."""
    unlinks: bool = False
    """Whether other identities are unlinked."""

    @property
    def has_way_back(self) -> bool:
        return self.emails_link or self.provider is not None


def plan_report(work: UnitOfWork, *, user_id: str, normal: str | None) -> Plan:
    """Return what a report of this user would do. `normal` is the user's address, in normal form, if there is one."""
    theirs, realm = find_directory_user(work, user_id), find_home_realm(work, normal or "")
    home = realm if realm is not None and realm.is_required else None
    held = linked_identities.find_of_user(work.read, user_id)
    if theirs is None and home is None:
        emails_link = normal is not None and work.settings.has("reset-passwords")
        return Plan(emails_link, unlinks=emails_link and bool(held))
    upstreams = work.installation.upstreams
    kept = {
        one.id
        for one in held
        if upstreams.directory_of_issuer(one.issuer) is not None
        or (home is not None and upstreams.key_of_issuer(one.issuer) == home.key)
    }
    decides = theirs.directory if theirs is not None else home
    provider = None if decides is None else decides.name
    return Plan(False, provider, frozenset(kept), unlinks=len(kept) < len(held))


def report(work: UnitOfWork, *, user_id: str) -> Plan:
    """End all access and remove the password. Returns what was done.

    An email with a link lets the user set a new password, unless the account is suspended. If a directory or an
    upstream provider decides about the password, the email says so instead, and the identity there stays linked.
    Without an address, or where passwords cannot be reset by email, the password and linked identities stay. Otherwise
    the user would have no way back. Two-factor authentication stays on.
    """
    address, user = email_addresses.find_of_user(work.db, user_id), users.find(work.db, user_id)
    plan = plan_report(work, user_id=user_id, normal=None if address is None else address.normal)
    cause = Cause.COMPROMISE_REPORTED if plan.has_way_back else Cause.COMPROMISE_REPORTED_NO_RESET
    end_access(work, user_id=user_id, cause=cause, but_identities=plan.kept)
    record(work, Event.COMPROMISE_REPORTED, user_id=user_id)
    if not plan.has_way_back:
        return plan
    passwords.remove(work.db, user_id)
    if address is None or user is None or user.status not in MAY_RESET:
        return plan
    if plan.provider is not None:
        messages.password_elsewhere(work, to=address.address, provider=plan.provider, language=user.language)
    else:
        link = issue_link(work, purpose=Purpose.RESET, address=address)
        messages.account_secured(work, to=address.address, token=link.token)
    return plan
