"""Signing keys: upcoming, current, retired; rotation; the key set relying apps verify with (RFC 7517).

The private part is encrypted at rest. A process parses each key once and keeps it (an import costs 27 ms); it looks for
changes every SIGNET_KEY_CACHE seconds, and at once when a token names a key it does not know.
"""

import base64
import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.oauth.store import signing_keys
from provider.oauth.store.signing_keys import SigningKeyRow, State
from provider.refusals import Refusal
from provider.settings import Settings, SettingsError
from provider.work import Installation, UnitOfWork, unit_of_work

RS256 = "RS256"
ES256 = "ES256"
ALGORITHMS = (RS256, ES256)
"""Every installation has a current key of each."""

RSA_BITS = 2048
PURPOSE = "signing-key"


class UnknownKey(Refusal):
    status_code = 404
    message = Text("There is no such signing key, or it is not in the state this needs.")


@dataclass(frozen=True)
class Signer:
    """The current key of an algorithm."""

    kid: str
    alg: str
    key: RSAKey | ECKey

    def sign(self, claims: dict[str, Any], *, typ: str) -> str:
        return jwt.encode({"typ": typ, "kid": self.kid, "alg": self.alg}, claims, self.key, algorithms=[self.alg])


@dataclass(frozen=True)
class KeyRing:
    """The keys of an installation at one moment, parsed."""

    signers: dict[str, Signer]
    verifying: dict[str, tuple[str, Any]]
    """kid -> (alg, key)."""
    past: dict[str, tuple[str, Any]]
    """The same of keys whose last token has expired: they only tell that an old token was ours."""
    jwks: bytes
    etag: str


class SignatureRefused(Exception):
    """Not signed by us, or by a key that no longer counts."""


@dataclass
class Keys:
    """The key ring of this process."""

    installation: Installation
    _ring: KeyRing | None = None
    _read_at: datetime | None = None
    _parsed: dict[str, RSAKey | ECKey] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ring(self, work: UnitOfWork | None = None) -> KeyRing:
        """The current ring. Without `work`, whatever was read last (the key set stays up when the database is down)."""
        if self._ring is not None and (work is None or not self._is_stale(work)):
            return self._ring
        if work is None:
            with unit_of_work(self.installation) as fresh:
                return self.ring(fresh)
        return self._reload(work, seen=self._read_at)

    def _is_stale(self, work: UnitOfWork) -> bool:
        keep = timedelta(seconds=work.settings.key_cache)
        return self._read_at is None or not timedelta(0) <= work.now - self._read_at < keep

    def _reload(self, work: UnitOfWork, *, seen: datetime | None) -> KeyRing:
        with self._lock:
            if self._ring is not None and self._read_at != seen:
                return self._ring  # another thread has just done it
            self._ring = self._parse(work, signing_keys.find_all(work.read))
            self._read_at = work.now
            return self._ring

    def _parse(self, work: UnitOfWork, rows: list[SigningKeyRow]) -> KeyRing:
        signers: dict[str, Signer] = {}
        verifying: dict[str, tuple[str, Any]] = {}
        past: dict[str, tuple[str, Any]] = {}
        published: list[dict[str, Any]] = []
        for row in rows:
            if row.state == State.REVOKED:
                continue
            if row.expires_at is not None and row.expires_at <= work.now:
                if row.kid not in self._parsed:
                    self._parsed[row.kid] = _import(row.public)
                past[row.kid] = (row.alg, self._parsed[row.kid])
                continue
            published.append(row.public)
            if row.kid not in self._parsed:
                if row.private is None:
                    continue
                private = work.vault.decrypt(row.private, purpose=PURPOSE, context=row.kid)
                self._parsed[row.kid] = _import(json.loads(private))
            key = self._parsed[row.kid]
            verifying[row.kid] = (row.alg, key)
            if row.state == State.CURRENT:
                signers[row.alg] = Signer(row.kid, row.alg, key)
        missing = [alg for alg in ALGORITHMS if alg not in signers]
        if missing:
            raise SettingsError(
                f"no current signing key for {', '.join(missing)}; `signet migrate` makes the first ones"
            )
        jwks = json.dumps({"keys": published}, separators=(",", ":")).encode()
        return KeyRing(signers, verifying, past, jwks, f'"{sha256(jwks).hexdigest()[:16]}"')

    def signer(self, work: UnitOfWork, alg: str = RS256) -> Signer:
        return self.ring(work).signers[alg]

    def verify(self, work: UnitOfWork, token: str, *, typ: str, even_past: bool = False) -> dict[str, Any]:
        """The claims of a JWT we signed; times are not checked. Raises SignatureRefused.

        `even_past` also takes keys whose last token has expired, but not revoked ones: an id_token_hint is good however
        old it is (OIDC Core section 3.1.2.1, RP-Initiated Logout section 2).

        The key decides the algorithm, never the header; `jwk`, `jku`, `x5u` and `crit` are not honoured (RFC 8725
        sections 3.1, 3.10).
        """
        header = _header_of(token)
        if str(header.get("typ", "")).lower().removeprefix("application/") != typ:
            raise SignatureRefused("another type of token")
        if "crit" in header or "b64" in header:
            raise SignatureRefused("critical header parameters")
        kid = header.get("kid")
        ring = self.ring(work)
        if not isinstance(kid, str) or kid not in ring.verifying:
            ring = (
                self._reload(work, seen=self._read_at)
                if isinstance(kid, str) and len(kid) == 43 and self._is_older(work)
                else ring
            )
        try:
            known = ring.verifying | ring.past if even_past else ring.verifying
            alg, key = known[str(kid)]
            claims = jwt.decode(token, key, algorithms=[alg]).claims
        except (KeyError, JoseError, ValueError, TypeError) as error:
            raise SignatureRefused(type(error).__name__) from None
        if not isinstance(claims, dict):
            raise SignatureRefused("not a claims object")
        return claims

    def _is_older(self, work: UnitOfWork) -> bool:
        # An unknown kid may be a key another node has just made; forged ones must not cost a query each.
        return self._read_at is None or abs(work.now - self._read_at) >= timedelta(seconds=1)


