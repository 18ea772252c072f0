"""The second factor: at the end of a sign-in, or later for what needs it (step-up)."""

from starlette.responses import Response

from provider.accounts.factors import totp
from provider.accounts.factors.second_factor import Method, SecondFactorLocked, SignInOver, WrongSecondFactor
from provider.accounts.pages.device_cookie import remember_device
from provider.accounts.pages.language import follow_person
from provider.destination import Destination
from provider.login import steps
from provider.login.steps import SecondFactorOver, needs_second_factor
from provider.refusals import TooManyRequests
from provider.sessions.cookie import find_pending_session, find_session, forget_session, keep_session
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page


@endpoint
def show_second_factor(call: Call) -> Response:
    where = destination(call)
    session = _session(call)
    elsewhere = _elsewhere(call, session, where)
    return elsewhere if elsewhere is not None else _page(call, where)


@endpoint
def second_factor(call: Call) -> Response:
    where = destination(call)
    session = _session(call)
    elsewhere = _elsewhere(call, session, where)
    if elsewhere is not None or session is None:
        return elsewhere or go(where.through("/login"))
    try:
        cookie = steps.show_second_factor(call.work, session, method=_method(call), code=call.form.text("code"))
    except (WrongSecondFactor, SecondFactorLocked) as refusal:
        return _page(call, where, errors={"code": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return _page(call, where, **too_many(call, refusal))
    except SignInOver:
        forget_session(call)
        return go(where.through("/login", because="codes"))
    except SecondFactorOver:
        return go(where.location)
    keep_session(call, cookie)
    remember_device(call, session.user_id)
    follow_person(call, session.user_id)
    return go(where.location)


def _session(call: Call) -> Session | None:
    return find_pending_session(call) or find_session(call)


def _elsewhere(call: Call, session: Session | None, where: Destination) -> Response | None:
    """Where to go when there is nothing to ask here."""
    if session is None:
        return go(where.through("/login", because="time") if _ran_out(call) else where.through("/login"))
    if not needs_second_factor(session):
        return go(where.location)
    if not totp.is_enabled(call.work, session.user_id):
        # Asked for a second factor this person never set up: the way on is to set it up, then on to the app.
        if call.settings.has("two-factor"):
            return go(where.through("/account/two-factor"))
        return page(call, "login/no_second_factor.html", status_code=403)
    return None


def _ran_out(call: Call) -> bool:
    return call.method == "POST"


def _method(call: Call) -> Method:
    return Method.RECOVERY_CODE if call.query.get("method") == Method.RECOVERY_CODE else Method.TOTP


def _page(call: Call, where: Destination, *, errors: dict[str, str] | None = None, status_code: int = 200) -> Response:
    method = _method(call)
    return page(
        call,
        "login/second_factor.html",
        status_code=status_code,
        form_targets=where.form_targets,
        where=where,
        action=where.through("/login/second-factor", method=method.value),
        by_recovery_code=method is Method.RECOVERY_CODE,
        errors=errors or {},
    )
