"""Rules for managing trusted issuers: add, change, disable, enable and delete."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from provider.audit.events import Event
from provider.audit.log import record
from provider.changes import Changes, differences
from provider.database import dialect
from provider.database.base import new_id
from provider.jose.algorithms import SIGNATURES
from provider.languages.text import Text
from provider.oauth.clients.redirect_uris import problem_with
from provider.oauth.trusted_issuers import store
from provider.oauth.trusted_issuers.store import TrustedIssuer
from provider.outbound.addresses import may_be_asked, networks
from provider.refusals import Refusal
from provider.work import UnitOfWork

LONGEST_ISSUER = 255
LARGEST_JWKS = 64 * 1024
"""The largest registered key set, as JSON, in characters."""
NONE, LINKED, SUB = "none", "linked", "sub"
USER_MAPPINGS = (NONE, LINKED, SUB)
"""How a subject of an issuer is a user: not at all, by the linked identity, or because `sub` is the user's ID."""
SPIFFE = re.compile(r"spiffe://[a-z0-9._-]+")
"""A SPIFFE trust domain (SPIFFE ID section 2.1)."""
MEMBERS = ("jwks_uri", "jwks", "algorithms", "user_mapping")


class NoSuchIssuer(Refusal):
    code = "no-such-issuer"
    status_code = 404
    message = Text("There is no such trusted issuer.")


class InvalidIssuer(Refusal):
    """The URL, the keys or an algorithm is not allowed. The message says why, and `member` is what it is about."""

    code = "invalid-issuer"

    def __init__(self, member: str, message: str) -> None:
        self.member = member
        super().__init__(f"{member} {message}")


@dataclass(frozen=True)
class IssuerSettings:
    """The settings of a trusted issuer. Without `jwks_uri` and `jwks`, its keys are found by discovery."""

    jwks_uri: str | None = None
    jwks: dict[str, Any] | None = field(default=None)
    algorithms: Sequence[str] = SIGNATURES
    user_mapping: str = NONE

    @classmethod
    def of(cls, issuer: TrustedIssuer) -> "IssuerSettings":
        """Return the settings of an issuer as they are stored."""
        return cls(issuer.jwks_uri, issuer.jwks, tuple(issuer.algorithms), issuer.user_mapping)

    def differences(self, wanted: "IssuerSettings") -> Changes:
        """Return what `wanted` changes."""
        return differences(vars(self), vars(wanted))


def parse_settings(given: Mapping[str, Any]) -> IssuerSettings:
    """Parse settings from a file. Empty members count as left out. Raises InvalidIssuer for a wrong type or name."""
    for name, value in given.items():
        kinds: dict[str, type | tuple[type, ...]] = {"algorithms": (list, tuple), "jwks": dict}
        if name not in MEMBERS:
            raise InvalidIssuer(name, "is not a setting of a trusted issuer.")
        if not isinstance(value, kinds.get(name, str)) and value is not None:
            raise InvalidIssuer(name, "has the wrong type.")
    kept = {name: value for name, value in given.items() if value}
    if "algorithms" in kept:
        kept["algorithms"] = tuple(kept["algorithms"])
    return IssuerSettings(**kept)


def require_valid(work: UnitOfWork, issuer: str, settings: IssuerSettings) -> IssuerSettings:
    """Return the settings if an issuer may be trusted with them. Raises InvalidIssuer."""
    is_spiffe = SPIFFE.fullmatch(issuer) is not None
    if len(issuer) > LONGEST_ISSUER:
        raise InvalidIssuer("issuer", f"can have at most {LONGEST_ISSUER} characters.")
    if not is_spiffe and (problem := _problem_with_url(issuer)):
        raise InvalidIssuer("issuer", f"{problem}. You sent {issuer[:120]!r}.")
    if "?" in issuer:
        raise InvalidIssuer("issuer", "must not have a query.")
    if issuer.rstrip("/") == work.settings.issuer.rstrip("/"):
        raise InvalidIssuer("issuer", "must be another server than this one.")
    if settings.jwks_uri is not None and settings.jwks is not None:
        raise InvalidIssuer("jwks_uri", "cannot be set together with jwks.")
    if is_spiffe and settings.jwks_uri is None and settings.jwks is None:
        raise InvalidIssuer("jwks_uri", "or jwks is required for a SPIFFE trust domain, which has no discovery.")
    _require_keys(work, issuer, settings)
    unknown = [alg for alg in settings.algorithms if alg not in SIGNATURES]
    if unknown or not settings.algorithms:
        raise InvalidIssuer("algorithms", f"must be one or more of {', '.join(SIGNATURES)}.")
    if settings.user_mapping not in USER_MAPPINGS:
        raise InvalidIssuer("user_mapping", f"must be one of {', '.join(USER_MAPPINGS)}.")
    return replace(settings, algorithms=tuple(dict.fromkeys(settings.algorithms)))


def _problem_with_url(url: str) -> str | None:
    """Return why this is not the URL of a server, or None."""
    problem = problem_with(url)
    if problem is None and urlsplit(url).scheme not in {"https", "http"}:
        return "must be an https URL"
    return problem


