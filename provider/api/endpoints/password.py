"""The password of a signed-in user: change it."""

from pydantic import Field

from provider.accounts.factors import second_factor
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.passwords import password_change
from provider.accounts.passwords.password_reset import InvalidPassword
from provider.accounts.reauthentication import WrongCurrentPassword
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.confirmation import own_session, require_confirmed
from provider.api.operation import by_person
from provider.api.problems import ConfirmationNeeded, SecondFactorNeeded
from provider.refusals import TooManyRequests
from provider.web.call import Call

REFUSED = (WrongCurrentPassword, InvalidPassword, SessionEnded, TooManyRequests, ConfirmationNeeded, SecondFactorNeeded)


class PasswordChange(Body):
    """The current password and the new one."""

    current_password: str = Field(description="The user's current password.")
    new_password: str = Field(
        description="The new password. Short and common passwords are rejected, and those similar to the user's name."
    )


@by_person(takes=PasswordChange, problems=REFUSED, hashes_passwords=True)
def change_password(call: Call, bearer: Bearer, body: PasswordChange) -> None:
    """Change the password. All sessions, tokens and reset links end, including the access token of this request. Sign
    in again with the new password.
    """
    guarded = second_factor.is_enabled(call.work, bearer.user_id)
    session = (require_confirmed if guarded else own_session)(call.work, bearer)
    password_change.change_password(call.work, session, current=body.current_password, password=body.new_password)
