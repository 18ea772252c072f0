"""The key ring of a process: the keys it signs and verifies with now, and the published key set (RFC 7517).

A process parses each key once and keeps it (an RSA import costs 27 ms). It looks for changes every SIGNET_KEY_CACHE
seconds, and immediately when a token names an unknown key.
"""

import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from provider.config.environment import SettingsError
from provider.jose import base64url
from provider.jose.algorithms import KEY_PAIRS, ON_REQUEST, RS256
from provider.jose.json_objects import write_json
from provider.jose.registry import Registry
from provider.jose.signed_jwts import InvalidJwt, read_jwt
from provider.oauth.keys import copies, requested_algorithms, uses
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.key_pairs import Key, kid_for, open_private, open_public, published_keys, row_of
from provider.oauth.keys.store import SigningKeyRow, State
from provider.runtime import greenlets
from provider.work import Installation, UnitOfWork, unit_of_work


@dataclass(frozen=True)
class Signer:
    """The current key of an algorithm."""

    kid: str
    alg: str
    key: Key

    def sign(self, claims: dict[str, Any], *, typ: str) -> str:
        """Return the claims as a JWT in the compact serialization (RFC 7515 section 7.1)."""
        signed = _header_part(typ, self.kid, self.alg) + base64url.encode(write_json(claims))
        signature = Registry.algorithms[self.alg].sign(signed, self.key)
        return f"{signed.decode()}.{base64url.encode(signature).decode()}"


@lru_cache(maxsize=64)
def _header_part(typ: str, kid: str, alg: str) -> bytes:
    """Return the header of a JWT, encoded, with the dot behind it."""
    return base64url.encode(write_json({"typ": typ, "kid": kid, "alg": alg})) + b"."


@dataclass(frozen=True)
class KeyRing:
    """The keys of an installation at one moment, parsed."""

    signers: dict[str, Signer]
    """The signers, by algorithm."""
    verifying: dict[str, tuple[str, Key]]
    """The keys that verify: kid to (alg, key)."""
    past: dict[str, tuple[str, Key]]
    """Keys whose last token has expired: kid to (alg, key). They only show that an old token was signed by us."""
    superseded: frozenset[str]
    """The kids of keys that sign nothing new. Who still sends their tokens is counted."""
    watched: tuple[tuple[str, datetime], ...]
    """The keys that apps need to know, with the time of their creation (`copies`)."""
    requested: frozenset[str]
    """The algorithms of `ON_REQUEST` that are published."""
    jwks: bytes
    etag: str


class SignatureRefused(Exception):
    """A JWT that was not signed here, or was signed by a key that is no longer valid."""


