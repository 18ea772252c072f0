"""Changing what a token says, and signing it again: with Signet's key, with a stranger's, or not at all."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from provider.jose import base64url
from provider.jose.algorithms import half_hash
from provider.jose.json_objects import write_json
from provider.jose.registry import Registry

Sign = Callable[[str, dict[str, Any], dict[str, Any]], str]
"""A function that signs a header and claims with the key of a `kid`, and returns the token."""
FOREIGN_ISSUER = "https://attacker.example"
FOREIGN_KEY = Path(__file__).with_name("foreign_key.json")
FAR = 3600
"""How far outside of its validity a changed token is, in seconds: more than any leeway."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is wrong with a token. `claims` and `header` replace members; None removes one."""

    expired: bool = False
    not_yet_valid: bool = False
    wrong_issuer: bool = False
    wrong_audience: bool = False
    foreign_key: bool = False
    unsigned: bool = False
    claims: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changes_something(self) -> bool:
        return self != Change()

    def apply(self, token: str, sign: Sign) -> str:
        """Return the token with the changes.

        A token that is not a JWT of ours, such as an encrypted one, is returned as it is.
        """
        parts = token.split(".")
        if len(parts) != 3:
            return token
        header, claims = (json.loads(base64url.decode(part)) for part in parts[:2])
        return self.signed(header, claims, sign)

    def signed(self, header: dict[str, Any], claims: dict[str, Any], sign: Sign) -> str:
        """Return a token of these claims with the changes."""
        kid, claims = header["kid"], self._changed(claims)
        wanted = {"alg": "none"} if self.unsigned else {"alg": "RS256"} if self.foreign_key else {}
        header = _replaced(header | wanted, self.header)
        if self.unsigned:
            return f"{_part(header)}.{_part(claims)}."
        if self.foreign_key:
            return sign_with(foreign_key(), header, claims)
        return sign(kid, header, claims)

    def _changed(self, claims: dict[str, Any]) -> dict[str, Any]:
        lifetime = claims["exp"] - claims["iat"]
        if self.expired:
            end = claims["iat"] - FAR
            claims |= {"exp": end, "iat": end - lifetime}
            if "auth_time" in claims:
                claims["auth_time"] = min(claims["auth_time"], claims["iat"])
        if self.not_yet_valid:
            begin = claims["iat"] + FAR
            claims |= {"iat": begin, "nbf": begin, "exp": begin + lifetime}
        if self.wrong_issuer:
            claims["iss"] = FOREIGN_ISSUER
        if self.wrong_audience:
            claims["aud"] = "another-audience"
        return _replaced(claims, self.claims)


def with_wrong_tokens(
    response: Mapping[str, Any], changes: Iterable[Mapping[str, Change]], sign: Sign
) -> dict[str, Any]:
    """Return a response with tokens after these changes of its members. The `at_hash` of the ID token stays right."""
    changed = dict(response)
    # Access tokens first, so that a change of `at_hash` is the last.
    for change in sorted(changes, key=lambda change: "access_token" not in change):
        changed |= {name: how.apply(changed[name], sign) for name, how in change.items() if name in changed}
        if "access_token" in change and changed.keys() >= {"id_token", "access_token"}:
            changed["id_token"] = _with_at_hash(changed["id_token"], changed["access_token"], sign)
    return changed


def _with_at_hash(id_token: str, access_token: str, sign: Sign) -> str:
    """Return the ID token with the `at_hash` of a changed access token (OIDC Core section 3.1.3.6)."""
    header = json.loads(base64url.decode(id_token.split(".", maxsplit=1)[0]))
    if header["alg"] not in Registry.algorithms:  # it is encrypted
        return id_token
    return Change(claims={"at_hash": half_hash(access_token, header["alg"])}).apply(id_token, sign)


def sign_with(key: Any, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return a JWT with this header, signed by a key of its algorithm."""
    signed = f"{_part(header)}.{_part(claims)}"
    signature = Registry.algorithms[header["alg"]].sign(signed.encode(), key)
    return f"{signed}.{base64url.encode(signature).decode()}"


@cache
def foreign_key() -> RSAKey:
    """Return a key that no Signet publishes. It is in this package, so that no test waits for a new one."""
    return RSAKey.import_key(json.loads(FOREIGN_KEY.read_text("utf-8")))


def _part(value: Mapping[str, Any]) -> str:
    return base64url.encode(write_json(dict(value))).decode()


def _replaced(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not None}
