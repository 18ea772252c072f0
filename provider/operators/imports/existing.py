"""What an import finds out before it writes: which users, ids, identities and passkeys there are already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Place
from provider.accounts.email.email_addresses import Address
from provider.accounts.email.operator_emails import require_choice
from provider.accounts.importing.attributes import fitting_values
from provider.accounts.importing.files import Row
from provider.accounts.importing.moving import Taken, find_taken
from provider.accounts.importing.rows import InvalidRow, UserRow
from provider.accounts.passwords.imported_hashes import require_known_hash
from provider.accounts.registration import IdTaken, NotAnId
from provider.accounts.store import email_addresses, user_attributes, users
from provider.accounts.store.email_addresses import Holder
from provider.accounts.store.user_attributes import Attribute
from provider.accounts.store.users import User
from provider.database.base import is_id
from provider.languages.text import Text
from provider.operators.authority import editor_of
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Wanted:
    """A row, the user that it describes, and the user's address."""

    source: Row
    user: UserRow
    address: Address
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """The values of declared attributes: of a new user as they are stored, of an existing one as they change."""
    notes: Sequence[str] = ()
    """What of the attributes is left out."""


def is_invited(row: UserRow, *, invite: bool) -> bool:
    return invite and row.is_verified and row.password_hash is None


@dataclass
class Existing:
    """The existing data about the users of a few rows, from few queries."""

    work: UnitOfWork
    holders: dict[str, tuple[Holder | None, Holder | None]]
    ids: set[str]
    taken: Taken
    declared: Sequence[Attribute]
    """The declared attributes."""
    _reserved: set[object] = field(default_factory=set)

    @classmethod
    def find(cls, work: UnitOfWork, wanted: Sequence[Wanted]) -> "Existing":
        ids = [one.user.user_id for one in wanted if one.user.user_id is not None and is_id(one.user.user_id)]
        return cls(
            work,
            email_addresses.find_owners_and_claimants(work.read, [one.address.normal for one in wanted]),
            users.find_ids(work.read, ids) if ids else set(),
            find_taken(work, [one.source.moved for one in wanted]),
            user_attributes.find_all(work.read),
        )

    def require_free(self, one: Wanted, *, invite: bool) -> User | None:
        """Return the user whom the row is about, or None if one can be created. A dry run finds the same problems as
        the import. Raises InvalidRow, or another Refusal, for what would stop the row.
        """
        found = self._find(one)
        if found is not None:
            return found
        if one.address.normal in self._reserved:  # written in another way than on an earlier line
            raise InvalidRow(Text("The email address is in the file twice."))
        row, moved = one.user, one.source.moved
        if row.user_id is not None:
            if not is_id(row.user_id):
                raise NotAnId
            if row.user_id in self.ids:
                raise IdTaken
        if row.password_hash is not None:
            require_known_hash(self.work.settings, row.password_hash)
        if is_invited(row, invite=invite):
            require_choice(self.work)
        for identity in moved.identities:
            key = (identity.issuer, identity.subject)
            if key in self.taken.identities or key in self._reserved:
                raise InvalidRow(Text("An identity of this user is linked to another account."))
        for passkey in moved.passkeys:
            if passkey.credential_id in self.taken.passkeys or passkey.credential_id in self._reserved:
                raise InvalidRow(Text("A passkey of this user belongs to another account."))
        return None

    def with_attributes(self, one: Wanted, *, of: User | None) -> Wanted:
        """Return the row with the values of declared attributes, for a new user or `of` an existing one. What an export
        has beyond the declarations is left out; what a file of users says has to be right. Raises InvalidAttributes.
        """
        editor = editor_of(self.work)
        moved, notes = fitting_values(self.declared, one.source.moved.attributes, editor=editor)
        given = {**moved, **values.from_texts(self.work, one.user.attributes, among=self.declared)}
        if of is not None:
            values.check_changes(self.work, user_id=of.id, given=given, editor=editor, place=Place.ADMIN)
        elif given or self.declared:  # something may be required of a new user
            given = values.check_new(self.work, given, editor=editor, place=Place.ADMIN, among=self.declared)
        return replace(one, attributes=given, notes=notes)

    def reserve(self, one: Wanted) -> None:
        """Note that a user is created for this row."""
        moved = one.source.moved
        self._reserved.add(one.address.normal)
        self._reserved |= {(identity.issuer, identity.subject) for identity in moved.identities}
        self._reserved |= {passkey.credential_id for passkey in moved.passkeys}

    def _find(self, one: Wanted) -> User | None:
        """Return the user whom the row is about. A sign-up that was never verified may be a stranger's: only a row that
        is not verified either finds it.
        """
        owner, claimant = self.holders.get(one.address.normal, (None, None))
        found = owner if one.user.is_verified or owner is not None else claimant
        return None if found is None else found[0]
