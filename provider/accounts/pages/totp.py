"""Two-factor authentication: see whether it is on, set it up, turn it off; and the authenticator apps."""

from starlette.responses import Response

from provider.accounts.factors import (
    authenticator_apps,
    passkey_two_factor,
    passkeys,
    policy,
    recovery_codes,
    removal,
    second_factor,
    totp_enrolment,
)
from provider.accounts.factors.authenticator_apps import (
    NoSuchAuthenticatorApp,
    OnlyAuthenticatorApp,
    TooManyAuthenticatorApps,
)
from provider.accounts.factors.factor import WrongSecondFactor
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.factors.passkey_two_factor import NotWithPasskey
from provider.accounts.factors.passkeys import PASSKEYS
from provider.accounts.factors.policy import RequiredByOperator
from provider.accounts.factors.qr_codes import qr_code
from provider.accounts.factors.removal import NotTurnedOn
from provider.accounts.factors.second_factor import SecondFactorLocked, SignInExpired
from provider.accounts.factors.store.totp import LONGEST_NAME
from provider.accounts.factors.totp import TOTP
from provider.accounts.factors.totp_enrolment import Enrolment, EnrolmentGone, FactorNeeded, WrongFirstCode
from provider.destination import Destination
from provider.languages.free_text import InvalidText
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
    """Create a new key and redirect to the page that shows it: POST /account/two-factor/begin.

    With `replaces`, the new app takes the place of this one.
    """
    session = require_recent(call, back=PATH)
    try:
        totp_enrolment.begin_enrolment(call.work, session, replaces=call.form.get("replaces"))
    except FactorNeeded:
        raise StepUpRequired(call, back=PATH) from None
    except (NoSuchAuthenticatorApp, TooManyAuthenticatorApps):
        return go(destination(call).through(PATH))
    return go(destination(call).through(f"{PATH}/set-up"))


@endpoint
def show_set_up(call: Call) -> Response:
    session, where = require_recent(call), destination(call)
    enrolment = totp_enrolment.find_enrolment(call.work, session)
    return go(where.through(PATH)) if enrolment is None else _set_up(call, where, enrolment)


@endpoint
def set_up(call: Call) -> Response:
    """Accept codes of the new app after the first valid one: POST /account/two-factor/set-up.

    If it is the first app or replaces one, the response is the only page that ever shows the recovery codes.
    """
    session, where = require_recent(call), destination(call)
    enrolment = totp_enrolment.find_enrolment(call.work, session)
    if enrolment is None:
        return go(where.through(PATH))
    code, name = call.form.text("code"), call.form.get("name", "")
    try:
        cookie, codes = totp_enrolment.confirm_enrolment(call.work, session, code=code, name=name)
    except WrongFirstCode as refusal:
        return _set_up(call, where, enrolment, name=name, errors={"code": refusal.message}, status_code=400)
    except InvalidText as refusal:
        return _set_up(call, where, enrolment, name=name, errors={"name": refusal.problem}, status_code=400)
    except (EnrolmentGone, FactorNeeded, TooManyAuthenticatorApps):
        return go(where.through(PATH))
    keep_session(call, cookie)
    if not codes:
        return go(where.location if where.app or where.return_to else f"{PATH}?done=added")
    because = "turned-on" if enrolment.replaces is None else "moved"
    return page(call, "accounts/recovery_codes_shown.html", where=where, codes=codes, because=because)


@endpoint(form_on=PATH)
def rename_authenticator_app(call: Call) -> Response:
    session, app_id = _require_factor(call), call.form.get("id", "")
    try:
        name = call.form.get(f"name-{app_id}", "")
        authenticator_apps.rename(call.work, user_id=session.user_id, app_id=app_id, name=name)
    except InvalidText as refusal:
        problem: dict[str, str] = {f"name-{app_id}": refusal.problem}
        return _overview(call, session, destination(call), errors=problem, status_code=400)
    except NoSuchAuthenticatorApp:
        return go(PATH)  # removed in another tab
    return go(f"{PATH}?done=renamed")


@endpoint(form_on=PATH)
def remove_authenticator_app(call: Call) -> Response:
    session = _require_factor(call)
    try:
        authenticator_apps.remove(call.work, user_id=session.user_id, app_id=call.form.get("id", ""))
    except OnlyAuthenticatorApp as refusal:
        return _overview(call, session, destination(call), errors={"apps": refusal.message}, status_code=400)
    except NoSuchAuthenticatorApp:
        return go(PATH)
    return go(f"{PATH}?done=removed")


@endpoint(form_on=PATH)
def turn_on_with_passkeys(call: Call) -> Response:
    """Turn two-factor on with the passkeys that the user has: POST /account/two-factor/passkeys.

    The user shows one first, so that they are not locked out.
    """
    session, where = require_level(call, PHR, back=PATH), destination(call)
    try:
        codes = passkey_two_factor.turn_on(call.work, session)
    except (NotWithPasskey, SessionEnded):
        return go(where.through(PATH))
    return page(call, "accounts/recovery_codes_shown.html", where=where, codes=codes, because="turned-on")


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


def _require_factor(call: Call) -> Session:
    """Return a recent session with a second factor."""
    require_recent(call, back=PATH)
    return require_second_factor(call, back=PATH)


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
    apps = authenticator_apps.find_of_user(work, user_id)
    question = None
    if enabled and PASSKEYS in offered and TOTP not in offered:
        question = passkeys.second_factor_options(work, session)
    return page(
        call,
        "accounts/two_factor.html",
        status_code=status_code,
        where=where,
        enabled=enabled,
        apps=apps,
        may_add=len(apps) < authenticator_apps.MOST,
        may_remove=authenticator_apps.may_remove(work, user_id, apps),
        longest_name=LONGEST_NAME,
        done=call.query.get("done", ""),
        now=work.now,
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
    name: str | None = None,
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
        number=enrolment.count + 1 if enrolment.count else None,
        replaces=enrolment.replaces,
        name=name,
        longest_name=LONGEST_NAME,
        errors=errors or {},
    )
