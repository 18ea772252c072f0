"""The claims from declared attributes of users, for userinfo and the ID token."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from provider.accounts.attributes.reserved import CLAIMS
from provider.oauth.tokens.store.people import Person

EMPTY = "[]"


def attributes_of(person: Person, scope: Collection[str], *, granted_at: datetime) -> dict[str, Any]:
    """Return the attributes that these scopes release, by claim. An attribute is not released by a grant that is older
    than its release: the user was not asked for it. A claim of ours is never overridden, whatever is declared.
    """
    if person.attributes is None or person.attributes == EMPTY:
        return {}
    return {
        claim: json.loads(value)
        for token, claim, since, value in json.loads(person.attributes)
        if token in scope and claim not in CLAIMS and granted_at >= _moment(since)
    }


def _moment(text: str) -> datetime:
    """Return the time as the database writes it within JSON: SQLite without a zone."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
