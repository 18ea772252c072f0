"""The terms of service that a user accepted, as the admin API shows them."""

from datetime import datetime

from pydantic import Field

from provider.accounts.store.terms_acceptances import Acceptance
from provider.api.bodies import Body


class AcceptedTerms(Body):
    """The terms of service that a user accepted last."""

    version: str = Field(description="The version.")
    accepted_at: datetime = Field(description="When the user accepted it.")


def describe(acceptance: Acceptance | None) -> AcceptedTerms | None:
    """Return what the user accepted, if there is anything."""
    if acceptance is None:
        return None
    return AcceptedTerms(version=acceptance.version, accepted_at=acceptance.accepted_at)
