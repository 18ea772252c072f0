"""Recognizing what was pasted. Nothing of it is stored or logged, and no other server is asked."""

import re
import uuid
from urllib.parse import urlsplit

from provider.inspection.authorization_requests import inspect_authorization
from provider.inspection.documents import (
    NOT_FETCHED,
    inspect_discovery,
    inspect_discovery_url,
    inspect_key_set,
    inspect_key_set_url,
    inspect_token_response,
)
from provider.inspection.findings import Fact, Inspection, Part, moment, shown
from provider.inspection.opaque import inspect_opaque, inspect_request_uri
from provider.inspection.reader import Reader
from provider.inspection.redirects import MEMBERS, inspect_redirect
from provider.inspection.tokens import inspect_token, is_token
from provider.jose.json_objects import read_object
from provider.languages.text import Text
from provider.oauth.authorize.parked_requests import URN
from provider.oauth.explanations import find_explanation
from provider.oauth.tokens.store import token_grants
from provider.parameters import MalformedParameters, Parameters, parse_parameters
from provider.refusals import Refusal
from provider.sessions import store as sessions

LONGEST = 48 * 1024
"""The longest value that is read, in characters. No token, URL or key set of ours is longer."""
ERROR_ID = re.compile(r"[0-9a-f]{16}")
SCHEME = re.compile(r"(authorization:\s*)?(bearer|dpop)\s+", re.IGNORECASE)
WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


class NothingToInspect(Refusal):
    """An empty value, or one that is too long."""

    code = "nothing-to-inspect"
    title = Text("Nothing to inspect")
    message = Text("Paste a URL, code, token, ID or key set. The longest has %(number)s characters.", number=LONGEST)


def inspect(reader: Reader, text: str) -> Inspection:
    """Say what a text is and what it means here. Raises NothingToInspect."""
    text = SCHEME.sub("", text.strip(), count=1) if SCHEME.match(text.strip()) else text.strip()
    if not text or len(text) > LONGEST:
        raise NothingToInspect
    if text.startswith("{"):
        return _json(reader, text)
    if text.startswith(URN):
        return inspect_request_uri(reader, text)
    if is_token(text):
        return inspect_token(reader, text)
    if "://" in text[:200] and text.isprintable():
        return _url(reader, text)
    if "=" in text.rstrip("="):
        return _parameters(reader, "", text.lstrip("?#"))
    if ERROR_ID.fullmatch(text):
        return _error(reader, text)
    found = inspect_id(reader, text)
    return inspect_opaque(reader, text) if found is None else found


def _json(reader: Reader, text: str) -> Inspection:
    try:
        given = read_object(text)
    except ValueError as error:
        return Inspection(kind="JSON", summary=f"It cannot be read: {shown(str(error))}.", is_valid=False)
    if "keys" in given or "kty" in given:
        return inspect_key_set(reader, given)
    if "authorization_endpoint" in given or "jwks_uri" in given:
        return inspect_discovery(reader, given)
    if "error" in given:
        return inspect_redirect(reader, "", Parameters([(name, str(value)) for name, value in given.items()]))
    if any(name in given for name in ("access_token", "id_token", "refresh_token")):
        return inspect_token_response(reader, given)
    return Inspection(
        kind="JSON", summary="It is no key set, discovery document, error or token response.", is_valid=None
    )


def _url(reader: Reader, text: str) -> Inspection:
    try:
        url = urlsplit(text)
    except ValueError:
        return Inspection(kind="URL", summary="It cannot be read as a URL.", is_valid=False)
    issuer, base = reader.server.issuer, text.partition("#")[0].partition("?")[0]
    path = base.removeprefix(issuer) if base.startswith(issuer + "/") else None
    if path in WELL_KNOWN:
        return inspect_discovery_url(reader)
    if path == "/oauth2/jwks":
        return inspect_key_set_url(reader)
    query = "&".join(filter(None, (url.query, url.fragment)))
    if query:
        return _parameters(reader, base, query)
    if path is None and (base.endswith(("jwks.json", "/jwks")) or "/.well-known/" in base):
        return Inspection(kind="URL of another server", summary=NOT_FETCHED)
    if base.rstrip("/") == issuer:
        return Inspection(kind="issuer", summary="It is the issuer of this installation.", is_valid=True)
    return Inspection(kind="URL", summary="It has no parameters that can be inspected.")


