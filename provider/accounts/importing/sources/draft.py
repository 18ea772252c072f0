"""What all sources have in common: the options of an import, and a user as it is put together from an export."""

import base64
import binascii
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from provider.accounts.factors.authenticator_apps import MOST as MOST_APPS
from provider.accounts.importing.files import Row
from provider.accounts.importing.json_stream import Entry
from provider.accounts.importing.moving import Moved, MovedIdentity, MovedPasskey, MovedTotp
from provider.accounts.profile import parse_profile
from provider.accounts.roles.names import is_role_name
from provider.accounts.roles.permissions import OPERATOR_ROLES
from provider.languages.text import Text

TOTP_DIGITS, TOTP_PERIOD = 6, 30
LEAST_KEY, LONGEST_KEY = 10, 64
"""Bytes of the key of an authenticator app."""
LONGEST_SUBJECT = 255
LONGEST_CREDENTIAL = 1023
"""Bytes of a credential ID (WebAuthn Level 3 section 4)."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """The options of an import. `upstreams` has the issuer for each name of a provider at the source."""

    source: str
    rp_id: str
    upstreams: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    """The name of the declared attribute for each name of an attribute at the source."""
    declared: Collection[str] = ()
    """The names of declared attributes that take the value of the same name at the source."""
    trust_emails: bool = False
    operator_roles: bool = False
    passkey_domain: str | None = None
    """The domain at which passkeys were created, where the export does not say."""
    hash_parameters: Mapping[str, str] = field(default_factory=dict)
    password_hashes: BinaryIO | None = None
    """A file with password hashes, where they are not in the export."""


@dataclass
class Draft:
    """A user of an export, member by member."""

    context: Context
    line: int
    source_id: str = ""
    email: object = None
    is_verified: bool = False
    user_id: str | None = None
    password_hash: str | None = None
    is_disabled: bool = False
    claims: dict[str, str] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    roles_of_groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _attributes: dict[str, Any] = field(default_factory=dict)
    _skipped: list[str] = field(default_factory=list)
    _roles: list[str] = field(default_factory=list)
    _totp: list[MovedTotp] = field(default_factory=list)
    _passkeys: list[MovedPasskey] = field(default_factory=list)
    _identities: list[MovedIdentity] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Note what of the user can't be moved."""
        self.notes.append(text)

    def claim(self, name: str, value: object) -> None:
        """Set a field of the profile, if there is a value."""
        if isinstance(value, str) and value.strip():
            self.claims[name] = value.strip()

    def attribute(self, source: str, value: Any, *, name: str | None = None) -> None:
        """Set a declared attribute: the one that is chosen for this name at the source, or the one with the same name.
        `name` is that name where `source` says more, such as `custom:plan`.
        """
        same = source if name is None else name
        wanted = self.context.attributes.get(source) or (same if same in self.context.declared else None)
        if wanted is None or wanted in self._attributes:
            self._skipped.append(source)
        else:
            self._attributes[wanted] = value

    def role(self, name: str) -> None:
        if name in OPERATOR_ROLES and not self.context.operator_roles:
            self.note(f"Role {name} is skipped: it gives permissions in Signet. --operator-roles gives it.")
        elif not is_role_name(name):
            self.note(f"Role {name!r} is skipped: a role has no spaces, and only ASCII characters.")
        elif name not in self._roles:
            self._roles.append(name)

    def identity(self, provider: str, subject: object, email: object = None) -> None:
        """Link an identity at a provider, by its name at the source."""
        issuer = self.context.upstreams.get(provider)
        if issuer is None:
            self.note(f"The identity at {provider} is skipped: no --upstream {provider}=KEY.")
        elif not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            self.note(f"The identity at {provider} is skipped: its ID is missing or too long.")
        else:
            said = email if isinstance(email, str) and len(email) <= 254 else None
            self._identities.append(MovedIdentity(issuer, subject, said))

    def totp(self, key: bytes, *, name: object, digits: object, period: object, algorithm: str) -> None:
        """Add an authenticator app, if Signet accepts the codes that it shows."""
        if (digits, period, algorithm) != (TOTP_DIGITS, TOTP_PERIOD, "sha1"):
            self.note("An authenticator app is skipped: its codes don't have 6 digits, 30 seconds and SHA-1.")
        elif not LEAST_KEY <= len(key) <= LONGEST_KEY:
            self.note("An authenticator app is skipped: its key is too short or too long.")
        elif len(self._totp) >= MOST_APPS:
            self.note(f"An authenticator app is skipped: an account has at most {MOST_APPS}.")
        else:
            base32 = base64.b32encode(key).decode().rstrip("=")
            self._totp.append(MovedTotp(base32, name if isinstance(name, str) else ""))

    def passkey(self, passkey: MovedPasskey, *, domain: str | None) -> None:
        """Add a passkey that was created for this domain, if it is the one of Signet."""
        created_for = domain or self.context.passkey_domain
        if created_for != self.context.rp_id:
            where = f"it is for {created_for}" if created_for else "--passkey-domain does not say where it was created"
            self.note(f"A passkey is skipped: {where}, and Signet is at {self.context.rp_id}.")
        else:
            self._passkeys.append(passkey)

    def row(self) -> Row:
        """Return the user as a row. What Signet does not accept in a profile is left out, with a note."""
        if self._passkeys and self.user_id is None:  # the user handle in a passkey is the ID
            self.note("Passkeys are skipped: the user gets a new ID.")
            self._passkeys.clear()
        if self._skipped:
            self.note(f"Attributes are skipped: {', '.join(sorted(self._skipped))}.")
        _, errors = parse_profile(self.claims)
        for name, problem in errors.items():
            self.note(f"{name} is skipped: {problem}")
        values: dict[str, Any] = {
            **{name: value for name, value in self.claims.items() if name not in errors},
            "email": self.email,
            "email_verified": self.is_verified or self.context.trust_emails,
            "roles": self._roles,
            "id": self.user_id,
            "password_hash": self.password_hash,
        }
        moved = Moved(
            source=self.context.source,
            source_id=self.source_id,
            suspended_because=f"Disabled in {self.context.source}" if self.is_disabled else None,
            totp=self._totp,
            passkeys=self._passkeys,
            identities=self._identities,
            groups=self.groups,
            roles_of_groups=self.roles_of_groups,
            attributes=self._attributes,
            notes=self.notes,
        )
        return Row(self.line, values, moved=moved)


def rows_of(entries: Iterable[Entry], read: Callable[[Entry], Draft | None]) -> Iterator[Row]:
    """Yield the row of each entry that is a user. One that does not have the form of the export is a row that fails."""
    for entry in entries:
        try:
            draft = read(entry)
            row = None if draft is None else draft.row()
        except (KeyError, TypeError, ValueError, AttributeError):
            email = entry.value.get("email") if isinstance(entry.value, dict) else None
            row = Row(entry.line, {"email": email}, Text("This user is not in the format of the export."))
        if row is not None:
            yield row


def text_of(value: object) -> str:
    """Return a text, or nothing for any other value."""
    return value if isinstance(value, str) else ""


def decode(text: str) -> bytes:
    """Decode base64, also of the alphabet of URLs, with or without padding. Raises ValueError."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def credential_id_of(text: str) -> str:
    """Return the credential ID of a passkey in base64url. Raises ValueError."""
    credential_id = decode(text)
    if not 0 < len(credential_id) <= LONGEST_CREDENTIAL:
        raise ValueError("the credential ID is too long")
    return base64url(credential_id)


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
