"""Discovery documents, key sets and token responses: compared with those of this installation."""

import json
from collections.abc import Mapping
from typing import Any

from provider.inspection.findings import PRIVATE, Fact, Inspection, Part, shown, shown_or_masked
from provider.inspection.meanings import PARAMETERS
from provider.inspection.opaque import inspect_opaque
from provider.inspection.reader import Reader
from provider.inspection.tokens import inspect_token, is_token
from provider.oauth.http.metadata import provider_metadata
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.key_pairs import row_of

NOT_FETCHED = "It is of another server. The inspector fetches nothing: paste the document itself to read it here."
MOST_KEYS = 100


def inspect_discovery_url(reader: Reader) -> Inspection:
    """Show our own discovery document."""
    ours = provider_metadata(reader.work.settings)
    facts = [Fact(name=name, value=shown(value)) for name, value in ours.items()]
    return Inspection(
        kind="discovery URL",
        summary="It is the discovery document of this installation.",
        is_valid=True,
        parts=[Part("Discovery document", facts)],
    )


def inspect_discovery(reader: Reader, given: Mapping[str, Any]) -> Inspection:
    """Compare a discovery document with ours, member by member."""
    ours = provider_metadata(reader.work.settings)
    if given.get("issuer") != ours["issuer"]:
        facts = [Fact(name=shown(name), value=shown(value)) for name, value in given.items()]
        return Inspection(
            kind="discovery document of another issuer",
            summary=f"Its issuer is {shown(given.get('issuer'))}. The issuer of this installation is {ours['issuer']}.",
            parts=[Part("Discovery document", facts)],
        )
    facts = [_compared(name, given, ours) for name in {**ours, **given}]
    differing = sum(fact.passed is False for fact in facts)
    return Inspection(
        kind="discovery document",
        summary=f"It differs from what this installation publishes (members: {differing})."
        if differing
        else "It is what this installation publishes.",
        is_valid=not differing,
        parts=[Part("Discovery document", sorted(facts, key=lambda fact: fact.passed is not False))],
    )


def _compared(name: str, given: Mapping[str, Any], ours: Mapping[str, Any]) -> Fact:
    if name not in ours:
        return Fact(name=shown(name), value=shown(given[name]), passed=False, why="This installation publishes none.")
    if name not in given:
        return Fact(name=name, value="missing", passed=False, why=f"Here it is {shown(ours[name])}.")
    is_same = given[name] == ours[name]
    why = "" if is_same else f"Here it is {shown(ours[name])}."
    return Fact(name=name, value=shown(given[name]), passed=is_same, why=why)


def inspect_key_set_url(reader: Reader) -> Inspection:
    """Show the keys that we publish."""
    return inspect_key_set(reader, json.loads(reader.server.keys.ring(reader.work).jwks), kind="key set URL")


def inspect_key_set(reader: Reader, given: Mapping[str, Any], *, kind: str = "key set (JWKS)") -> Inspection:
    """Compare a key set with ours, key by key. A single JWK is one of one key."""
    keys = given["keys"] if isinstance(given.get("keys"), list) else [given]
    keys = [key for key in keys if isinstance(key, dict)][:MOST_KEYS]
    states = {row.kid: row.state for row in signing_keys.find_all(reader.work.read)}
    ours = {key["kid"]: key for key in json.loads(reader.server.keys.ring(reader.work).jwks)["keys"]}
    parts = [Part(f"Key {shown(key.get('kid', 'without kid'))}", _key(key, states, ours)) for key in keys]
    leaked = any(PRIVATE & key.keys() for key in keys)
    known = {str(key.get("kid")) for key in keys}
    missing = sorted(set(ours) - known)
    is_of_us = bool(known & set(ours))
    if leaked:
        summary = "It contains a private or secret key. Replace this key: it is not secret any more."
    elif not is_of_us:
        summary = "None of its keys is one of this installation's."
    elif missing:
        summary = f"{len(missing)} of the keys that this installation publishes are missing. It may be an old copy."
    else:
        summary = "It has every key that this installation publishes."
    if is_of_us and missing:
        parts.append(Part("Missing keys", [Fact(name="kid", value=kid, passed=False) for kid in missing]))
    is_valid = False if leaked else (not missing) if is_of_us else None
    return Inspection(kind=kind, summary=summary, is_valid=is_valid, parts=parts)


def _key(key: Mapping[str, Any], states: Mapping[str, str], ours: Mapping[str, Mapping[str, Any]]) -> list[Fact]:
    kid = str(key.get("kid"))
    state = states.get(row_of(kid))
    facts = [Fact(name=name, value=shown(key[name])) for name in ("kty", "crv", "alg", "use") if name in key]
    if state is not None:
        is_published = kid in ours
        is_same = is_published and all(key.get(name) == value for name, value in ours[kid].items())
        why = (
            "" if is_same else "The key with this kid is another one here." if is_published else "It is not published."
        )
        facts.append(Fact(name="here", value=state, passed=is_same, why=why))
    else:
        facts.append(Fact(name="here", value="unknown", meaning="It is no key of this installation."))
    facts += [
        Fact(name=name, value="hidden", passed=False, why="This member is private. Never publish or paste it.")
        for name in sorted(PRIVATE & key.keys())
    ]
    return facts


def inspect_token_response(reader: Reader, given: Mapping[str, Any]) -> Inspection:
    """Inspect the tokens of a token response (RFC 6749 section 5.1)."""
    facts = [
        Fact(name=shown(name), value=shown_or_masked(name, value), meaning=PARAMETERS.get(name, ""))
        for name, value in given.items()
    ]
    parts, found = [Part("Token response", facts)], []
    for name in ("access_token", "id_token", "refresh_token"):
        text = given.get(name)
        if isinstance(text, str) and text:
            one = inspect_token(reader, text) if is_token(text) else inspect_opaque(reader, text)
            found.append(one)
            parts += [Part(f"{name}: {part.title}", part.facts) for part in one.parts]
    first = found[0] if found else Inspection(kind="", summary="It has no token.")
    return Inspection(
        kind="token response",
        summary=first.summary,
        is_valid=None if not found else all(one.is_valid is not False for one in found),
        parts=parts,
        user_id=first.user_id,
        client_id=first.client_id,
        grant_id=first.grant_id,
        session_id=first.session_id,
        secret=any(one.secret for one in found),
    )
