"""DPoP proofs and client assertions: what can be checked of them here, without asking another server."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from provider.inspection.findings import Fact, Part, shown
from provider.inspection.reader import Reader
from provider.jose import base64url
from provider.jose.algorithms import DPOP_SIGNATURES
from provider.jose.json_objects import read_object
from provider.jose.key_sets import InvalidKey, PublicKey, choose_keys, parse_key
from provider.jose.signed_jwts import SignedJwt
from provider.jose.times import is_numeric_date
from provider.oauth.client_authentication.client_jwts import has_mac
from provider.oauth.clients.clients import Client
from provider.oauth.sender_constraint.dpop import OLDEST

SECTION = "RFC 9449 section 4.3"
NEEDED = ("jti", "htm", "htu", "iat")


def check_proof(reader: Reader, text: str, jwt: SignedJwt) -> list[Part]:
    """Return the checks of a DPoP proof that need no request: its key, signature, URL and age. Whether it was used
    before is not looked up.
    """
    key, problem = _key_of(text)
    signed = key is not None and jwt.alg in DPOP_SIGNATURES and bool(choose_keys((key,), alg=jwt.alg, kid=None))
    signed = signed and key is not None and jwt.is_signed_by(key.key)
    said = "by the key in its header" if signed else "not by the key in its header"
    usual = f"alg must be one of {', '.join(DPOP_SIGNATURES)}, and sign with this key."
    facts = [_fact("signature", said, signed, problem or usual)]
    if key is not None:
        meaning = "A token is bound to this key if its cnf.jkt is the same."
        facts.append(Fact(name="jkt", value=str(key.key.thumbprint()), meaning=meaning, section="RFC 9449 section 6.1"))
    lacking = [name for name in NEEDED if name not in jwt.claims]
    facts.append(_fact("claims", "complete", not lacking, f"{', '.join(lacking)} is missing."))
    htu = str(jwt.claims.get("htu", ""))
    ours = unquote(htu).startswith(f"{reader.server.issuer}/")
    facts.append(
        _fact("htu", shown(htu), ours and not set(htu) & set("?#"), "Not the URL of an endpoint here, without query.")
    )
    facts.append(_age(reader, jwt.claims))
    return [Part("Checks", facts)]


def _key_of(text: str) -> tuple[PublicKey | None, str]:
    """Return the key in the header of a proof, or what is wrong with it."""
    try:
        jwk = read_object(base64url.decode(text.partition(".")[0])).get("jwk")
        return parse_key(jwk), ""
    except (InvalidKey, ValueError):
        return None, "Its header has no public key (jwk) that can be used."


def _age(reader: Reader, claims: Mapping[str, Any]) -> Fact:
    issued = claims.get("iat")
    age = reader.work.now.timestamp() - issued if is_numeric_date(issued) else None
    fits = age is not None and age <= OLDEST.total_seconds()
    said = "unknown" if age is None else f"{age:.0f} seconds"
    return _fact(
        "age", said, fits or "nonce" in claims, f"Without nonce, at most {OLDEST.total_seconds():.0f} seconds."
    )


def check_assertion(reader: Reader, jwt: SignedJwt, client: Client) -> list[Part]:
    """Return the checks of a client assertion: its signature with keys that are known here, and its claims. Keys are
    not fetched, and whether it was used before is not looked up.
    """
    issuer, audience = reader.server.issuer, jwt.claims.get("aud")
    ours = {issuer, f"{issuer}/oauth2/token"}
    named = audience if isinstance(audience, list) else [audience]
    fits = audience == issuer if client.metadata.is_fapi2 else bool(named) and set(map(str, named)) <= ours
    its_own = jwt.claims.get("sub") == client.client_id
    facts = [
        _signature(reader, jwt, client),
        _fact("aud", shown(audience), fits, f"It must be {issuer}."),
        _fact("sub", shown(jwt.claims.get("sub")), its_own, "It must be the client_id, as iss is."),
        _fact("jti", "present" if jwt.claims.get("jti") else "missing", bool(jwt.claims.get("jti")), "It is required."),
        _fact("exp", "present" if jwt.claims.get("exp") else "missing", bool(jwt.claims.get("exp")), "It is required."),
    ]
    method = client.metadata.token_endpoint_auth_method or "none"
    signs = method in {"private_key_jwt", "client_secret_jwt"}
    facts.append(_fact("token_endpoint_auth_method", method, signs, "The client is registered for another method."))
    return [Part("Checks", [replace(fact, section="RFC 7523 section 3") for fact in facts])]


def _signature(reader: Reader, jwt: SignedJwt, client: Client) -> Fact:
    if jwt.alg == "HS256":
        secrets = client.open_secrets(reader.work.vault)
        return _fact("signature", "with a client secret", has_mac(jwt, secrets), "No current secret made it.")
    keys: tuple[PublicKey, ...] | None
    uri = client.metadata.jwks_uri
    if client.metadata.jwks is not None:
        keys = reader.server.client_keys.find(reader.work, client)
    else:
        copy = None if uri is None else reader.server.client_keys.copy_of(uri)
        keys = None if copy is None else copy.keys
    if keys is None:
        said = "The client has no registered keys." if uri is None else f"Compare it with the keys at {shown(uri)}."
        return Fact(name="signature", value="not checked here", why=said)
    matching = choose_keys(keys, alg=jwt.alg, kid=jwt.kid)
    signed = any(jwt.is_signed_by(key.key) for key in matching)
    why = "Its signature is wrong." if matching else "The client has no key with this kid and alg."
    return _fact("signature", "by a key of the client" if signed else "not by a key of the client", signed, why)


def _fact(name: str, value: str, passed: bool, why: str) -> Fact:  # noqa: FBT001  # the verdict
    return Fact(name=name, value=value, passed=passed, why="" if passed else why, section=SECTION)
