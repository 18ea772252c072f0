"""Whom a signal is about: subject identifiers (RFC 9493, SSF 1.0 section 3), and those of the drafts before them.

Only users and sessions of the same upstream are ever found. Whatever else a signal names is about no one here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provider.accounts.store import linked_identities
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.federation.id_tokens import is_subject, sid_of, subject_of
from provider.federation.issuers import TENANT, is_issuer
from provider.federation.signals.transmitters import same_issuer
from provider.federation.upstream_settings import UpstreamSettings
from provider.work import UnitOfWork

MOST_ALIASES = 20
SESSION = "session"


@dataclass(frozen=True)
class Person:
    """A user of the upstream, or one of the user's sessions there. Without `subject`, only a session."""

    issuer: str
    subject: str | None
    sid: str | None = None
    identity: LinkedIdentity | None = None
    """The link to an account here, if there is one."""


def find_person(work: UnitOfWork, settings: UpstreamSettings, given: Any) -> Person | None:
    """Return the user or session that a subject identifier names, or None if it names none that may be known here."""
    if not isinstance(given, Mapping):
        return None
    if format_of(given) != "complex" and not _is_complex(given):
        return _user(work, settings, given)
    user = given.get("user")
    person = None if user is None else _user(work, settings, user)
    if user is not None and person is None:
        return None  # a session of another user
    sid = _sid(given.get(SESSION)) if SESSION in given else None
    if SESSION in given and sid is None:
        return None  # never more than the session that was meant
    if person is None:
        return None if sid is None or TENANT in settings.issuer else Person(settings.issuer, None, sid)
    return Person(person.issuer, person.subject, sid, person.identity)


def format_of(given: Mapping[str, Any]) -> str | None:
    """Return the format, in the spelling of RFC 9493. The drafts have `subject_type`, and hyphens."""
    name = given.get("format", given.get("subject_type"))
    return name.replace("-", "_") if isinstance(name, str) else None


def _is_complex(given: Mapping[str, Any]) -> bool:
    """Return whether this is a complex subject of CAEP before SSF 1.0, which had no format."""
    return format_of(given) is None and bool({"user", SESSION} & given.keys())


def _user(work: UnitOfWork, settings: UpstreamSettings, given: Any) -> Person | None:
    return next(
        (person for one in _simple(given) if (person := _of_simple(work, settings, one)) is not None),
        None,
    )


def _simple(given: Any) -> Iterator[Mapping[str, Any]]:
    """Yield a subject, or those that an `aliases` subject says are one user."""
    if not isinstance(given, Mapping):
        return
    if format_of(given) != "aliases":
        yield given
        return
    identifiers = given.get("identifiers")
    for one in identifiers[:MOST_ALIASES] if isinstance(identifiers, list) else ():
        if isinstance(one, Mapping) and format_of(one) != "aliases":
            yield one


def _of_simple(work: UnitOfWork, settings: UpstreamSettings, given: Mapping[str, Any]) -> Person | None:
    form = format_of(given)
    if form in {"iss_sub", "id_token_claims"} and "sub" in given:
        issuer = _own_issuer(settings, given.get("iss"))
        return None if issuer is None else _of_subject(work, settings, issuer, subject_of(dict(given)))
    if form == "opaque" and TENANT not in settings.issuer:
        return _of_subject(work, settings, settings.issuer, subject_of({"sub": given.get("id")}))
    email = given.get("email")
    if form in {"email", "id_token_claims"} and isinstance(email, str) and TENANT not in settings.issuer:
        found = linked_identities.find_by_email(work.db, settings.issuer, email.strip())
        # Of two users with one address, the signal is about one, and it is not known about which.
        return _of_identity(found[0]) if len(found) == 1 else None
    return None


def _own_issuer(settings: UpstreamSettings, issuer: Any) -> str | None:
    """Return the issuer as identities have it, if it is the upstream's."""
    if same_issuer(issuer, settings.issuer) and TENANT not in settings.issuer:
        return settings.issuer
    return issuer if isinstance(issuer, str) and is_issuer(settings, issuer) and TENANT not in issuer else None


def _of_subject(work: UnitOfWork, settings: UpstreamSettings, issuer: str, subject: str | None) -> Person | None:
    if subject is None or not is_subject(settings, subject):
        return None
    return Person(issuer, subject, identity=linked_identities.find(work.db, issuer, subject))


def _of_identity(identity: LinkedIdentity) -> Person:
    return Person(identity.issuer, identity.subject, identity=identity)


def _sid(given: Any) -> str | None:
    """Return the upstream's ID of a session, as its ID tokens have it in `sid`."""
    return sid_of({"sid": given.get("id")}) if isinstance(given, Mapping) and format_of(given) == "opaque" else None
