"""Clients whose client_id is the URL of a document with their metadata, instead of a registration.

See draft-ietf-oauth-client-id-metadata-document-01. The document is fetched when the client is met first and when its
copy is old, and stored like the metadata of a registered client. A document that is gone, or wrong, ends the client
until it is right again; a server that is down does so for new requests only, as long as the copy is not too old.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from authlib.oauth2 import OAuth2Error

from provider.jose.json_objects import read_object
from provider.oauth.checks import Checks
from provider.oauth.clients import clients as rules
from provider.oauth.clients import registration
from provider.oauth.clients.choices import PRIVATE_KEY_JWT
from provider.oauth.clients.client_cache import Clients
from provider.oauth.clients.clients import Client, find_client
from provider.oauth.clients.document_urls import (
    host_of_document,
    is_document_url,
    is_listed,
    may_have_documents,
    problem_with_url,
)
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.store import clients as store
from provider.oauth.errors import ClientKeysUnavailableError
from provider.observability.logging import log
from provider.observability.metrics import CLIENT_DOCUMENTS
from provider.outbound.answers import Answer, OutboundFailed, OutboundRefused
from provider.outbound.client import ANY_JSON, FAILURE_KEPT, Outbound
from provider.outbound.freshness import fresh_for
from provider.ratelimits import LIMITS, hit, of_network
from provider.refusals import Unavailable
from provider.work import UnitOfWork, unit_of_work

DRAFT = "Client ID Metadata Document section"
LARGEST = 5 * 1024
"""The largest document in bytes (section 6.6)."""
TYPES = ("application/json", ANY_JSON)
SHORTEST, USUAL, LONGEST = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
"""How long a copy is fresh: at least, if the server does not say, and at most (section 4.3)."""
KEPT_FOR = timedelta(days=1)
"""How long tokens are refreshed with an old copy while the server is down."""
NEW_FOR = timedelta(days=1)
"""How long a client is stored before a user has allowed it anything. Anyone can make us store one."""
METHODS = ("none", PRIVATE_KEY_JWT)
RETRIED = frozenset({408, 429})
"""Statuses below 500 that say nothing about the document."""
MOST_PER_HOST = 2
MOST_FAILING = 1000


@dataclass
class MetadataDocuments:
    """The fetches of this process: at most one at a time for each host, and never all threads that may wait."""

    _turns: Counter[str] = field(default_factory=Counter)
    _hosts: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    _failing: dict[str, tuple[datetime, OutboundFailed]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Ask the next time also those servers that failed a moment ago."""
        self._failing.clear()

    def find(
        self,
        work: UnitOfWork,
        clients: Clients,
        known: Client | None,
        checks: Checks,
        client_id: str,
        *,
        error: type[OAuth2Error],
        may_be_new: bool = True,
        must_be_fresh: bool = False,
    ) -> Client | None:
        """Return the client with this client_id, or None. `known` is what is stored about it, registered or not.

        `may_be_new`: a client that was never met is looked for at its URL. `must_be_fresh`: an old copy does not do.
        Raises `error` if the document cannot be used, ClientKeysUnavailableError (503) if its server is down.
        """
        if not is_document_url(client_id) or (known is not None and not known.has_document):
            return known
        if known is None and not may_be_new:
            return None
        self._require_allowed(work, checks, client_id, error)
        if known is not None and (known.disabled or _is_fresh(known, work)):
            return known
        outbound = work.outbound  # in an ordinary thread nobody waits for it
        if known is None:
            hit(work, LIMITS.client_document, key=of_network(work, "client-document"))
        with self._turn(work, host_of_document(client_id)):
            known = clients.read(work, client_id)
            if known is not None and (not known.has_document or _is_fresh(known, work)):
                return known  # another thread or process has just done it
            try:
                answer = self._fetch(work, outbound, client_id)
                metadata = read_document(work, client_id, answer.body, before=known)
            except OutboundFailed as failed:
                if _says_nothing(failed):
                    if known is not None and not must_be_fresh and _is_kept(known, work):
                        return known
                    _refuse(checks, ClientKeysUnavailableError, "cannot be fetched right now", failed.reason)
                problem = "cannot be fetched. It must return 200 with JSON, without a redirect"
                _refuse(checks, error, problem, failed.reason)
            except (InvalidMetadata, ValueError) as invalid:
                CLIENT_DOCUMENTS.count("invalid")
                _refuse(checks, error, f"is not valid: {invalid}", "it was fetched")
            CLIENT_DOCUMENTS.count("fetched")
            _keep(work, client_id, metadata, _lifetime(answer, work))
            return clients.read(work, client_id)

    def _require_allowed(self, work: UnitOfWork, checks: Checks, url: str, error: type[OAuth2Error]) -> None:
        problem = problem_with_url(url, may_be_local=work.settings.loopback)
        checks.require(
            problem is None,
            "The URL can be a client_id",
            section=f"{DRAFT} 3",
            error=error,
            description=f"client_id is a URL that {problem}",
            expected="an https URL with a path, without user, fragment and dot segments",
            got=url,
            fix="Use another URL for the metadata document, in the document itself too.",
        )
        checks.require(
            may_have_documents(work.settings, url),
            "Apps of this domain can use metadata documents",
            section=f"{DRAFT} 6.8",
            error=error,
            description="client_id is a URL, and apps of its domain cannot be used here without registration",
            expected="a registered client, or a domain that is allowed",
            got=host_of_document(url),
            fix="Register the app with `signet client create`. Or allow its domain with SIGNET_CLIENT_DOCUMENTS and "
            "SIGNET_CLIENT_DOCUMENT_DOMAINS.",
        )

    @contextmanager
    def _turn(self, work: UnitOfWork, host: str) -> Iterator[None]:
        """Hold the turn of a host: one fetches and one waits. Raises Unavailable if more come, or for too many hosts.

        So a host that is slow holds up its own apps, and not the others that wait for a server.
        """
        with self._lock:
            most = max(1, work.settings.outbound_threads - 1)
            if self._turns[host] >= MOST_PER_HOST or self._turns.total() >= most:
                raise Unavailable
            self._turns[host] += 1
            turn = self._hosts[host]
        try:
            with turn:
                yield
        finally:
            with self._lock:
                self._turns[host] -= 1
                if not self._turns[host]:
                    del self._turns[host], self._hosts[host]

    def _fetch(self, work: UnitOfWork, outbound: Outbound, url: str) -> Answer:
        """Return the document. A host that did not answer a moment ago is not asked for any. Raises OutboundFailed."""
        host, listed = host_of_document(url), is_listed(work.settings, url)
        at, before = self._failing.get(host, (work.now, None))
        if before is not None and timedelta(0) <= work.now - at < FAILURE_KEPT:
            raise before
        self._failing.pop(host, None)
        try:
            return outbound.fetch(url, accept=TYPES, most=LARGEST, may_be_private=listed)
        except OutboundFailed as failed:
            CLIENT_DOCUMENTS.count("unavailable" if _says_nothing(failed) else "refused")
            log.warning("client_document.failed", client_id=url, reason=failed.reason)
            if failed.status is None:
                if len(self._failing) >= MOST_FAILING:
                    self._failing.clear()
                self._failing[host] = (work.now, type(failed)(f"{failed.reason} (a moment ago; not asked again yet)"))
            raise


