"""Recovery codes: count those left, or replace the set. The codes of a set are shown once."""

from pydantic import Field

from provider.accounts.factors import recovery_codes, second_factor
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.factors.removal import NotTurnedOn
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.confirmation import require_confirmed
from provider.api.operation import by_person
from provider.api.problems import ConfirmationNeeded, SecondFactorNeeded
from provider.web.call import Call


class CodesLeft(Body):
    """How many recovery codes are left."""

    left: int = Field(description="The number of unused recovery codes.")


class RecoveryCodes(Body):
    """A new set of recovery codes."""

    codes: list[str] = Field(description="The codes. Each works once. They are not shown again.")


@by_person(gives=CodesLeft)
def codes_left(call: Call, bearer: Bearer, _body: Body) -> CodesLeft:
    """Count the unused recovery codes."""
    return CodesLeft(left=recovery_codes.count_left(call.work, bearer.user_id))


@by_person(
    gives=RecoveryCodes, status=201, problems=(ConfirmationNeeded, SecondFactorNeeded, NotTurnedOn, SessionEnded)
)
def renew_codes(call: Call, bearer: Bearer, _body: Body) -> RecoveryCodes:
    """Replace the recovery codes. The response has 10 new codes. The old ones stop working."""
    session = require_confirmed(call.work, bearer)
    if not second_factor.is_enabled(call.work, bearer.user_id):
        raise NotTurnedOn
    return RecoveryCodes(codes=recovery_codes.renew_codes(call.work, session))
