"""Examinations of discovery and keys: whole, cached and readable as intended."""

import gzip
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from provider.doctor.examination import Case, Examination, Group
from provider.doctor.findings import Finding, fine, problem, warning
from provider.doctor.transport import Response

DISCOVERY, KEYS = "/.well-known/openid-configuration", "/oauth2/jwks"
LONGEST_CACHE = 24 * 3600
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
"""Members of a JWK that only its owner may know (RFC 7518 section 6)."""

OTHER_ISSUER = problem(
    "metadata.other-issuer",
    why="Apps compare the issuer with the URL they know, byte for byte, and reject every token.",
    fix="Set SIGNET_ISSUER to the URL at which users and apps reach Signet, on every node, and restart.",
    section="OpenID Connect Discovery section 4.3; RFC 9207 section 2.4",
)
ELSEWHERE = problem(
    "metadata.endpoints-are-elsewhere",
    why="Apps send codes, secrets and users to these URLs.",
    fix="Set SIGNET_ISSUER and SIGNET_MTLS_URL, and remove the rule of the proxy that rewrites JSON.",
    section="RFC 8414 section 6.2",
)
NOT_JSON = problem(
    "metadata.not-json",
    why="Apps cannot read it, so no one can sign in to them.",
    fix="Configure the proxy to pass the path on to Signet, without changing the response.",
    section="RFC 8414 section 3.2",
)
NO_ALIAS = problem(
    "metadata.well-known-path-is-missing",
    why="Clients of OAuth look for the metadata between host and path of the issuer, and find nothing.",
    fix="Configure the proxy as in deploy/nginx-path.conf: pass /.well-known/*/PATH on to Signet.",
    section="RFC 8414 section 3.1",
)
NO_KEYS = problem(
    "metadata.no-keys",
    why="Apps cannot verify a token without the public keys.",
    fix="Run `signet key list`, and check that the service can reach its database.",
    section="RFC 7517 section 5",
)
PRIVATE_KEY = problem(
    "metadata.private-key",
    why="Anyone can sign tokens of this issuer.",
    fix="Find what answers instead of Signet, rotate the keys with `signet key rotate`, and revoke the old ones.",
    section="RFC 7517 section 9.2",
)
CACHED_LONG = problem(
    "metadata.is-cached-too-long",
    why="After a key rotation, apps still get the old keys and reject new tokens.",
    fix="Remove the rule of the proxy that replaces Cache-Control, and let it keep responses no longer than it says.",
    section="OpenID Connect Core section 10.1.1",
)
NO_REVALIDATION = warning(
    "metadata.etag-is-lost",
    why="Every app fetches the whole documents again and again.",
    fix="Configure the proxy to pass ETag and If-None-Match on.",
    section="RFC 9110 section 13.1.2",
)
BAD_COMPRESSION = problem(
    "metadata.compression-is-broken",
    why="Clients that accept gzip cannot read the document.",
    fix="Turn off compression in the proxy, or correct it.",
    section="RFC 9110 section 8.4.1",
)
CORS_LOST = problem(
    "metadata.cors-is-lost",
    why="Single-page apps cannot read discovery and keys, so they cannot sign users in.",
    fix="Remove the rule of the proxy that drops Access-Control-Allow-Origin, or that answers OPTIONS itself.",
    section="Fetch standard, CORS protocol",
)
CORS_TWICE = problem(
    "metadata.cors-is-doubled",
    why="Browsers reject a response with two values, so single-page apps cannot sign users in.",
    fix="Remove the CORS headers that the proxy adds. Signet sends its own.",
    section="Fetch standard, CORS check",
)
TOKENS_CACHED = problem(
    "metadata.tokens-may-be-cached",
    why="A cache may keep tokens and give them to someone else.",
    fix="Remove the rule of the proxy that drops or replaces Cache-Control for /oauth2/.",
    section="RFC 6749 section 5.1",
)


def read_json(response: Response) -> Any:
    """Return the JSON of a response, or None if it is none."""
    try:
        return json.loads(response.body)
    except ValueError:
        return None


