"""Two-factor authentication: see whether it is on, set it up, turn it off."""

from starlette.responses import Response

from provider.accounts.factors import (
    passkey_two_factor,
    passkeys,
    policy,
    recovery_codes,
    removal,
    second_factor,
    totp_enrolment,
)
from provider.accounts.factors.factor import WrongSecondFactor
from provider.accounts.factors.passkey_two_factor import NotWithPasskey
from provider.accounts.factors.passkeys import PASSKEYS
from provider.accounts.factors.policy import RequiredByOperator
from provider.accounts.factors.qr_codes import qr_code
from provider.accounts.factors.removal import NotTurnedOn
from provider.accounts.factors.second_factor import SecondFactorLocked, SignInExpired
from provider.accounts.factors.totp import TOTP
from provider.accounts.factors.totp_enrolment import Enrolment, EnrolmentGone, FactorNeeded, WrongFirstCode
from provider.destination import Destination
from provider.refusals import TooManyRequests
from provider.sessions.assurance import PHR
from provider.sessions.cookie import forget_session, keep_session
from provider.sessions.guards import StepUpRequired, require_level, require_recent, require_second_factor
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page

PATH = "/account/two-factor"


@endpoint
def two_factor(call: Call) -> Response:
    return _overview(call, require_recent(call), destination(call))


@endpoint(form_on=PATH)
def begin(call: Call) -> Response:
    """Create a new key and redirect to the page that shows it: POST /account/two-factor/begin."""
    session = require_recent(call, back=PATH)
    try:
        totp_enrolment.begin_enrolment(call.work, session)
    except FactorNeeded:
        raise StepUpRequired(call, back=PATH) from None
    return go(destination(call).through(f"{PATH}/set-up"))


@endpoint
def show_set_up(call: Call) -> Response:
    session, where = require_recent(call), destination(call)
    enrolment = totp_enrolment.find_enrolment(call.work, session)
    return go(where.through(PATH)) if enrolment is None else _set_up(call, where, enrolment)


@endpoint
def set_up(call: Call) -> Response:
    """Turn two-factor on with the first valid code: POST /account/two-factor/set-up.

    The response is the only page that ever shows the recovery codes.
    """
    session, where = require_recent(call), destination(call)
    enrolment = totp_enrolment.find_enrolment(call.work, session)
    if enrolment is None:
        return go(where.through(PATH))
    try:
        cookie, codes = totp_enrolment.confirm_enrolment(call.work, session, code=call.form.text("code"))
    except WrongFirstCode as refusal:
        return _set_up(call, where, enrolment, errors={"code": refusal.message}, status_code=400)
    except (EnrolmentGone, FactorNeeded):
        return go(where.through(PATH))
    keep_session(call, cookie)
    return page(call, "accounts/recovery_codes_shown.html", where=where, codes=codes, just_turned_on=True)


@endpoint(form_on=PATH)
def turn_on_with_passkeys(call: Call) -> Response:
    """Turn two-factor on with the passkeys that the user has: POST /account/two-factor/passkeys.

    The user shows one first, so that they are not locked out.
    """
    session, where = require_level(call, PHR, back=PATH), destination(call)
    try:
        codes = passkey_two_factor.turn_on(call.work, session)
    except NotWithPasskey:
        return go(where.through(PATH))
    return page(call, "accounts/recovery_codes_shown.html", where=where, codes=codes, just_turned_on=True)


@endpoint(form_on=PATH)
def turn_off(call: Call) -> Response:
    """Turn two-factor off: POST /account/two-factor/turn-off.

    The form needs a valid code, so an unattended browser alone cannot turn it off (OWASP ASVS v5.0.0-7.5.1).
    """
    session, where = require_second_factor(call, back=PATH), destination(call)
    code = call.form.text("code")
    try:
        removal.turn_off(call.work, session, factor=second_factor.factor_of(code), code=code)
    except (WrongSecondFactor, SecondFactorLocked) as refusal:
        return _overview(call, session, where, errors={"code": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return _overview(call, session, where, **too_many(call, refusal))
    except SignInExpired:
        forget_session(call)
        return go(where.through("/login", because="codes"))
    except (NotTurnedOn, RequiredByOperator):
        return go(where.through(PATH))
    return go(where.through(PATH, off="yes"))


def _overview(
    call: Call,
    session: Session,
    where: Destination,
    *,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    work, user_id = call.work, session.user_id
    offered = second_factor.find_offered(work, user_id)
    enabled = second_factor.is_enabled(work, user_id)
    question = None
    if enabled and PASSKEYS in offered and TOTP not in offered:
        question = passkeys.second_factor_options(work, session)
    return page(
        call,
        "accounts/two_factor.html",
        status_code=status_code,
        where=where,
        enabled=enabled,
        has_app=TOTP in offered,
        has_passkeys=PASSKEYS in offered,
        question=question,
        requirement=policy.find_requirement(work, user_id),
        codes_left=recovery_codes.count_left(work, user_id),
        few_codes=recovery_codes.FEW,
        just_turned_off="off" in call.query,
        errors=errors or {},
    )


def _set_up(
    call: Call,
    where: Destination,
    enrolment: Enrolment,
    *,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    return page(
        call,
        "accounts/two_factor_set_up.html",
        status_code=status_code,
        where=where,
        picture=qr_code(enrolment.uri),
        key=totp_enrolment.grouped(enrolment.key),
        uri=enrolment.uri,
        errors=errors or {},
    )
