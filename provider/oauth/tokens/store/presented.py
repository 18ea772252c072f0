"""What a client presents at the token endpoint, read together with all that decides whether it is accepted."""

from typing import Generic, NamedTuple, TypeVar

from provider.oauth.tokens.store.grants import Grant, GrantState
from provider.oauth.tokens.store.people import Person

Row = TypeVar("Row")


class Presented(NamedTuple, Generic[Row]):
    """A stored code or token, its grant, what decides whether the grant is active, and its user."""

    row: Row
    grant: Grant
    state: GrantState
    person: Person

    @property
    def client_id(self) -> str:
        return self.grant.client_id