def _discovery(case: Case) -> Iterator[Finding]:
    answer = case.ask("GET", DISCOVERY)
    value = read_json(answer)
    if answer.status != 200:
        return  # the examination of the address says so
    if not isinstance(value, dict) or not (answer.header("content-type") or "").startswith("application/json"):
        yield NOT_JSON.found(f"{DISCOVERY} arrives as {answer.header('content-type') or 'no type'}.")
        return
    issuer = value.get("issuer")
    if issuer != case.url:
        yield OTHER_ISSUER.found(f"The discovery document at {case.url} names the issuer {issuer}.")
    own = [case.url] if case.installation is None else [case.url, case.settings.mtls_url or case.url]
    names = [name for name in value if name.endswith("_endpoint") or name in {"jwks_uri", "check_session_iframe"}]
    wrong = [name for name in names if not str(value[name]).startswith(tuple(f"{each}/" for each in own))]
    if wrong and issuer == case.url:
        yield ELSEWHERE.found(f"These members are not below the issuer: {', '.join(wrong)}.")
    if issuer == case.url and not wrong:
        yield fine("metadata.issuer", f"The discovery document names {issuer}, and its endpoints are below it.")
    parts = urlsplit(case.url)
    if parts.path:
        place = f"/.well-known/oauth-authorization-server{parts.path}"
        inserted = case.transport.send("GET", f"{parts.scheme}://{parts.netloc}{place}")
        if (
            inserted.status != 200
            or not isinstance(found := read_json(inserted), dict)
            or found.get("issuer") != case.url
        ):
            yield NO_ALIAS.found(f"{parts.scheme}://{parts.netloc}{place} answers {inserted.status}.")


def _keys(case: Case) -> Iterator[Finding]:
    answer = case.ask("GET", KEYS)
    value = read_json(answer)
    keys = value.get("keys") if isinstance(value, dict) else None
    if answer.status != 200 or not isinstance(keys, list) or not keys:
        yield NO_KEYS.found(f"{KEYS} answers {answer.status} without keys.")
        return
    private = [str(key.get("kid")) for key in keys if isinstance(key, dict) and PRIVATE_MEMBERS & key.keys()]
    if private:
        yield PRIVATE_KEY.found(f"{KEYS} shows private parts of {', '.join(private)}.")
    else:
        yield fine("metadata.keys", f"{KEYS} has {len(keys)} public keys.")


def _caches(case: Case) -> Iterator[Finding]:
    for path in (DISCOVERY, KEYS):
        answer = case.ask("GET", path)
        if answer.status != 200:
            continue
        age, longest = _number(answer.header("age")), _max_age(answer)
        if age > max(longest, 0) and age > 0:
            yield CACHED_LONG.found(f"{path} comes from a cache and is {age} seconds old; {longest} are allowed.")
        elif longest > LONGEST_CACHE:
            yield CACHED_LONG.found(f"{path} arrives with {answer.header('cache-control')}.")
        tag = answer.header("etag")
        again = None if tag is None else case.ask("GET", path, headers={"If-None-Match": tag})
        if again is None or again.status != 304:
            said = "has no ETag" if again is None else f"answers {again.status} instead of 304 to If-None-Match"
            yield NO_REVALIDATION.found(f"{path} {said}.")
        packed = case.ask("GET", path, headers={"Accept-Encoding": "gzip"})
        if packed.header("content-encoding") == "gzip" and not _unpacks(packed.body):
            yield BAD_COMPRESSION.found(f"{path} arrives as gzip that cannot be unpacked.")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    token = case.ask("POST", "/oauth2/token", headers=form, body=b"grant_type=doctor")
    if token.status < 500 and "no-store" not in (token.header("cache-control") or "").lower():
        said = token.header("cache-control") or "without Cache-Control"
        yield TOKENS_CACHED.found(f"Responses of /oauth2/token arrive {said}, and not with no-store.")


def _max_age(answer: Response) -> int:
    for part in (answer.header("cache-control") or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age":
            return _number(value)
    return 0


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def _unpacks(body: bytes) -> bool:
    try:
        return isinstance(json.loads(gzip.decompress(body)), dict)
    except (OSError, EOFError, ValueError):
        return False


def _cors(case: Case) -> Iterator[Finding]:
    origin = {"Origin": "https://doctor.example"}
    asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-doctor"}
    fit = True
    for method, headers in (("GET", origin), ("OPTIONS", asked)):
        answer = case.ask(method, DISCOVERY, headers=headers)
        lines = answer.lines("access-control-allow-origin")
        what = "A preflight of" if method == "OPTIONS" else "A request for"
        if len(lines) > 1 or (lines and "," in lines[0]):
            fit = False
            yield CORS_TWICE.found(f"{what} {DISCOVERY} is answered with {', '.join(lines)}.")
        elif lines != ["*"] or answer.status >= 400:
            fit = False
            yield CORS_LOST.found(
                f"{what} {DISCOVERY} is answered {answer.status} with {', '.join(lines) or 'no CORS'}."
            )
    if fit:
        yield fine("metadata.cors", "Single-page apps can read the metadata.")


METADATA = (
    Examination("discovery", Group.METADATA, "Reads the discovery document.", _discovery),
    Examination("keys", Group.METADATA, "Reads the public keys.", _keys),
    Examination(
        "metadata-cache",
        Group.METADATA,
        "Asks for discovery and keys with If-None-Match and gzip, and for a token without credentials.",
        _caches,
        seconds=20.0,
    ),
    Examination("cors", Group.METADATA, "Asks for discovery as a page of another site.", _cors),
)