def _require_keys(work: UnitOfWork, issuer: str, settings: IssuerSettings) -> None:
    if settings.jwks is not None:
        from provider.jose.key_sets import InvalidKey, parse_jwks  # noqa: PLC0415  # loads joserfc

        try:
            if len(json.dumps(settings.jwks, allow_nan=False)) > LARGEST_JWKS:
                raise InvalidIssuer("jwks", "is too large.")
            parse_jwks(_of_signatures(settings.jwks))
        except InvalidKey as invalid:
            raise InvalidIssuer("jwks", f"{invalid}.") from None
        except (ValueError, TypeError):  # from TOML, which has dates, and numbers that JSON lacks
            raise InvalidIssuer("jwks", "contains a value that JSON does not allow.") from None
        return
    url, name = (issuer, "issuer") if settings.jwks_uri is None else (settings.jwks_uri, "jwks_uri")
    if problem := _problem_with_url(url):
        raise InvalidIssuer(name, f"{problem}. You sent {url[:120]!r}.")
    if not may_be_asked(url, allowed=networks(work.settings.outbound_allow)):
        raise InvalidIssuer(
            name,
            "is at an address that this server may not connect to. Allow it with SIGNET_OUTBOUND_ALLOW, or register "
            "jwks.",
        )


def _of_signatures(jwks: dict[str, Any]) -> dict[str, Any]:
    """Return the set without the X.509 keys of a SPIFFE bundle, which sign no JWT (SPIFFE Trust Domain section 4.2)."""
    keys = jwks.get("keys")
    if not isinstance(keys, list):
        return jwks
    return jwks | {"keys": [key for key in keys if not (isinstance(key, dict) and key.get("use") == "x509-svid")]}


def create(work: UnitOfWork, issuer: str, settings: IssuerSettings) -> TrustedIssuer:
    """Trust an issuer. Raises InvalidIssuer."""
    settings = require_valid(work, issuer, settings)
    dialect.queue_for(work.db, f"trusted issuer {issuer}")
    if store.find_by_issuer(work.db, issuer) is not None:
        raise InvalidIssuer("issuer", "is trusted already.")
    row = TrustedIssuer(
        id=new_id(),
        issuer=issuer,
        jwks_uri=settings.jwks_uri,
        jwks=settings.jwks,
        algorithms=list(settings.algorithms),
        user_mapping=settings.user_mapping,
        created_at=work.now,
        disabled_at=None,
    )
    store.add(work.db, row)
    record(work, Event.ISSUER_CREATED, issuer=issuer, user_mapping=settings.user_mapping)
    return row


def update(work: UnitOfWork, issuer_id: str, settings: IssuerSettings) -> TrustedIssuer:
    """Replace the settings of an issuer. Raises NoSuchIssuer, InvalidIssuer."""
    store.lock(work.db, issuer_id)  # so that the event says what was there
    before = find(work, issuer_id)
    settings = require_valid(work, before.issuer, settings)
    row = replace(
        before,
        jwks_uri=settings.jwks_uri,
        jwks=settings.jwks,
        algorithms=list(settings.algorithms),
        user_mapping=settings.user_mapping,
    )
    if not store.replace(work.db, row):
        raise NoSuchIssuer
    changed = IssuerSettings.of(before).differences(settings)
    record(work, Event.ISSUER_UPDATED, issuer=before.issuer, **changed.as_details())
    return row


def disable(work: UnitOfWork, issuer_id: str) -> None:
    """Stop accepting what the issuer signed, and end what was issued for it. Raises NoSuchIssuer."""
    issuer = find(work, issuer_id)
    if store.disable(work.db, issuer_id, now=work.now):
        before, after = {"disabled": False}, {"disabled": True}
        record(work, Event.ISSUER_DISABLED, issuer=issuer.issuer, before=before, after=after)


def enable(work: UnitOfWork, issuer_id: str) -> None:
    """Accept again what the issuer signed. What was issued before stays ended (decision 294). Raises NoSuchIssuer."""
    issuer = find(work, issuer_id)
    if store.enable(work.db, issuer_id, now=work.now):
        before, after = {"disabled": True}, {"disabled": False}
        record(work, Event.ISSUER_ENABLED, issuer=issuer.issuer, before=before, after=after)


def delete(work: UnitOfWork, issuer_id: str) -> None:
    """Delete the issuer, and end what was issued for it. Clients that it authenticates can no longer do so. Raises
    NoSuchIssuer.
    """
    issuer = find(work, issuer_id)
    if not store.remove(work.db, issuer_id):
        raise NoSuchIssuer
    record(work, Event.ISSUER_DELETED, issuer=issuer.issuer)


def find(work: UnitOfWork, issuer_id: str) -> TrustedIssuer:
    """Return the issuer with this ID. Raises NoSuchIssuer."""
    issuer = store.find(work.read, issuer_id)
    if issuer is None:
        raise NoSuchIssuer
    return issuer


def find_by_issuer(work: UnitOfWork, issuer: str) -> TrustedIssuer:
    """Return the issuer with this URL. Raises NoSuchIssuer."""
    found = store.find_by_issuer(work.read, issuer)
    if found is None:
        raise NoSuchIssuer
    return found
