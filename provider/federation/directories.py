"""The users of a directory (LDAP, Active Directory): their passwords, and the accounts that belong to them.

The directory decides with each password whether its user may sign in. What it says about the user is taken over at each
sign-in: names, mapped fields, roles and groups.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from provider.accounts.passwords.directories import DirectoryDenied
from provider.accounts.passwords.password_reset import InvalidPassword
from provider.accounts.profile import parse_profile, update_profile
from provider.accounts.store.users import User
from provider.crypto.passwords import MAX_CHARACTERS
from provider.federation import linking
from provider.federation.directory_guesses import Guess
from provider.federation.directory_settings import GROUPS
from provider.federation.exchange import UpstreamIdentity
from provider.federation.identity_claims import LONGEST_EMAIL
from provider.federation.ldap_answers import DirectoryUnavailable, Verdict
from provider.federation.ldap_client import Entry, LdapClient, PasswordChangeNotAllowed, PasswordNotAccepted
from provider.federation.ldap_names import escape, escape_bytes, first_name
from provider.federation.mapping import fields_of, update_attributes
from provider.federation.presets import ACTIVE_DIRECTORY
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Upstreams, UpstreamUnavailable
from provider.languages.text import Text
from provider.observability.logging import log
from provider.saved_settings.upstreams import SavedUpstreams
from provider.work import UnitOfWork

FAILURE_TAKES = 0.4
"""The least seconds for a wrong password, several times what a directory takes: time must not show who exists."""
LONGEST_SUBJECT = 255
DENIED: Mapping[Verdict, Text] = {
    Verdict.DISABLED: Text("Your account is disabled. Contact your administrator."),
    Verdict.ACCOUNT_EXPIRED: Text("Your account has expired. Contact your administrator."),
    Verdict.EXPIRED: Text("Your password has expired. Change it with your organization, then sign in again."),
    Verdict.NOT_NOW: Text("Your organization doesn't let you sign in right now. Contact your administrator."),
}
"""What users read after the right password."""


class Directory:
    """A directory of this process. The `PasswordDirectory` of rules in lower packages."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self.settings = settings
        self._client = LdapClient(settings)

    @property
    def key(self) -> str:
        return self.settings.key

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def is_required(self) -> bool:
        return self.settings.is_required_for_domains

    def check(
        self, work: UnitOfWork, password: str, *, email: str | None = None, subject: str | None = None
    ) -> UpstreamIdentity | None:
        """Return the identity of the user with this ID or address, if that is the password, else None.

        Call it before the first ordinary write. Raises UpstreamUnavailable, or DirectoryDenied after the right
        password.
        """
        since = time.monotonic()
        search = self._search(email=email, subject=subject)
        # Many servers take a bind without a password for an anonymous one (RFC 4513 section 5.1.2).
        if search is None or not password or len(password) > MAX_CHARACTERS:
            return None
        outbound = work.outbound
        guess = Guess(work, self.settings.issuer)
        try:
            entry, verdict = self._client.authenticate(
                outbound,
                search,
                password,
                attributes=self._attributes,
                may_bind=lambda entry: subject is not None or self._may_bind(guess, entry),
            )
        except DirectoryUnavailable as failed:
            guess.undo()
            raise self._unavailable(failed) from None
        if verdict in DENIED:
            guess.was_right()
            raise DirectoryDenied(verdict.value, DENIED[verdict])
        found = None if entry is None or verdict is not Verdict.RIGHT else self._identity(entry, typed=email)
        if found is not None:
            guess.was_right()
            return found
        if guess.is_too_many or verdict is not Verdict.WRONG:
            reason = "too_many_attempts" if guess.is_too_many else verdict.value
            log.info("directory.rejected", upstream=self.key, reason=reason)
        time.sleep(max(0.0, since + FAILURE_TAKES - time.monotonic()))
        return None

    def _may_bind(self, guess: Guess, entry: Entry) -> bool:
        """Count a guess at the user who was found by an address. An entry without a usable ID opens nothing."""
        subject = self._subject(entry)
        return subject is None or guess.may_be_checked(subject)

    def find_user(self, work: UnitOfWork, found: UpstreamIdentity) -> User | None:
        """Return the account of this user, linked or created now, or None if the operator allows neither."""
        user = linking.find_user(work, self.settings, found, {})  # the sign-in form asks for no attributes
        if user is not None:
            names, _ = parse_profile(found.names)
            update_profile(work, user_id=user.id, claims={**names, **fields_of(self.settings, found.claims)})
            update_attributes(work, self.settings, user.id, found.claims)
        return user

    def change_password(self, work: UnitOfWork, subject: str, *, current: str, password: str) -> None:
        """Change a password in the directory. Raises UpstreamUnavailable or InvalidPassword."""
        search = self._search(subject=subject)
        outbound = work.outbound
        not_here = Text("You can't change your %(name)s password here. Contact your administrator.", name=self.name)
        if search is None:
            raise InvalidPassword(not_here)
        try:
            self._client.change_password(outbound, search, current=current, password=password)
        except DirectoryUnavailable as failed:
            raise self._unavailable(failed) from None
        except PasswordNotAccepted:
            raise InvalidPassword(
                Text("%(name)s doesn't accept this password. Choose a different one.", name=self.name)
            ) from None
        except PasswordChangeNotAllowed:
            raise InvalidPassword(not_here) from None

    def _unavailable(self, failed: DirectoryUnavailable) -> UpstreamUnavailable:
        log.warning("upstream.unavailable", upstream=self.key, reason=str(failed))
        return UpstreamUnavailable(self.name, str(failed))

    def _search(self, *, email: str | None = None, subject: str | None = None) -> str | None:
        """Return the filter for one user. None for an ID that no user of this directory can have."""
        settings = self.settings
        if subject is None:
            local, _, _ = (email or "").partition("@")
            return settings.user_filter.replace("{email}", escape(email or "")).replace("{name}", escape(local))
        if settings.preset == ACTIVE_DIRECTORY and settings.subject_attribute == "objectGUID":
            try:
                value = escape_bytes(UUID(subject).bytes_le)
            except ValueError:
                return None
        else:
            value = escape(subject)
        return f"({settings.subject_attribute}={value})"

    @property
    def _attributes(self) -> Sequence[str]:
        settings = self.settings
        mapped = {**settings.of_preset.claims, **settings.claims}.values()
        wanted = (settings.subject_attribute, settings.email_attribute, "memberOf", *mapped)
        flags = ("userAccountControl",) if settings.preset == ACTIVE_DIRECTORY else ()
        claims = (one for one in (settings.roles_claim, settings.claim_of_groups) if one not in {GROUPS, None})
        return tuple(dict.fromkeys((*wanted, *flags, *map(str, claims))))

    def _identity(self, entry: Entry, *, typed: str | None) -> UpstreamIdentity | None:
        """Return the identity of an entry. None, with a line in the log, if it has no usable ID.

        Of several addresses, the one that was typed counts, else the first.
        """
        settings = self.settings
        subject = self._subject(entry)
        if subject is None:
            log.warning("directory.no_subject", upstream=self.key, attribute=settings.subject_attribute)
            return None
        claims: dict[str, Any] = {name: _value(entry.values(name)) for name in self._attributes}
        claims["memberOf"] = list(entry.groups)
        claims[GROUPS] = [first_name(group) for group in entry.groups]
        emails = _texts(entry.values(settings.email_attribute))
        usable = [one for one in emails if 0 < len(one) <= LONGEST_EMAIL]
        email = next((one for one in usable if one.lower() == (typed or "").lower()), next(iter(usable), None))
        named = {field: claims.get(name) for field, name in settings.of_preset.claims.items()}
        return UpstreamIdentity(
            issuer=settings.issuer,
            subject=subject,
            email=email,
            email_proven=email is not None and settings.verifies_email_addresses,
            names={field: text for field, text in named.items() if isinstance(text, str) and text},
            claims=claims,
            proven_at=None,
        )

    def _subject(self, entry: Entry) -> str | None:
        values = entry.values(self.settings.subject_attribute)
        if len(values) != 1 or not values[0]:
            return None
        if self.settings.subject_attribute == "objectGUID":
            return str(UUID(bytes_le=values[0])) if len(values[0]) == 16 else None
        text = _texts(values)[0]
        return text if len(text) <= LONGEST_SUBJECT else None


class Directories:
    """The directories of this process. One keeps what it knows of its servers until its settings change."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._built: dict[str, Directory] = {}

    def _all(self) -> list[Directory]:
        found = {}
        for settings in self._upstreams.directories:
            before = self._built.get(settings.key)
            is_same = before is not None and before.settings == settings
            found[settings.key] = before if before is not None and is_same else Directory(settings)
        self._built = found
        return list(found.values())

    def of_issuer(self, issuer: str) -> Directory | None:
        return next((one for one in self._all() if one.settings.issuer == issuer), None)

    def of_domain(self, domain: str) -> Directory | None:
        return next((one for one in self._all() if domain in one.settings.domains), None)


def open_directories(upstreams: Upstreams, saved: SavedUpstreams) -> None:
    """Let the rules for passwords find the directories of this process. Makes no request."""
    directories = Directories(upstreams)
    saved.directory_of_issuer = directories.of_issuer
    saved.directory_of_domain = directories.of_domain
    saved.has_directories = lambda: bool(upstreams.directories)


def _texts(values: Sequence[bytes]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in values]


def _value(values: Sequence[bytes]) -> str | list[str] | None:
    texts = _texts(values)
    return (texts[0] if len(texts) == 1 else texts) if texts else None