@dataclass
class Keys:
    """The key ring of this process."""

    installation: Installation
    _ring: KeyRing | None = None
    _read_at: datetime | None = None
    _parsed: dict[str, Key] = field(init=False)
    _lock: greenlets.Lock = field(default_factory=greenlets.Lock)
    is_outdated: bool = False
    """Whether a key was used that is not in the published key set yet, which has to be read again at once."""

    def __post_init__(self) -> None:
        known = {} if self._ring is None else self._ring.past | self._ring.verifying
        self._parsed = {row_of(kid): key for kid, (_alg, key) in known.items()}

    def ring(self, work: UnitOfWork | None = None) -> KeyRing:
        """Return the current ring.

        Without `work`, returns the ring that was read last (the key set stays available when the database is down).
        """
        if self._ring is not None and (work is None or not self._is_stale(work)):
            return self._ring
        if work is None:
            with unit_of_work(self.installation) as fresh:
                return self.ring(fresh)
        return self._reload(work, seen=self._read_at)

    @property
    def known(self) -> KeyRing | None:
        """The ring that was read last, however old, or None. It needs no database."""
        return self._ring

    def _is_stale(self, work: UnitOfWork) -> bool:
        keep = timedelta(seconds=work.settings.key_cache)
        return self._read_at is None or not timedelta(0) <= work.now - self._read_at < keep

    def _reload(self, work: UnitOfWork, *, seen: datetime | None) -> KeyRing:
        with self._lock:
            if self._ring is not None and self._read_at != seen:
                return self._ring  # another thread has just done it
            self._ring = self._parse(work, signing_keys.find_all(work.read), requested_algorithms.find_all(work.read))
            self._read_at, self.is_outdated = work.now, False
            return self._ring

    def _parse(self, work: UnitOfWork, rows: list[SigningKeyRow], requested: frozenset[str]) -> KeyRing:
        signers: dict[str, Signer] = {}
        verifying: dict[str, tuple[str, Key]] = {}
        past: dict[str, tuple[str, Key]] = {}
        published: list[dict[str, Any]] = []
        superseded: set[str] = set()
        newest = min((row.created_at for row in rows), default=work.now)
        for row in rows:
            if (
                row.state == State.REVOKED or row.alg not in KEY_PAIRS
            ):  # one that a newer version made is not ours to use
                continue
            over = row.expires_at is not None and row.expires_at <= work.now
            key = self._open(work, row)
            for alg in KEY_PAIRS[row.alg]:
                kid = kid_for(row.kid, alg)
                (past if over else verifying)[kid] = (alg, key)
                if row.state == State.RETIRED:
                    superseded.add(kid)
                if row.state == State.CURRENT:
                    signers[alg] = Signer(kid, alg, key)
            if not over:
                published += published_keys(row, requested)
                newest = max(newest, row.created_at)
        missing = [name for name in KEY_PAIRS if name not in signers]
        if missing:
            raise SettingsError(f"no current signing key for {', '.join(missing)}; `signet migrate` creates it")
        jwks = json.dumps({"keys": published}, separators=(",", ":")).encode()
        etag = copies.etag_of(sha256(jwks).hexdigest(), newest)
        return KeyRing(signers, verifying, past, frozenset(superseded), copies.watched(rows), requested, jwks, etag)

    def _open(self, work: UnitOfWork, row: SigningKeyRow) -> Key:
        if row.kid not in self._parsed:
            signs = row.state in {State.UPCOMING, State.CURRENT}
            self._parsed[row.kid] = open_private(work.vault, row) if signs else open_public(row)
        return self._parsed[row.kid]

    def signer(self, work: UnitOfWork, alg: str = RS256) -> Signer:
        """Return the signer of an algorithm. The first use of one in `ON_REQUEST` lets its key be published."""
        ring = self.ring(work)
        if alg in ON_REQUEST and alg not in ring.requested:
            # The client was registered after the ring was read, or by a release that did not note it.
            # In a transaction of its own, so that another server can still be asked for keys to encrypt to.
            with nullcontext(work.db) if work.writing else work.aside() as db:
                requested_algorithms.add(db, {alg}, now=work.now)
            self._read_at, self.is_outdated = None, True
        return ring.signers[alg]

    def verify(
        self, work: UnitOfWork, token: str, *, typ: str, even_past: bool = False, is_use: bool = True
    ) -> dict[str, Any]:
        """Return the claims of a JWT signed by us; times are not checked. Raises SignatureRefused.

        `even_past` also accepts keys whose last token has expired, but not revoked ones. An id_token_hint is valid
        however old it is (OIDC Core section 3.1.2.1, RP-Initiated Logout section 2). Without `is_use`, the token is
        only looked at: it does not count as a use of its key.

        The key decides the algorithm, never the header; `jwk`, `jku`, `x5u` and `crit` are not honoured (RFC 8725
        sections 3.1, 3.10).
        """
        try:
            jwt = read_jwt(token)
        except InvalidJwt as invalid:
            raise SignatureRefused(invalid.reason) from None
        if (jwt.typ or "").lower().removeprefix("application/") != typ:
            raise SignatureRefused("it is another type of token")
        ring, kid = self.ring(work), str(jwt.kid)
        if kid not in ring.verifying and len(row_of(kid)) == 43 and self._is_older(work):
            ring = self._reload(work, seen=self._read_at)
        known = ring.verifying | ring.past if even_past else ring.verifying
        alg, key = known.get(kid, ("", None))
        if key is None or jwt.alg != alg or not jwt.is_signed_by(key):
            raise SignatureRefused("no key of this server signed it")
        if kid in ring.superseded and is_use:
            uses.count_token(row_of(kid), typ, jwt.claims, now=work.now)
        return jwt.claims

    def _is_older(self, work: UnitOfWork) -> bool:
        # An unknown kid may be a key another node has just made; forged ones must not cost a query each.
        return self._read_at is None or abs(work.now - self._read_at) >= timedelta(seconds=1)
