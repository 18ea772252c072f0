"""The second-factor page: at the end of a sign-in, or later for what needs it (step-up)."""

from starlette.responses import Response

from provider.accounts.factors.factor import Factor, WrongSecondFactor
from provider.accounts.factors.policy import can_meet, requirement_of_app, set_up_page
from provider.accounts.factors.remembered_devices import may_remember
from provider.accounts.factors.second_factor import SecondFactorLocked, SignInExpired, find_offered
from provider.destination import Destination
from provider.login import second_factor as rule
from provider.login.pages.outcome import completed
from provider.refusals import TooManyRequests
from provider.sessions.assurance import AAL2, PHR
from provider.sessions.cookie import find_pending_session, find_session, forget_session, keep_session
from provider.sessions.guards import step_up_parameters
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page

PATH = "/login/second-factor"


@endpoint(before_sign_in=True)
def show_second_factor(call: Call) -> Response:
    where, session = destination(call), _session(call)
    offered = _find_offered(call, session)
    elsewhere = _elsewhere(call, session, where, offered)
    if elsewhere is not None or session is None:
        return elsewhere or go(where.through("/login"))
    return _page(call, where, session, offered)


@endpoint(before_sign_in=True)
def second_factor(call: Call) -> Response:
    where, session = destination(call), _session(call)
    offered = _find_offered(call, session)
    elsewhere = _elsewhere(call, session, where, offered)
    if elsewhere is not None or session is None:
        return elsewhere or go(where.through("/login"))
    factor, code = _asked(call, offered), call.form.text("code")
    try:
        cookie = rule.show_second_factor(call.work, session, factor=factor, code=code, client_id=where.client_id)
    except (WrongSecondFactor, SecondFactorLocked) as refusal:
        return _page(call, where, session, offered, errors={"code": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return _page(call, where, session, offered, **too_many(call, refusal))
    except SignInExpired:
        forget_session(call)
        return go(where.through("/login", because="codes"))
    except rule.SecondFactorExpired:
        return go(where.location)
    keep_session(call, cookie)
    return completed(call, where, remember=_remembers(call, where, session))


def _session(call: Call) -> Session | None:
    return find_pending_session(call) or find_session(call)


def _find_offered(call: Call, session: Session | None) -> tuple[Factor, ...]:
    """Return the factors that can be used on this page, the one to ask for first in front."""
    level = _level(call, session)
    if session is None or not rule.needs_second_factor(session, level=level):
        return ()
    return find_offered(call.work, session.user_id, level=level)


def _level(call: Call, session: Session | None) -> str:
    """Return the level to reach. Any factor ends a sign-in; a step-up may need a passkey (`acr=phr`)."""
    is_step_up = session is not None and session.pending is None
    return PHR if is_step_up and call.query.get("acr") == PHR else AAL2


def _asked(call: Call, offered: tuple[Factor, ...]) -> Factor:
    """Return the factor that the query names, or the first one."""
    return next((factor for factor in offered if factor.name == call.query.get("method")), offered[0])


def _elsewhere(call: Call, session: Session | None, where: Destination, offered: tuple[Factor, ...]) -> Response | None:
    """Return a redirect or a page if there is nothing to ask here, else None."""
    if session is None:
        return go(where.through("/login", because="time") if _ran_out(call) else where.through("/login"))
    level = _level(call, session)
    if not rule.needs_second_factor(session, level=level):
        return go(where.location)
    if not offered:
        # Asked for a second factor this person never set up: the way on is to set it up, then on to the app.
        if can_meet(call.settings, level):
            return go(where.through(set_up_page(call.settings, level)))
        return page(call, "login/no_second_factor.html", status_code=403)
    return None


def _may_remember(call: Call, where: Destination, session: Session) -> bool:
    """Return whether to offer that this device skips the second factor: at the end of a sign-in, where it has a use."""
    is_required = where.app is not None and requirement_of_app(where.app.required_factor).is_any
    return session.pending is not None and not is_required and may_remember(call.work, session.user_id)


def _remembers(call: Call, where: Destination, session: Session) -> bool:
    return call.form.get("remember") == "on" and _may_remember(call, where, session)


def _ran_out(call: Call) -> bool:
    return call.method == "POST"


def _page(
    call: Call,
    where: Destination,
    session: Session,
    offered: tuple[Factor, ...],
    *,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    factor, parameters = _asked(call, offered), step_up_parameters(_level(call, session))
    return page(
        call,
        factor.template,
        status_code=status_code,
        form_targets=where.form_targets,
        where=where,
        question=factor.question(call.work, session),
        is_step_up=find_session(call) is not None,
        action=where.through(PATH, **parameters, method=factor.name),
        others=[(other.offer, _address(where, other, offered)) for other in offered if other is not factor],
        needs_passkey=bool(parameters),
        remember_days=call.settings.remember_device_days if _may_remember(call, where, session) else 0,
        remember_chosen=call.form.get("remember") == "on",
        errors=errors or {},
    )


def _address(where: Destination, factor: Factor, offered: tuple[Factor, ...]) -> str:
    """Return the address of the page that asks for this factor. The first one needs no name."""
    return where.through(PATH) if factor is offered[0] else where.through(PATH, method=factor.name)
