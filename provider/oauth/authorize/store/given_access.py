"""What a user allowed, and which clients act for them, in one statement: consents and delegations."""

from typing import Any

from sqlalchemy import CompoundSelect, Connection, bindparam, cast, literal, null, select, union_all

from provider.database.prepared import Prepared
from provider.database.rows import columns_of
from provider.database.types import Identifier
from provider.oauth.authorize.store.consents import Consent, consents
from provider.oauth.tokens.store.delegations import IS_KNOWN, Delegation, delegations

_CONSENT, _DELEGATION = columns_of(Consent, consents), columns_of(Delegation, delegations)
_user_id = bindparam("user_id", type_=Identifier)
_QUERY: CompoundSelect[Any] = union_all(
    select(literal(1), *_CONSENT, *(cast(null(), each.type).label(f"of_{each.name}") for each in _DELEGATION)).where(
        consents.c.user_id == _user_id
    ),
    select(literal(0), *(cast(null(), each.type).label(f"of_{each.name}") for each in _CONSENT), *_DELEGATION).where(
        delegations.c.user_id == _user_id, IS_KNOWN
    ),
)

_OF_USER = Prepared(_QUERY, tuple(_QUERY.selected_columns))


def find_of_user(db: Connection, user_id: str) -> tuple[list[Consent], list[Delegation]]:
    """Return the consents and the delegations of a user, also those that the user stopped."""
    given: tuple[list[Consent], list[Delegation]] = ([], [])
    for is_consent, *values in _OF_USER.rows(db, {"user_id": user_id}):
        if is_consent:
            given[0].append(Consent(*values[: len(_CONSENT)]))
        else:
            given[1].append(Delegation(*values[len(_CONSENT) :]))
    return given
