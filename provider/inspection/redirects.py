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
NOTHING = Inspection(kind="", summary="")
"""What is found in a response without a code and a token."""
ERROR_ID = re.compile(r"\(?error ID ([0-9a-f]{16})\)?")


def inspect_redirect(reader: Reader, url: str, given: Parameters) -> Inspection:
    """Inspect a response. `url` is the part before its parameters, or empty."""
    problems = _problems(reader, given)
    inspected = _inspect_values(reader, given)
    inner = inspected[0][1] if inspected else NOTHING
    facts = [_fact(name, value, problems.get(name)) for name, value in given.items()]
    if url:
        facts.insert(0, _sent_to(reader, url, inner))
    parts = [Part("Response", facts)]
    for name, found in inspected:
        parts += [Part(f"{name}: {part.title}", part.facts) for part in found.parts]
    return Inspection(
        kind="authorization response",
        summary=_summary(given, problems, inner),
        is_valid=False if problems or "error" in given else inner.is_valid,
        parts=parts,
        user_id=inner.user_id,
        client_id=inner.client_id,
        grant_id=inner.grant_id,
        session_id=inner.session_id,
        error_id=_error_id(reader, given),
        secret=inner.secret,
    )


def _problems(reader: Reader, given: Parameters) -> dict[str, str]:
    """Return what is wrong with the parameters, by name."""
    if given.get("iss", reader.server.issuer) == reader.server.issuer:
        return {}
    return {"iss": "It is the response of another server. Reject it: this may be a mix-up attack."}


def _inspect_values(reader: Reader, given: Parameters) -> list[tuple[str, Inspection]]:
    """Return the code and the tokens of the response, by parameter. The first says whose response it is."""
    code = [("code", inspect_opaque(reader, given["code"]))] if "code" in given else []
    tokens = [name for name in ("response", "id_token", "access_token") if is_token(given.get(name, ""))]
    return code + [(name, inspect_token(reader, given[name])) for name in tokens]


def _fact(name: str, value: str, problem: str | None) -> Fact:
    """Return the fact about a parameter. Only `iss` is checked."""
    meaning, text = PARAMETERS.get(name, ""), shown_or_masked(name, value)
    if name != "iss":
        return Fact(name=shown(name), value=text, meaning=meaning)
    section = "RFC 9207 section 2.4"
    return Fact(name=name, value=text, meaning=meaning, passed=problem is None, why=problem or "", section=section)


def _sent_to(reader: Reader, url: str, inner: Inspection) -> Fact:
    """Return the fact about the URL: whether the application that got the response registered it."""
    client = reader.find_client(inner.client_id)
    if client is None:
        return Fact(name="redirect URI", value=shown(url))
    is_registered = any(uri.partition("?")[0] == url for uri in client.metadata.redirect_uris)
    why = "" if is_registered else f"{client.client_id} has not registered it."
    return Fact(name="redirect URI", value=shown(url), passed=is_registered, why=shown(why))


def _summary(given: Parameters, problems: dict[str, str], inner: Inspection) -> str:
    if problems:
        return " ".join(problems.values())
    if "error" in given:
        return f"The request was rejected with {shown(given['error'])}."
    return inner.summary or "It has no code and no token that can be read."


def _error_id(reader: Reader, given: Parameters) -> str | None:
    """Return the error ID in the response, if it is known here."""
    found = ERROR_ID.search(given.get("error_description", ""))
    error_id = given.get("error_id") if found is None else found[1]
    return error_id if error_id and find_explanation(reader.work, error_id) else None
