"""Turn two-factor authentication off: by the user with a code, or by an operator."""

from provider.accounts.access import Cause, end_access
from provider.accounts.factors import authenticator_apps, passkeys, policy, second_factor
from provider.accounts.factors.factor import Factor
from provider.accounts.factors.policy import RequiredByOperator
from provider.accounts.notices import notify
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import NotFound
from provider.sessions.store import Session
from provider.work import UnitOfWork


class NotTurnedOn(NotFound):
    code = "not-turned-on"
    title = Text("Two-factor authentication is off")
    message = Text("Two-factor authentication is not turned on.")


def turn_off(work: UnitOfWork, session: Session, *, factor: Factor, code: str) -> None:
    """Remove every factor of this session's user but passkeys. Needs a valid code now, counted like any attempt.

    Raises NotTurnedOn, RequiredByOperator, or what `second_factor.prove` does.
    """
    if not second_factor.is_enabled(work, session.user_id):
        raise NotTurnedOn
    if policy.find_requirement(work, session.user_id).is_any:
        raise RequiredByOperator
    second_factor.prove(work, session, factor=factor, code=code)
    _remove(work, session.user_id, by="user")
    end_access(work, user_id=session.user_id, cause=Cause.TWO_FACTOR_DISABLED, but={session.id})


def reset(work: UnitOfWork, *, user_id: str) -> None:
    """Turn two-factor authentication off as an operator, for a user who lost the device and the recovery codes.

    Ends every session, all access of applications and every link in an email, and removes passkeys. Raises NotTurnedOn.
    """
    if not second_factor.is_enabled(work, user_id):
        raise NotTurnedOn
    _remove(work, user_id, by="operator")
    end_access(work, user_id=user_id, cause=Cause.TWO_FACTOR_RESET)


def remove_passkey(work: UnitOfWork, *, user_id: str, passkey_id: str) -> None:
    """Remove one passkey as an operator, for a user who lost its device, even if it is their only way to sign in.

    The device may be in other hands, so all sessions and all access of applications end. Raises NoSuchPasskey, or
    OnlySecondFactor: then two-factor authentication has to be reset.
    """
    passkeys.remove(work, user_id=user_id, passkey_id=passkey_id, force=True)
    end_access(work, user_id=user_id, cause=Cause.SIGNED_OUT_BY_OPERATOR)


def remove_authenticator_app(work: UnitOfWork, *, user_id: str, app_id: str) -> None:
    """Remove one authenticator app as an operator, for a user who lost its device. All sessions and all access end.

    Raises NoSuchAuthenticatorApp, or OnlyAuthenticatorApp: then two-factor authentication has to be reset.
    """
    authenticator_apps.remove(work, user_id=user_id, app_id=app_id)
    end_access(work, user_id=user_id, cause=Cause.SIGNED_OUT_BY_OPERATOR)


def _remove(work: UnitOfWork, user_id: str, *, by: str) -> None:
    second_factor.remove_all(work, user_id)
    record(work, Event.TWO_FACTOR_DISABLED, user_id=user_id, by=by)
    notify(work, user_id, messages.two_factor_disabled)