def _header_of(token: str) -> dict[str, Any]:
    try:
        head = token.split(".", 1)[0]
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise SignatureRefused("not a JWT") from None
    if not isinstance(header, dict):
        raise SignatureRefused("not a JWT")
    return header


def _import(private: dict[str, Any]) -> RSAKey | ECKey:
    return RSAKey.import_key(private) if private["kty"] == "RSA" else ECKey.import_key(private)


def create_first_keys(work: UnitOfWork) -> list[str]:
    """Give an installation without keys its current ones. The kids made; none when there were keys."""
    if signing_keys.find_all(work.read):
        return []
    made = [_generate(work, alg, State.CURRENT) for alg in ALGORITHMS]
    return [_add(work, row) for row in made]


def rotate(work: UnitOfWork, *, alg: str = RS256, at_once: bool = False) -> tuple[str, str]:
    """One step of the rotation: the upcoming key becomes current, and a new upcoming one is published.

    Without an upcoming key it is only published, unless `at_once`. Returns (the current kid, the upcoming kid).
    """
    if alg not in ALGORITHMS:
        raise UnknownKey(f"The algorithms are {', '.join(ALGORITHMS)}.")
    rows = [row for row in signing_keys.find_all(work.read) if row.alg == alg]
    current = next(row for row in rows if row.state == State.CURRENT)
    upcoming = next((row for row in rows if row.state == State.UPCOMING), None)
    fresh = _generate(work, alg, State.UPCOMING)
    spare = _generate(work, alg, State.UPCOMING) if at_once and upcoming is None else None
    if spare is not None:
        upcoming = spare
        _add(work, spare)
    if upcoming is None:
        _add(work, fresh)
        return current.kid, fresh.kid
    retires = work.now + _longest_token(work.settings)
    if not signing_keys.move(work.db, current.kid, frm=State.CURRENT, to=State.RETIRED, expires_at=retires):
        raise UnknownKey("Another rotation is under way.")
    signing_keys.move(work.db, upcoming.kid, frm=State.UPCOMING, to=State.CURRENT)
    _add(work, fresh)
    record(work, Event.KEY_ROTATED, retired=current.kid, current=upcoming.kid, alg=alg)
    return upcoming.kid, fresh.kid


def revoke(work: UnitOfWork, *, kid: str) -> None:
    """Emergency: the key verifies nothing any more. A current key is first replaced, so that signing goes on."""
    row = next((row for row in signing_keys.find_all(work.read) if row.kid == kid), None)
    if row is None or row.state == State.REVOKED:
        raise UnknownKey
    if row.state == State.CURRENT:
        rotate(work, alg=row.alg, at_once=True)
    signing_keys.revoke(work.db, kid)
    record(work, Event.KEY_REVOKED, kid=kid, alg=row.alg)


def list_keys(work: UnitOfWork) -> list[SigningKeyRow]:
    return signing_keys.find_all(work.read)


def _longest_token(settings: Settings) -> timedelta:
    return max(settings.access_token_lifetime, settings.id_token_lifetime) + timedelta(minutes=5)


def _generate(work: UnitOfWork, alg: str, state: State) -> SigningKeyRow:
    use: Any = {"use": "sig", "alg": alg}
    key: RSAKey | ECKey
    kid = "-"
    while kid.startswith("-"):  # a shell takes it for an option: `signet key revoke KID`
        key = RSAKey.generate_key(RSA_BITS, use) if alg == RS256 else ECKey.generate_key("P-256", use)
        kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid, **use}
    private = json.dumps({**key.as_dict(private=True), "kid": kid, **use})
    return SigningKeyRow(
        kid=kid,
        alg=alg,
        public=public,
        private=work.vault.encrypt(private.encode(), purpose=PURPOSE, context=kid),
        state=state,
        created_at=work.now,
        expires_at=None,
    )


def _add(work: UnitOfWork, row: SigningKeyRow) -> str:
    signing_keys.add(work.db, row)
    record(work, Event.KEY_CREATED, kid=row.kid, alg=row.alg, state=row.state)
    return row.kid