def _parameters(reader: Reader, base: str, query: str) -> Inspection:
    """Inspect the parameters of a request or a response."""
    try:
        given = parse_parameters(query.encode("utf-8", "replace"))
    except MalformedParameters as error:
        return Inspection(kind="URL", summary=f"Its parameters cannot be read: {error}.", is_valid=False)
    if MEMBERS & given.keys() and "response_type" not in given:
        return inspect_redirect(reader, base, given)
    if base and base != f"{reader.server.issuer}/oauth2/authorize":
        facts = [Fact(name="URL", value=shown(base))]
        return Inspection(
            kind="URL",
            summary=f"It is not the authorization endpoint of this installation, {reader.server.issuer}"
            "/oauth2/authorize, so its parameters were not checked.",
            parts=[Part("URL", facts)],
        )
    if given.get("request_uri", "").startswith(URN):
        return inspect_request_uri(reader, given["request_uri"])
    if not {"client_id", "response_type", "redirect_uri", "request"} & given.keys():
        return Inspection(kind="parameters", summary="They are no request and no response that is known here.")
    return inspect_authorization(reader, given)


def _error(reader: Reader, error_id: str) -> Inspection:
    """Inspect a rejected request, by the id that its response showed."""
    row = find_explanation(reader.work, error_id)
    if row is None:
        return Inspection(
            kind="error ID",
            summary="No rejected request with this ID is stored. SIGNET_REJECTED_REQUEST_RETENTION says how long.",
        )
    facts = [
        Fact(
            name=check["name"],
            value=check["got"],
            passed=check["passed"],
            why="" if check["passed"] else shown(f"Expected: {check['expected']}. {check['fix']}"),
            section=check["section"],
        )
        for check in row.checks
    ]
    about = [
        Fact(name="at", value=moment(row.at)),
        Fact(name="endpoint", value=row.endpoint),
        Fact(name="client_id", value=shown(row.client_id or "none")),
        Fact(name="network", value=row.network),
    ]
    return Inspection(
        kind="rejected request",
        summary=f"It was rejected with {row.error}: {row.description}.",
        is_valid=False,
        parts=[Part("Request", about), Part("Checks", sorted(facts, key=lambda fact: fact.passed is not False))],
        client_id=row.client_id,
        error_id=error_id,
    )


def inspect_id(reader: Reader, text: str) -> Inspection | None:
    """Inspect the id of a session or grant. Returns None if it is none, or if the operator may not see users."""
    if not reader.sees_users:
        return None
    try:
        known = str(uuid.UUID(text))
    except ValueError:
        return None
    work = reader.work
    found = token_grants.find(work.read, known)
    if found is not None:
        grant = found.grant
        return Inspection(
            kind="grant ID",
            summary="It is a grant: one sign-in of one user to one application, with all its tokens.",
            parts=[reader.grant_part(grant, found.state)],
            user_id=grant.user_id,
            client_id=grant.client_id,
            grant_id=grant.id,
            session_id=grant.session_id,
        )
    session = sessions.find(work.read, known)
    if session is not None:
        facts = [*reader.user_facts(session.user_id), *reader.session_facts(known, ends_it=True)]
        return Inspection(
            kind="session ID (sid)",
            summary="It is a session of a user in a browser.",
            is_valid=session.ended_at is None and session.expires_at > work.now,
            parts=[Part("Session", facts)],
            user_id=session.user_id,
            session_id=known,
        )
    return Inspection(
        kind="ID",
        summary="No session and no grant has this ID. Applications with pairwise subjects know sessions by another sid:"
        " paste one of their tokens.",
    )
