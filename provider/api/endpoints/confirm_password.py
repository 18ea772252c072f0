"""The confirm-password operations: confirm the password again, and check whether that is needed now."""

from datetime import datetime

from pydantic import Field

from provider.accounts import reauthentication
from provider.accounts.factors import second_factor
from provider.accounts.factors.factor import UsedSecondFactor, WrongSecondFactor
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.factors.recovery_codes import WrongRecoveryCode
from provider.accounts.factors.second_factor import SecondFactorLocked, SignInExpired
from provider.accounts.reauthentication import CodeNeeded, WrongCurrentPassword
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.confirmation import Proof, latest_proof, own_session
from provider.api.operation import by_person
from provider.refusals import TooManyRequests
from provider.sessions.assurance import acr_of
from provider.web.call import Call

WRONG = (
    WrongCurrentPassword,
    CodeNeeded,
    WrongSecondFactor,
    WrongRecoveryCode,
    UsedSecondFactor,
    SecondFactorLocked,
    SignInExpired,
    SessionEnded,
)


class PasswordProof(Body):
    """The user's password, with a code if two-factor authentication is on."""

    password: str = Field(description="The user's current password.")
    code: str | None = Field(
        None,
        description="A code from the authenticator app, or a recovery code. Required with two-factor authentication.",
    )


class Window(Body):
    """The confirm-password window: how long operations that need a recently confirmed password are allowed."""

    confirmed: bool = Field(description="Whether operations that need a recently confirmed password are allowed now.")
    confirmed_at: datetime | None = Field(
        None, description="When the user last signed in or confirmed their password. Absent if that session has ended."
    )
    expires_at: datetime | None = Field(None, description="When the window closes, or closed.")
    acr: str = Field(description="`aal1` after one factor, `aal2` after two.")


@by_person(gives=Window)
def confirmation_status(call: Call, bearer: Bearer, _body: Body) -> Window:
    """Get the confirm-password status. It says whether the user has confirmed their password recently."""
    proof = latest_proof(call.work, bearer)
    enough = second_factor.has_every_factor(call.work, bearer.user_id, proof.amr)
    return _window(call, proof, confirmed=enough and proof.is_recent(call.work))


@by_person(takes=PasswordProof, gives=Window, problems=(*WRONG, TooManyRequests), hashes_passwords=True)
def confirm_password(call: Call, bearer: Bearer, body: PasswordProof) -> Window:
    """Confirm the password. This opens the confirm-password window for this app. If two-factor authentication is on,
    a code is required too.
    """
    reauthentication.confirm(call.work, own_session(call.work, bearer), password=body.password, code=body.code)
    return _window(call, latest_proof(call.work, bearer), confirmed=True)


def _window(call: Call, proof: Proof, *, confirmed: bool) -> Window:
    return Window(
        confirmed=confirmed,
        confirmed_at=proof.at,
        expires_at=proof.expires_at(call.work),
        acr=acr_of(proof.amr),
    )
