"""What a user allowed, and which clients act for them, in one statement: consents and delegations."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, cast, null, select, union_all

from provider.database.rows import Columns, joined, optional, rows_of
from provider.database.types import Identifier
from provider.oauth.authorize.store.consents import Consent, consents
from provider.oauth.tokens.store.delegations import IS_KNOWN, Delegation, delegations

_CONSENT, _DELEGATION = rows_of(Consent, consents), rows_of(Delegation, delegations)
_GIVEN = joined(optional(_CONSENT), optional(_DELEGATION))
"""Each row has one of the two."""


def _nulls(columns: Columns) -> list[ColumnElement[Any]]:
    return [cast(null(), each.type).label(f"of_{each.name}") for each in columns]


_user_id = bindparam("user_id", type_=Identifier)
_OF_USER = _GIVEN.prepare(
    union_all(
        select(*_CONSENT.columns, *_nulls(_DELEGATION.columns)).where(consents.c.user_id == _user_id),
        select(*_nulls(_CONSENT.columns), *_DELEGATION.columns).where(delegations.c.user_id == _user_id, IS_KNOWN),
    )
)


def find_of_user(db: Connection, user_id: str) -> tuple[list[Consent], list[Delegation]]:
    """Return the consents and the delegations of a user, also those that the user stopped."""
    given = _OF_USER.all(db, {"user_id": user_id})
    return [consent for consent, _ in given if consent], [delegation for _, delegation in given if delegation]
