"""What was issued on assertions of trusted issuers ends with the issuer (RFC 7523 section 3).

An issuer that is disabled or deleted ends it in the statement that asks anyway whether grant, user and client are
active. One that is enabled again accepts new assertions only (decision 294).
"""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Exists, and_, exists

from provider.oauth.clients.store.clients import clients
from provider.oauth.trusted_issuers.store import is_accepted


def has_accepted_issuers(of_grant: ColumnElement[Any], at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a grant from the time `at`, and its client in the same query, depend on no issuer
    that is not trusted any more. `of_grant` is the issuer whose assertion the grant was created for.
    """
    return and_(is_accepted(of_grant, at), _authenticates(at))


def may_act(client_id: BindParameter[str], at: ColumnElement[Any]) -> Exists:
    """Return the condition that there is such a client, that it is not disabled, and that the issuer that authenticates
    it has been trusted since `at`.
    """
    return exists().where(clients.c.client_id == client_id, clients.c.disabled_at.is_(None), _authenticates(at))


def _authenticates(at: ColumnElement[Any]) -> ColumnElement[bool]:
    # A client that was given its issuer later had another way to authenticate before.
    return is_accepted(clients.c.assertion_issuer, at, or_at=at < clients.c.assertion_issuer_since)
