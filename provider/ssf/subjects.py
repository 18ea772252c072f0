"""The subjects that a receiver adds and removes (SSF 1.0 section 8.1.3, RFC 9493): the users that they identify.

A subject that is unknown is ignored, and the response is the same: a receiver must not learn here who has an account.
"""

from collections.abc import Mapping
from typing import Any

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import email_addresses
from provider.database.base import is_id
from provider.oauth.clients.clients import Client
from provider.oauth.scopes import parse_scope
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import people
from provider.signals.configuration import InvalidStream
from provider.signals.store import known
from provider.work import UnitOfWork

FORMATS = ("iss_sub", "email", "complex")


def find_user(work: UnitOfWork, server: AuthorizationServer, client: Client, given: Any) -> str | None:
    """Return the id of the user whom a subject identifies for this client, or None if there is none. An address only
    identifies users who let the client know it. Raises InvalidStream for what is no subject, or none that we support.
    """
    subject = _members(given, "subject")
    if subject["format"] == "complex":
        if subject.keys() - {"format", "user"}:
            raise InvalidStream("A complex subject can only have user: signals are about all sessions of a user.")
        subject = _members(subject.get("user"), "subject.user")
    if subject["format"] == "iss_sub":
        issuer, sub = _text(subject, "iss"), _text(subject, "sub")
        user_id = server.subjects.user_id_of(work, client, sub)
        if issuer != server.issuer or not is_id(user_id) or people.find(work.read, user_id) is None:
            return None
        return user_id
    if subject["format"] != "email":
        raise InvalidStream(f"The format of a subject must be one of {', '.join(FORMATS)}.")
    parsed = parse_address(_text(subject, "email"))
    found = None if parsed is None else email_addresses.find_owner(work.read, parsed.normal)
    if found is None or found[1].verified_at is None:
        return None
    scope = parse_scope(known.scope_of_user(work.read, found[0].id, client.client_id))
    return found[0].id if "email" in scope else None


def require_flag(given: Mapping[str, Any]) -> None:
    """Check `verified`, which says whether the receiver checked that the subject is its user. Raises InvalidStream."""
    if not isinstance(given.get("verified", True), bool):
        raise InvalidStream("verified must be true or false.")


def _members(given: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or not isinstance(given.get("format"), str):
        raise InvalidStream(f"{name} must be an object with a format (RFC 9493).")
    return given


def _text(subject: Mapping[str, Any], name: str) -> str:
    value = subject.get(name)
    if not isinstance(value, str):
        raise InvalidStream(f"A subject of this format must have {name}.")
    return value
