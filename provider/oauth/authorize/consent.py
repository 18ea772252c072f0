"""Consent: what a user granted to a client, and how to grant, withdraw and describe it."""

from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store import consents
from provider.oauth.authorize.store.consents import Consent
from provider.oauth.clients.clients import Client
from provider.oauth.scopes import CLAIM_IN_WORDS, OFFLINE_ACCESS, SCOPE_OF_CLAIM, in_words
from provider.oauth.tokens.store import grants
from provider.work import UnitOfWork


def granted(work: UnitOfWork, *, user_id: str, client: Client) -> Consent | None:
    """Return what the user granted this client before, or None.

    A public client cannot prove its identity, so nothing is remembered for it (RFC 6749 section 10.2).
    """
    if client.metadata.is_public:
        return None
    return consents.find(work.read, user_id, client.client_id)


def grant(work: UnitOfWork, *, user_id: str, client: Client, scopes: tuple[str, ...], claims: frozenset[str]) -> None:
    """Add scopes and claims to what the user granted before."""
    before = consents.find(work.db, user_id, client.client_id)
    all_scopes = sorted({*scopes, *(before.scopes if before else ())})
    all_claims = sorted({*claims, *(before.claims if before else ())})
    consents.put(work.db, Consent(user_id, client.client_id, all_scopes, all_claims, work.now))
    record(work, Event.CONSENT_GRANTED, user_id=user_id, client_id=client.client_id, scopes=list(scopes))


def withdraw(work: UnitOfWork, *, user_id: str, client_id: str) -> None:
    """Delete the consent and revoke every token family of this user and client."""
    consents.remove(work.db, user_id, client_id)
    families = grants.revoke_all(
        work.db, user_id=user_id, client_id=client_id, reason="consent withdrawn", now=work.now
    )
    record(work, Event.CONSENT_WITHDRAWN, user_id=user_id, client_id=client_id, families=families)


def deny(work: UnitOfWork, *, user_id: str, client_id: str) -> None:
    """Record that the user declined. Earlier consent stays in effect."""
    record(work, Event.CONSENT_DENIED, user_id=user_id, client_id=client_id)


def permissions_in_words(request: AuthorizationRequest) -> list[Text]:
    """List what the request asks for, one line each, as the consent page shows it. An API's scope is shown by name."""
    lines = list(dict.fromkeys(in_words(token) for token in request.scope if token != OFFLINE_ACCESS))
    extra = [name for name in sorted(request.claims.names) if SCOPE_OF_CLAIM[name] not in request.scope]
    lines += dict.fromkeys(CLAIM_IN_WORDS[name] for name in extra)
    return [*lines, in_words(OFFLINE_ACCESS)] if request.offline else lines