def _says_nothing(failed: OutboundFailed) -> bool:
    """Return whether a failure says nothing about the document, only about its server at this moment."""
    status = failed.status
    return not isinstance(failed, OutboundRefused) and (status is None or status >= 500 or status in RETRIED)


def read_document(work: UnitOfWork, url: str, body: bytes, *, before: Client | None) -> ClientMetadata:
    """Return the metadata in a document, by the rules for clients that register themselves.

    May ask the client's server. Raises InvalidMetadata; ValueError for what is not a JSON object.
    """
    given = read_object(body)
    if given.get("client_id") != url:
        raise InvalidMetadata("client_id in it must be the URL of the document.")
    metadata = registration.read_metadata(work, _without_secrets(given), before=before)
    for grant_type in registration.FOR_HOLDERS:  # anyone can publish a document
        if grant_type in metadata.grant_types:
            raise InvalidMetadata(f"grant_types: a client with a metadata document cannot use {grant_type}.")
    return metadata


def _without_secrets(given: dict[str, Any]) -> dict[str, Any]:
    """Return the members, with an authentication method that needs no shared secret (section 4.1)."""
    secrets = sorted(name for name in given if name.startswith("client_secret"))
    if secrets:
        raise InvalidMetadata(f"{secrets[0]} cannot be in it, because everyone can read the document.")
    method = given.get("token_endpoint_auth_method") or METHODS[0]
    if method not in METHODS:
        raise InvalidMetadata(f"token_endpoint_auth_method must be {' or '.join(METHODS)}.")
    return given | {"token_endpoint_auth_method": method}


def _keep(work: UnitOfWork, url: str, metadata: ClientMetadata, lifetime: timedelta) -> None:
    """Store the metadata, in a transaction of its own: the request that led here may still be refused."""
    with unit_of_work(work.installation, work.origin) as own:
        store.queue_for(own.db, [url])
        before = find_client(own, url)
        if before is None:
            rules.create_client(own, metadata, client_id=url)
            store.set_expiry(own.db, url, own.now + NEW_FOR)
        elif before.metadata != metadata:
            rules.update_client(own, url, metadata, from_document=True)
        store.set_document_expiry(own.db, url, own.now + lifetime)


def _lifetime(answer: Answer, work: UnitOfWork) -> timedelta:
    said = fresh_for(answer.headers, now=work.now)
    return USUAL if said is None else min(max(said, SHORTEST), LONGEST)


def _is_fresh(client: Client, work: UnitOfWork) -> bool:
    return client.document_expires_at is not None and client.document_expires_at > work.now


def _is_kept(client: Client, work: UnitOfWork) -> bool:
    return client.document_expires_at is not None and client.document_expires_at + KEPT_FOR > work.now


def _refuse(checks: Checks, error: type[OAuth2Error], problem: str, reason: str) -> NoReturn:
    checks.refuse(
        "The client's metadata document can be used",
        section=f"{DRAFT} 4",
        error=error,
        description=f"client_id is a URL, and the metadata document there {problem}",
        expected="a JSON document with client_id, redirect_uris and no secret, of at most 5 KB",
        got="a document that cannot be used",
        fix=f"Open the URL and correct the document. Signet's request: {reason}.",
    )
