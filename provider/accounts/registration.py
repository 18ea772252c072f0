"""Creating accounts. A sign-up gets the same answer, in the same time, whether or not the address is taken."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from provider.accounts import terms
from provider.accounts.attributes.values import add_values
from provider.accounts.email.email_addresses import Address
from provider.accounts.email.new_addresses import AddressTaken, require_address
from provider.accounts.email.verification_emails import Ticket, may_write_to, send_verification, ticket_for
from provider.accounts.passwords.imported_hashes import require_known_hash, stored_hash
from provider.accounts.roles.names import require_role_names
from provider.accounts.store import email_addresses, new_accounts, passwords, search_keys, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.links import Purpose
from provider.accounts.store.new_accounts import NewAccount
from provider.accounts.store.passwords import StoredPassword
from provider.accounts.store.users import Status, User
from provider.accounts.timing import constant_time_response
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.crypto.passwords import SALT_BYTES, hash_password
from provider.database.base import is_id, new_id
from provider.languages.free_text import clean_line
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import UnitOfWork

MAX_NAME = 100
NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


class NotAnId(Refusal):
    code = "not-an-id"
    message = Text("Enter a UUID in lower case, like 0192d3a8-5f2e-7c31-9c4e-1f0a2b3c4d5e.")


class IdTaken(Refusal):
    """Another user has the id that an operator chose for a new account."""

    code = "id-taken"
    status_code = 409
    message = Text("This ID is already used by another account.")


def clean_name(text: str) -> str:
    """Return the name as it is stored, which may be empty. Raises InvalidText."""
    return clean_line(text, most=MAX_NAME)


def sign_up(
    work: UnitOfWork,
    *,
    address: Address,
    password: str,
    claims: Mapping[str, Any],
    browser: str,
    carry: Mapping[str, str],
    attributes: Mapping[str, Any] = NO_ATTRIBUTES,
) -> Ticket:
    """Create an INACTIVE account and email a link and a code to verify its address.

    If the address has a verified owner, an email without them goes to that owner instead. Several users may claim an
    address; the first to verify it owns it. A claim to another user's address is never verified, and is deleted with
    the other unconfirmed accounts. Until then it exists, so that a sign-in with its password looks as if the address
    had been free (decision 41). A second sign-up from the same browser (`browser` is its cookie) replaces the password
    and the claims of the first, and its attributes, whose link and code stay valid if no other email is sent.
    """
    hashed = hash_password(password, cost=work.settings.bcrypt_cost)
    with constant_time_response(work):
        return _claim(
            work,
            address,
            hashed,
            claims=claims,
            attributes=attributes,
            browser=browser,
            carry=carry,
            password_at=work.now,
        )


def sign_up_in_app(
    work: UnitOfWork,
    *,
    address: Address,
    password: str,
    claims: Mapping[str, Any],
    client_id: str,
    attributes: Mapping[str, Any] = NO_ATTRIBUTES,
) -> Ticket:
    """Begin an account for a user who signs up in an app, as `sign_up` does for a browser.

    A second sign-up in the app with the same address and password continues the first one. With another password it may
    be a stranger's, who must not choose the password of an account that the owner of the address confirms.
    """
    of_address = f"{client_id}\n{address.normal}"
    sender = work.vault.keyed_digest(of_address, purpose="sign-up-in-app").hex()
    # The same password has the same hash, so that the two can be compared while the address is locked.
    salt = work.vault.keyed_digest(of_address, purpose="sign-up-in-app-salt")[:SALT_BYTES]
    hashed = hash_password(password, cost=work.settings.bcrypt_cost, salt=salt)
    with constant_time_response(work):
        return _claim(
            work,
            address,
            hashed,
            claims=claims,
            attributes=attributes,
            browser=sender,
            carry={},
            same_password=True,
        )


def sign_up_unverified(
    work: UnitOfWork,
    *,
    address: Address,
    password: str,
    claims: Mapping[str, Any],
    attributes: Mapping[str, Any] = NO_ATTRIBUTES,
) -> str:
    """Create an ACTIVE account whose address is not verified; return the user's id.

    For installations without email verification. Raises AddressTaken: no email could tell the owner instead.
    """
    hashed = hash_password(password, cost=work.settings.bcrypt_cost)
    if not email_addresses.is_free(work.db, address.normal):
        raise AddressTaken
    added = _add(
        work, address, hashed, status=Status.ACTIVE, verified=False, roles=(), claims=_in_their_language(work, claims)
    )
    add_values(work, user_id=added.user_id, values=attributes)
    record(work, Event.ACCOUNT_REGISTERED, user_id=added.user_id, verified=False)
    terms.accept_at_sign_up(work, user_id=added.user_id)
    return added.user_id


def activate_unverified(work: UnitOfWork, *, user_id: str, address: EmailAddress | None) -> bool:
    """Activate an account that signed up while addresses were verified, now that they are not.

    Returns False if the address belongs to another user, or the account was not INACTIVE.
    """
    is_free = address is None or email_addresses.is_free(work.db, address.normal)
    if not is_free or not users.activate(work.db, user_id, now=work.now):
        return False
    record(work, Event.ACCOUNT_ACTIVATED, user_id=user_id, verified=False)
    return True


def create_user(
    work: UnitOfWork,
    *,
    email: str,
    password: str | None,
    verified: bool,
    roles: Sequence[str] = (),
    claims: Mapping[str, Any] | None = None,
    user_id: str | None = None,
    password_hash: str | None = None,
) -> str:
    """Create an account for an operator; return its id. `verified` marks the address as verified.

    `user_id` and `password_hash` are those of an account that moves here. Raises NotAnId, NotAnAddress, AddressTaken,
    IdTaken, InvalidRole or UnsupportedHash.
    """
    require_role_names(roles)
    if user_id is not None and not is_id(user_id):
        raise NotAnId
    address = require_address(work, email)
    if password_hash is not None:
        require_known_hash(work.settings, password_hash)
    user_id = user_id or new_id()
    stored = None
    if password is not None:
        stored = StoredPassword(hash_password(password, cost=work.settings.bcrypt_cost))
    elif password_hash is not None:
        stored = stored_hash(work, user_id, password_hash)
    if not email_addresses.is_free(work.db, address.normal):
        raise AddressTaken
    status = Status.ACTIVE if verified else Status.INACTIVE
    added = _add(
        work,
        address,
        stored,
        status=status,
        verified=verified,
        roles=roles,
        claims=dict(claims or {}),
        user_id=user_id,
    )
    record(work, Event.ACCOUNT_CREATED, user_id=added.user_id, verified=verified)
    return added.user_id


def create_verified(
    work: UnitOfWork, *, address: Address, claims: dict[str, Any], attributes: Mapping[str, Any] = NO_ATTRIBUTES
) -> str | None:
    """Create an account without a password, for an address that a trusted party has verified.

    Returns its id, or None if the address belongs to another user.
    """
    if not email_addresses.is_free(work.db, address.normal):
        return None
    added = _add(work, address, None, status=Status.ACTIVE, verified=True, roles=(), claims=claims)
    add_values(work, user_id=added.user_id, values=attributes)
    record(work, Event.ACCOUNT_REGISTERED, user_id=added.user_id)
    return added.user_id


def _claim(
    work: UnitOfWork,
    address: Address,
    hashed: str,
    *,
    claims: Mapping[str, Any],
    attributes: Mapping[str, Any],
    browser: str,
    carry: Mapping[str, str],
    password_at: datetime | None = None,
    same_password: bool = False,
) -> Ticket:
    may_mail = may_write_to(work, address.normal, Purpose.VERIFY)
    spoken = _in_their_language(work, claims)
    claimed = email_addresses.find_claim_of_browser(
        work.db, address.normal, digest(browser), now=work.now, hashed=hashed if same_password else None
    )
    if claimed is None:
        claimed = _add(work, address, hashed, status=Status.INACTIVE, verified=False, roles=(), claims=spoken)
    else:
        # The form was sent again, after Back or a typing mistake: the email on its way must fit what was typed last.
        users.set_claims(work.db, claimed.user_id, spoken, now=work.now)
        passwords.replace(work.db, claimed.user_id, hashed, now=work.now)
        search_keys.replace(work.db, claimed.user_id, search_keys.keys_of([claimed.normal], spoken))
    add_values(work, user_id=claimed.user_id, values=attributes)
    record(work, Event.ACCOUNT_REGISTERED, user_id=claimed.user_id)
    terms.accept_at_sign_up(work, user_id=claimed.user_id)
    if may_mail:
        send_verification(work, claimed, browser=browser, carry=carry, password_at=password_at)
    return ticket_for(claimed)


def _in_their_language(work: UnitOfWork, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims with the language of the page, in which the user will get emails."""
    language = work.origin.language
    return {**claims} if language is None else {**claims, "locale": language}


def new_account(
    work: UnitOfWork,
    address: Address,
    password: StoredPassword | None,
    *,
    status: Status,
    verified: bool,
    roles: Sequence[str],
    claims: dict[str, Any],
    user_id: str | None = None,
    status_reason: str | None = None,
) -> NewAccount:
    """Return the rows of an account that begins now."""
    user = User(
        id=user_id or new_id(),
        status=status,
        created_at=work.now,
        updated_at=work.now,
        not_before=None,
        claims=claims,
        roles=list(roles),
        status_reason=status_reason,
    )
    added = EmailAddress(
        id=new_id(),
        user_id=user.id,
        address=address.text,
        normal=address.normal,
        created_at=work.now,
        verified_at=work.now if verified else None,
    )
    return NewAccount(user, added, password)


def _add(work: UnitOfWork, address: Address, hashed: str | StoredPassword | None, **values: Any) -> EmailAddress:
    """Add the rows of an account, with the values of `new_account`. Raises IdTaken, which happens only to a given
    `user_id`.
    """
    account = new_account(work, address, StoredPassword(hashed) if isinstance(hashed, str) else hashed, **values)
    if not new_accounts.add(work.db, [account], now=work.now):
        raise IdTaken
    return account.address
