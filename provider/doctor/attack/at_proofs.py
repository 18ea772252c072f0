"""Probes of tokens that are bound to a key of the app (DPoP, RFC 9449)."""

import hashlib
import json
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from provider.crypto.digests import digest, new_opaque
from provider.doctor.attack.probe import probe
from provider.doctor.attack.wire import Unclear
from provider.doctor.attack.world import TOKEN, USERINFO, World, first, inactive, read, rejected, tokens_of
from provider.doctor.transport import Response
from provider.jose import base64url

WHY = "A token that was stolen could be used without the key that it is bound to."


@cache
def _key(name: str) -> ECKey:
    """Return the key of the app, or that of an attacker."""
    assert name  # noqa: S101  # keeps the keys apart
    return ECKey.generate_key("P-256")


def _proof(world: World, method: str, path: str, *, token: str | None = None, key: str = "app", **changes: Any) -> str:
    """Return a proof for one request, with changes of its claims; None leaves a claim out."""
    claims: dict[str, Any] = {
        "jti": new_opaque(),
        "htm": method,
        "htu": world.case.url + path,
        "iat": int(world.case.now().timestamp()),
        "ath": None if token is None else base64url.encode(hashlib.sha256(token.encode()).digest()).decode(),
        **changes,
    }
    given = {name: value for name, value in claims.items() if value is not None}
    world.wire.proofs.append(digest(f"{_key(key).thumbprint()}.{claims['jti']}"))
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": _key(key).as_dict(private=False)}
    return jws.serialize_compact(header, json.dumps(given).encode(), _key(key), algorithms=["ES256"])


def _bound_tokens(world: World) -> dict[str, Any]:
    """Return tokens of the public client that are bound to the app's key. Raises Unclear."""
    code = world.code(world.guests.public)
    form = {
        "grant_type": "authorization_code",
        "code": code.value,
        "redirect_uri": code.client.redirect_uri,
        "code_verifier": code.verifier,
        "client_id": code.client.client_id,
    }
    answer = _with_nonce(world, form)
    tokens = tokens_of(answer)
    if tokens.get("token_type") != "DPoP":
        raise Unclear(f"The tokens are of type {tokens.get('token_type')}, and not bound to a key.")
    return tokens


def _with_nonce(world: World, form: dict[str, str], **options: str) -> Response:
    """Send a form with a proof, again with a nonce if one is required."""
    answer = world.wire.send("POST", TOKEN, headers={"DPoP": _proof(world, "POST", TOKEN, **options)}, form=form)
    nonce = answer.header("dpop-nonce")
    if read(answer).get("error") == "use_dpop_nonce" and nonce is not None:
        proof = _proof(world, "POST", TOKEN, nonce=nonce, **options)
        answer = world.wire.send("POST", TOKEN, headers={"DPoP": proof}, form=form)
    return answer


def _userinfo(world: World, token: str, proof: str | None) -> Response:
    proofs = {} if proof is None else {"DPoP": proof}
    return world.wire.send("GET", USERINFO, headers={"Authorization": f"DPoP {token}", **proofs})


@probe(
    "bound-token-as-bearer",
    tries="An access token that is bound to a key, sent as a bearer token, and without a proof",
    must="401",
    why=WHY,
    section="RFC 9449 section 7.2",
)
def as_bearer(world: World) -> str | None:
    token = _bound_tokens(world)["access_token"]
    return first([inactive(world.userinfo(token)), inactive(_userinfo(world, token, None))])


@probe(
    "wrong-proof",
    tries="A proof of another key, for another token, URL or method, of an hour ago, and without a method",
    must="401",
    why=WHY,
    section="RFC 9449 section 4.3",
)
def wrong_proof(world: World) -> str | None:
    token = _bound_tokens(world)["access_token"]
    hour_ago = int(world.case.now().timestamp()) - 3600
    changes: tuple[dict[str, Any], ...] = (
        {"key": "attacker"},
        {"token": new_opaque()},
        {"htu": f"{world.case.url}{TOKEN}"},
        {"htm": "POST"},
        {"htm": None},
        {"iat": hour_ago},
    )
    proofs = [_proof(world, "GET", USERINFO, **{"token": token, **change}) for change in changes]
    return first([inactive(_userinfo(world, token, proof)) for proof in proofs])


@probe(
    "proof-replay",
    tries="A proof that is used twice",
    must="the second use is rejected with 401",
    why="Someone who sees a request, for example in a log of a proxy, could repeat it.",
    section="RFC 9449 section 11.1",
)
def proof_replay(world: World) -> str | None:
    token = _bound_tokens(world)["access_token"]
    proof = _proof(world, "GET", USERINFO, token=token)
    before = _userinfo(world, token, proof)
    nonce = before.header("dpop-nonce")
    if before.status == 401 and nonce is not None:
        proof = _proof(world, "GET", USERINFO, token=token, nonce=nonce)
        before = _userinfo(world, token, proof)
    if before.status != 200:
        raise Unclear(f"The first use is answered with {before.status}, so this is no verdict about the second.")
    return inactive(_userinfo(world, token, proof))


@probe(
    "refresh-with-another-key",
    tries="A refresh token of a public client that is bound to a key, with a proof of another key, and without one",
    must="invalid_grant or invalid_dpop_proof",
    why=WHY,
    section="RFC 9449 section 5",
)
def refresh_with_another_key(world: World) -> str | None:
    token = _bound_tokens(world)["refresh_token"]
    client_id = world.guests.public.client_id
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id}
    answers = (world.wire.send("POST", TOKEN, form=form), _with_nonce(world, form, key="attacker"))
    return first([rejected(answer, "invalid_grant", "invalid_dpop_proof") for answer in answers])
