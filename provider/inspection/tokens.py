"""JWTs: tokens of ours, checked as their receivers check them, those of others, which are only read, and JWEs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provider.inspection.findings import Fact, Inspection, Part, date_of, shown, shown_or_masked
from provider.inspection.meanings import CLAIMS, HEADER, PARAMETERS
from provider.inspection.proofs import check_assertion, check_proof
from provider.inspection.reader import Reader
from provider.jose import base64url
from provider.jose.json_objects import read_object
from provider.jose.signed_jwts import InvalidJwt, SignedJwt, read_jwt
from provider.jose.times import is_ahead, is_numeric_date
from provider.oauth.clients.clients import Client
from provider.oauth.keys.key_ring import SignatureRefused
from provider.oauth.tokens.access_tokens import TYP as ACCESS_TOKEN
from provider.oauth.tokens.access_tokens import InactiveToken, read_access_token
from provider.oauth.tokens.id_tokens import read_hint
from provider.oauth.tokens.store import token_grants
from provider.oauth.trusted_issuers import store as trusted_issuers

TYPES: Mapping[str, str] = {
    ACCESS_TOKEN: "access token",
    "logout+jwt": "logout token",
    "token-introspection+jwt": "introspection response",
    "oauth-id-jag+jwt": "identity assertion for another server (ID-JAG)",
    "dpop+jwt": "DPoP proof",
    "client-authentication+jwt": "client assertion",
    "oauth-authz-req+jwt": "request object",
    "secevent+jwt": "security event token",
    "entity-statement+jwt": "entity statement",
}
"""The kinds of JWTs, by `typ`."""
TIMES = ("iat", "nbf", "exp", "auth_time")
UNCHECKED = (
    "Its signature was not checked: the inspector fetches no keys of other servers, so anyone may have written it."
)
PROOF = "It proves one request with the key in its header. Whether it was used before is not looked up."
ASSERTION = "Whether it was used before is not looked up."
HOW_TO_CHECK = (
    "To check it, fetch {issuer}/.well-known/openid-configuration, verify the signature with the key of its jwks_uri"
    " that has this kid, and compare iss, aud and exp."
)


def inspect_jwt(reader: Reader, text: str) -> Inspection:
    """Inspect a JWT in the compact serialization."""
    try:
        jwt = read_jwt(text)
    except InvalidJwt as invalid:
        header = _header(text.partition(".")[0])
        parts = [Part("Header", header)] if header else []
        return Inspection(
            kind="JWT", summary=f"It cannot be used: {shown(invalid.reason)}.", is_valid=False, parts=parts
        )
    typ = (jwt.typ or "").lower().removeprefix("application/")
    issuer = jwt.claims.get("iss")
    if issuer == reader.server.issuer:
        return _ours(reader, text, jwt, typ)
    if typ == "dpop+jwt":
        return _checked(_foreign(reader, jwt, "DPoP proof", PROOF), check_proof(reader, text, jwt))
    client = reader.find_client(issuer)
    is_assertion = typ == "client-authentication+jwt" or (typ in {"", "jwt"} and jwt.claims.get("sub") == issuer)
    if client is not None and is_assertion:
        said = f"The application {shown(client.name)} authenticates with it. {ASSERTION}"
        found = _foreign(reader, jwt, "client assertion", said, client=client)
        return _checked(found, check_assertion(reader, jwt, client))
    if client is not None:
        kind = TYPES.get(typ, "client assertion" if jwt.claims.get("sub") == issuer else "request object")
        return _foreign(
            reader,
            jwt,
            kind,
            f"The application {shown(client.name)} says it wrote it. {UNCHECKED} Paste the whole authorization request"
            " to check a request object.",
            client=client,
        )
    return _foreign(reader, jwt, f"{TYPES.get(typ, 'JWT')} of another issuer", _about_issuer(reader, issuer))


def _checked(found: Inspection, checks: list[Part]) -> Inspection:
    """Return an inspection with these checks, and invalid if one of them failed."""
    failed = [fact for part in checks for fact in part.facts if fact.passed is False]
    summary = f"{found.summary} It would be rejected: {'; '.join(fact.name for fact in failed)}." if failed else ""
    return replace(
        found,
        parts=[*checks, *found.parts],
        is_valid=False if failed else found.is_valid,
        summary=summary or found.summary,
    )


def inspect_jwe(text: str) -> Inspection:
    """Inspect a JWE: only its header can be read (RFC 7516 section 3)."""
    header = _header(text.partition(".")[0])
    if not header:
        return Inspection(kind="JWE", summary="It cannot be used: its header cannot be read.", is_valid=False)
    return Inspection(
        kind="encrypted JWT (JWE)",
        summary="Only the owner of the private key can read it. Its issuer, claims and signature cannot be known here."
        " Decrypt it with the key of the application, and paste what is inside.",
        parts=[Part("Header", header)],
    )


def _header(part: str) -> list[Fact]:
    """Return the members of a header, or nothing if it cannot be read."""
    try:
        header = read_object(base64url.decode(part))
    except ValueError:
        return []
    return [_header_fact(name, value) for name, value in header.items()]


def _header_fact(name: str, value: Any, *, passed: bool | None = None, why: str = "") -> Fact:
    if name == "alg" and str(value).lower() == "none":
        passed, why = False, "A token without a signature is never accepted."
    if name == "crit":
        passed, why = False, "Signet accepts no extensions."
    if name == "jwk" and isinstance(value, dict):
        value = {member: part for member, part in value.items() if member in {"kty", "crv", "alg", "use", "kid"}}
    return Fact(name=shown(name), value=shown(value), meaning=HEADER.get(name, ""), passed=passed, why=why)


def _ours(reader: Reader, text: str, jwt: SignedJwt, typ: str) -> Inspection:
    """Inspect a JWT that says it is of this installation."""
    try:
        reader.server.keys.verify(reader.work, text, typ=typ, even_past=True, is_use=False)
    except SignatureRefused:
        why = "No key of this installation signed it. It was changed or forged, its key was revoked, or another"
        return Inspection(
            kind=TYPES.get(typ, "JWT"),
            summary=f"{why} installation with the same issuer issued it.",
            is_valid=False,
            parts=[
                Part("Header", _headers(jwt, passed=False, why="No key of this installation signed it.")),
                Part("Claims", _claims(reader, jwt.claims, {})),
            ],
        )
    header = Part("Header", _headers(jwt, passed=True))
    if typ == ACCESS_TOKEN:
        return _access_token(reader, text, jwt.claims, header)
    if typ == "jwt" and not read_hint(reader.work, reader.server.keys, text, is_use=False)[1]:
        return _of_client(reader, jwt.claims, header, "ID token")
    is_response = typ == "jwt" and ("code" in jwt.claims or "error" in jwt.claims)
    kind = "authorization response (JARM)" if is_response else TYPES.get(typ, "signed response")
    return _of_client(reader, jwt.claims, header, kind)


def _headers(jwt: SignedJwt, *, passed: bool, why: str = "") -> list[Fact]:
    given = {"alg": jwt.alg, "kid": jwt.kid, "typ": jwt.typ}
    return [
        _header_fact(name, value, passed=passed if name == "kid" else None, why=why if name == "kid" else "")
        for name, value in given.items()
        if value is not None
    ]


def _access_token(reader: Reader, text: str, claims: Mapping[str, Any], header: Part) -> Inspection:
    reason = ""
    try:
        read_access_token(reader.work, reader.server, text, is_use=False)
    except InactiveToken as inactive:
        reason = str(inactive)
    parts = [header, Part("Claims", _claims(reader, claims, _of_times(reader, claims)))]
    grant_id = claims.get("grant_id")
    found = token_grants.find(reader.work.read, grant_id) if grant_id else None
    if found is not None:
        parts.append(reader.grant_part(found.grant, found.state))
    grant = None if found is None else found.grant
    return Inspection(
        kind="access token",
        summary=f"It is not active: {reason}." if reason else "It is active.",
        is_valid=not reason,
        secret=not reason,
        parts=parts,
        user_id=None if grant is None else grant.user_id,
        client_id=str(claims.get("client_id")),
        grant_id=None if grant is None else grant.id,
        session_id=None if grant is None else grant.session_id,
    )


def _of_client(reader: Reader, claims: Mapping[str, Any], header: Part, kind: str) -> Inspection:
    """Inspect a JWT that was signed here for an application, which is its audience."""
    problems = _of_times(reader, claims)
    client = reader.find_client(claims.get("aud"))
    user_id = session_id = None
    parts = [header, Part("Claims", _claims(reader, claims, problems))]
    if client is not None:
        facts = [reader.client_fact(client.client_id, name="application")]
        if "sub" in claims:
            user_id = reader.server.subjects.user_id_of(reader.work, client, str(claims["sub"]))
            facts += reader.user_facts(user_id)
        if "sid" in claims:
            session_id = reader.server.subjects.session_id_of(reader.work, client, str(claims["sid"]))
            facts += reader.session_facts(session_id, ends_it=False)
        parts.append(Part("Issued to", facts))
    problem = " ".join(problems.values())
    usual = "This installation signed it, and its times are right. Its receiver must also check aud and nonce."
    return Inspection(
        kind=kind,
        summary=problem or usual,
        is_valid=not problem,
        parts=parts,
        user_id=user_id,
        client_id=None if client is None else client.client_id,
        session_id=session_id,
    )


def _foreign(reader: Reader, jwt: SignedJwt, kind: str, summary: str, *, client: Client | None = None) -> Inspection:
    header = [_header_fact(name, value) for name, value in jwt.header._asdict().items() if value is not None]
    problems = _of_times(reader, jwt.claims)
    return Inspection(
        kind=kind,
        summary=" ".join([summary, *problems.values()]),
        is_valid=False if problems or jwt.alg.lower() == "none" else None,
        parts=[Part("Header", header), Part("Claims", _claims(reader, jwt.claims, problems))],
        client_id=None if client is None else client.client_id,
    )


def _about_issuer(reader: Reader, issuer: object) -> str:
    if not isinstance(issuer, str) or not issuer.isprintable() or not issuer.isascii() or len(issuer) > 255:
        return f"It names no issuer that could be known. {UNCHECKED}"
    trusted = trusted_issuers.find_by_issuer(reader.work.read, issuer)
    known = "It is not of this installation."
    if trusted is not None:
        known = "Its issuer is a trusted issuer here" + (", but disabled." if trusted.disabled_at else ".")
    how = HOW_TO_CHECK.format(issuer=issuer.rstrip("/")) if issuer.startswith("https://") else ""
    return f"{known} {UNCHECKED} {how}".rstrip()


def _of_times(reader: Reader, claims: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the times, by claim (RFC 7519 section 4.1)."""
    now, problems = reader.work.now.timestamp(), {}
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if value is None:
            continue
        if not is_numeric_date(value):
            problems[name] = f"Its {name} is not a number of seconds since 1970."
        elif name == "exp" and value <= now:
            problems[name] = f"It expired {now - value:.0f} seconds ago."
        elif name != "exp" and is_ahead(value, now):
            problems[name] = f"Its {name} is {value - now:.0f} seconds in the future. Check the clocks."
    return problems


def _claims(reader: Reader, claims: Mapping[str, Any], problems: Mapping[str, str]) -> list[Fact]:
    return [_claim(reader, name, value, problems) for name, value in claims.items()]


def _claim(reader: Reader, name: str, value: Any, problems: Mapping[str, str]) -> Fact:
    why = problems.get(name, "")
    date = date_of(value) if name in TIMES else None
    text = shown_or_masked(name, value) if date is None else f"{shown(value)} ({date})"
    passed = None if name not in TIMES or name == "auth_time" else not why
    if name == "iss":
        passed = value == reader.server.issuer or None
    return Fact(
        name=shown(name), value=text, meaning=CLAIMS.get(name) or PARAMETERS.get(name, ""), passed=passed, why=why
    )


def is_token(text: str) -> bool:
    """Return whether a text has the parts of a JWS or a JWE."""
    return text.count(".") in {2, 4} and not any(character.isspace() or character in "/:?&=" for character in text)


def inspect_token(reader: Reader, text: str) -> Inspection:
    """Inspect a JWT or a JWE."""
    return inspect_jwe(text) if text.count(".") == 4 else inspect_jwt(reader, text)
