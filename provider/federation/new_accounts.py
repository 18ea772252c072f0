"""A sign-up with an upstream that waits for the attributes that a new user has to give.

What the upstream said is carried in the form, sealed for the browser. It is used once.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from provider.accounts.attributes.declarations import Editor, Place
from provider.crypto.digests import digest, new_opaque
from provider.federation.exchange import UpstreamIdentity
from provider.federation.issued_tokens import IssuedTokens, as_json, of_json
from provider.federation.mapping import attributes_of, groups_of, texts_of, value_of
from provider.federation.sign_out import LONGEST_HINT
from provider.federation.states import StateLost, StateSpent
from provider.federation.store import used_states
from provider.federation.upstream_settings import UpstreamSettings
from provider.login.sign_up import attributes_asked
from provider.work import UnitOfWork

PURPOSE = "upstream-sign-up"
LIFETIME = timedelta(minutes=30)
"""How long a user may take to fill in the form."""
LONGEST_TEXT = 1000
"""The longest text of a claim that is carried."""
LONGEST_TOKENS = 20_000
"""The most characters of tokens that are carried. The next sign-in brings others, and the form has to be accepted."""
MOST_CARRIED = 200
"""The most groups that are carried. The next sign-in gives the others."""


class AttributesRequired(Exception):
    """An account would be created, but operators require attributes that the user has not given yet."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A sign-up that waits for attributes."""

    upstream: str
    browser: str
    nonce: str
    destination: Mapping[str, str]
    identity: Mapping[str, Any]


def is_asking(work: UnitOfWork, known: Collection[str]) -> bool:
    """Return whether a new user has to give an attribute, besides those that are known."""
    asked = (one for one in attributes_asked(work) if one.attribute.name not in known)
    return any(Place.SIGN_UP in one.attribute.required_at and one.may_edit(Editor.USER) for one in asked)


def seal(
    work: UnitOfWork,
    settings: UpstreamSettings,
    identity: UpstreamIdentity,
    *,
    browser: str,
    destination: Mapping[str, str],
) -> str:
    """Seal a sign-up for the form. Of the claims, it has those that mean something here."""
    proven_at = None if identity.proven_at is None else identity.proven_at.timestamp()
    names = {name: text[:LONGEST_TEXT] for name, text in identity.names.items()}
    claims = _needed(work, settings, identity.claims)
    hint = identity.id_token if len(identity.id_token or "") <= LONGEST_HINT else None
    carried = {"names": names, "claims": claims, "proven_at": proven_at, "id_token": hint}
    waiting = Waiting(
        upstream=settings.key,
        browser=digest(browser).hex(),
        nonce=new_opaque(),
        destination=destination,
        identity=identity.__dict__ | carried | {"tokens": _carried_tokens(identity.tokens)},
    )
    return work.vault.seal(asdict(waiting), purpose=PURPOSE, now=work.now, lifetime=LIFETIME)


def unseal(work: UnitOfWork, text: str, *, upstream: str, browser: str | None) -> Waiting:
    """Return the sign-up. Raises StateLost if it is not ours, has expired, or belongs to another browser."""
    value = work.vault.unseal(text, purpose=PURPOSE, now=work.now)
    waiting = None if value is None else Waiting(**value)
    if waiting is None or browser is None or (waiting.upstream, waiting.browser) != (upstream, digest(browser).hex()):
        raise StateLost
    return waiting


def spend(work: UnitOfWork, waiting: Waiting) -> UpstreamIdentity:
    """Use up the sign-up, and return the identity. Raises StateSpent."""
    if not used_states.spend(work.db, digest(waiting.nonce), expires_at=work.now + LIFETIME):
        raise StateSpent
    at, tokens = waiting.identity["proven_at"], waiting.identity["tokens"]
    typed = {
        "proven_at": None if at is None else datetime.fromtimestamp(at, UTC),
        "tokens": None if tokens is None else of_json(tokens),
    }
    return UpstreamIdentity(**{**waiting.identity, **typed})


def _carried_tokens(tokens: IssuedTokens | None) -> dict[str, Any] | None:
    if tokens is None or len(tokens.pair.access_token) + len(tokens.pair.refresh_token or "") > LONGEST_TOKENS:
        return None
    return as_json(tokens)


def _needed(work: UnitOfWork, settings: UpstreamSettings, claims: Mapping[str, Any]) -> dict[str, Any]:
    texts = {path: value_of(claims, path) for path in settings.profile_claims.values()}
    kept: dict[str, Any] = {
        path: value for path, value in texts.items() if isinstance(value, str) and len(value) <= LONGEST_TEXT
    }
    accepted = attributes_of(work, settings, claims)
    kept |= {path: value_of(claims, path) for name, path in settings.attribute_claims.items() if name in accepted}
    lists: dict[str, set[str]] = {}
    if settings.roles_claim is not None:
        roles = (one for one in texts_of(claims, settings.roles_claim) if one in settings.roles)
        lists.setdefault(settings.roles_claim, set()).update(roles)
    if settings.claim_of_groups is not None:
        groups = sorted(groups_of(work, settings, claims))[:MOST_CARRIED]
        lists.setdefault(settings.claim_of_groups, set()).update(groups)
    return {path: sorted(found) for path, found in lists.items()} | kept
