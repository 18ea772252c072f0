"""Authorization responses: the URL to which a browser was sent back, or its query (RFC 6749 section 4.1.2)."""

import re

from provider.inspection.findings import Fact, Inspection, Part, shown, shown_or_masked
from provider.inspection.meanings import PARAMETERS
from provider.inspection.opaque import inspect_opaque
from provider.inspection.reader import Reader
from provider.inspection.tokens import inspect_token, is_token
from provider.oauth.explanations import find_explanation
from provider.parameters import Parameters

MEMBERS = frozenset({"code", "error", "response", "id_token", "access_token"})
"""A URL with one of these parameters is an authorization response."""
ERROR_ID = re.compile(r"\(?error ID ([0-9a-f]{16})\)?")


def inspect_redirect(reader: Reader, url: str, given: Parameters) -> Inspection:
    """Inspect a response. `url` is the part before its parameters, or empty."""
    problems: dict[str, str] = {}
    issuer = given.get("iss")
    if issuer is not None and issuer != reader.server.issuer:
        problems["iss"] = "It is the response of another server. Reject it: this may be a mix-up attack."
    inner = None
    if "code" in given:
        inner = inspect_opaque(reader, given["code"])
    tokens = [name for name in ("response", "id_token", "access_token") if is_token(given.get(name, ""))]
    inspected = [(name, inspect_token(reader, given[name])) for name in tokens]
    if inner is None and inspected:
        inner = inspected[0][1]
    error_id = _error_id(given)
    facts = [
        Fact(
            name=shown(name),
            value=shown_or_masked(name, value),
            meaning=PARAMETERS.get(name, ""),
            passed=False if name in problems else True if name == "iss" else None,
            why=problems.get(name, ""),
            section="RFC 9207 section 2.4" if name == "iss" else "",
        )
        for name, value in given.items()
    ]
    if url:
        facts.insert(0, _sent_to(reader, url, inner))
    parts = [Part("Response", facts)]
    named = [("code", inner)] if "code" in given and inner is not None else []
    for name, found in [*named, *inspected]:
        parts += [Part(f"{name}: {part.title}", part.facts) for part in found.parts]
    return Inspection(
        kind="authorization response",
        summary=_summary(given, problems, None if inner is None else inner.summary),
        is_valid=False if problems or "error" in given else None if inner is None else inner.is_valid,
        parts=parts,
        user_id=None if inner is None else inner.user_id,
        client_id=None if inner is None else inner.client_id,
        grant_id=None if inner is None else inner.grant_id,
        session_id=None if inner is None else inner.session_id,
        error_id=error_id if error_id and find_explanation(reader.work, error_id) else None,
        secret=inner is not None and inner.secret,
    )


def _sent_to(reader: Reader, url: str, inner: Inspection | None) -> Fact:
    """Return the fact about the URL: whether the application that got the response registered it."""
    client = None if inner is None else reader.find_client(inner.client_id)
    if client is None:
        return Fact(name="redirect URI", value=shown(url))
    is_registered = any(uri.partition("?")[0] == url for uri in client.metadata.redirect_uris)
    why = "" if is_registered else f"{client.client_id} has not registered it."
    return Fact(name="redirect URI", value=shown(url), passed=is_registered, why=shown(why))


def _summary(given: Parameters, problems: dict[str, str], inner: str | None) -> str:
    if problems:
        return " ".join(problems.values())
    if "error" in given:
        return f"The request was rejected with {shown(given['error'])}."
    return inner or "It has no code and no token that can be read."


def _error_id(given: Parameters) -> str | None:
    found = ERROR_ID.search(given.get("error_description", ""))
    return given.get("error_id") if found is None else found[1]
