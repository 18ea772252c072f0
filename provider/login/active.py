"""Whether an account may sign in at all. It is revealed only after the right first factor."""

from datetime import datetime

from provider.accounts.attempts import Attempt
from provider.accounts.deletion import seal_ticket
from provider.accounts.email.email_addresses import Address
from provider.accounts.email.home_realms import SignInElsewhere, require_no_home_realm
from provider.accounts.email.verification_emails import Ticket, may_write_to, send_verification, ticket_for
from provider.accounts.passwords.directories import DirectoryDenied
from provider.accounts.registration import activate_unverified
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Purpose
from provider.accounts.store.users import Status, User
from provider.accounts.timing import constant_time_response
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.login.arrival import Arrival
from provider.refusals import Refusal
from provider.work import UnitOfWork


class Suspended(Refusal):
    """The account is suspended. Raised only after the right password or an upstream sign-in."""

    code = "suspended"
    title = Text("This account is suspended")
    message = Text("This account is suspended. Contact your administrator to find out more.")


class DeletionPending(Suspended):
    """The account is waiting to be deleted. Raised only after the right first factor; `ticket` lets users keep it."""

    code = "leaving"
    title = Text("This account will be deleted")

    def __init__(self, ticket: str, delete_after: datetime) -> None:
        self.ticket = ticket
        self.delete_after = delete_after
        super().__init__(
            Text("This account will be deleted on %(day)s. Sign in on our website to keep it.", day=delete_after)
        )


class OnlyElsewhere(Suspended):
    """The user may sign in only with an upstream provider, because of the domain of the address."""

    code = "upstream-required"
    title = SignInElsewhere.title

    def __init__(self, elsewhere: SignInElsewhere) -> None:
        super().__init__(elsewhere.message)


class DeniedByDirectory(Suspended):
    """The directory of the user's organization lets the user not sign in. Raised only after the right password."""

    code = "denied-by-directory"
    title = DirectoryDenied.title

    def __init__(self, denied: DirectoryDenied) -> None:
        super().__init__(denied.message)


class UnknownUser(Refusal):
    """A user of an upstream provider has no account here, and the operator lets such users neither link nor sign up."""

    code = "unknown-user"
    status_code = 403
    title: Text

    def __init__(self, name: str) -> None:
        self.title = Text("Couldn't sign in with %(name)s", name=name)
        super().__init__(
            Text("No account here belongs to your %(name)s account. Contact your administrator.", name=name)
        )


class UnknownInDirectory(Suspended):
    """A user whom a directory knows has no account here. Raised only after the right password."""

    code = "unknown-in-directory"

    def __init__(self, name: str) -> None:
        unknown = UnknownUser(name)
        self.title = unknown.title
        super().__init__(unknown.message)


class AddressUnconfirmed(Refusal):
    """The address is not verified. Raised only after the right first factor; `ticket` opens the page for the code."""

    code = "address-unconfirmed"

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        super().__init__(Text("Confirm your email address first."))


def require_own(work: UnitOfWork, address: Address | EmailAddress | None) -> None:
    """Raise OnlyElsewhere if users with this address may sign in only with an upstream."""
    try:
        require_no_home_realm(work, "" if address is None else address.normal)
    except SignInElsewhere as elsewhere:
        raise OnlyElsewhere(elsewhere) from None


def require_active(
    work: UnitOfWork,
    arrival: Arrival,
    user: User,
    address: EmailAddress | None,
    attempt: Attempt | None = None,
    *,
    password_at: datetime | None = None,
    by_upstream: bool = False,
) -> None:
    """Check that the account may sign in, after its right first factor.

    `attempt` was counted as failed, and is taken back if the account may not: the caller does it otherwise. An
    unverified address gets an email, whose code works in this browser. With `password_at`, when the password was typed
    there, the code signs the user in. `by_upstream`: an upstream or a directory proved the user, so an address that may
    sign in only there is accepted. Raises Suspended, DeletionPending, OnlyElsewhere or AddressUnconfirmed.
    """
    if not by_upstream:
        require_own(work, address)
    if user.status == Status.ACTIVE:
        return
    verifies = work.settings.has("email-verification")
    if user.status == Status.INACTIVE and not verifies and activate_unverified(work, user_id=user.id, address=address):
        return
    if attempt is not None:
        attempt.succeed(work)
    record(work, Event.SIGN_IN_FAILED, user_id=user.id, status=user.status)
    if user.status == Status.LEAVING:
        raise DeletionPending(seal_ticket(work, user.id), user.delete_after or work.now)
    if user.status == Status.SUSPENDED or address is None:
        raise Suspended
    with constant_time_response(work):
        if verifies and may_write_to(work, address.normal, Purpose.VERIFY):
            send_verification(
                work, address, browser=arrival.browser, carry=arrival.link_parameters, password_at=password_at
            )
    raise AddressUnconfirmed(ticket_for(address))
