"""The page to change the password while signed in."""

from starlette.responses import Response

from provider.accounts.factors import second_factor
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.pages.device_cookie import device_of
from provider.accounts.passwords import password_change
from provider.accounts.passwords.directories import find_directory_user, has_password
from provider.accounts.passwords.password_reset import InvalidPassword
from provider.accounts.reauthentication import WrongCurrentPassword
from provider.accounts.store import email_addresses
from provider.refusals import TooManyRequests
from provider.sessions.cookie import keep_session
from provider.sessions.guards import require_second_factor, require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page

PATH = "/account/password"


@endpoint
def show_password(call: Call) -> Response:
    return _page(call, _require(call))


@endpoint(hashes_passwords=True)
def change(call: Call) -> Response:
    session = _require(call)
    current, password = call.form.get("current", ""), call.form.get("password", "")
    try:
        cookie = password_change.change_password(
            call.work, session, current=current, password=password, device=device_of(call)
        )
    except WrongCurrentPassword as refusal:
        return _page(call, session, errors={"current": refusal.message}, status_code=400)
    except InvalidPassword as refusal:
        return _page(call, session, errors={"password": refusal.message}, status_code=400)
    except TooManyRequests as refusal:
        return _page(call, session, **too_many(call, refusal))
    except SessionEnded:
        return go(PATH)
    keep_session(call, cookie)
    return go(f"{PATH}?changed=yes")


def _require(call: Call) -> Session:
    """Return the session, with the second factor if the user has one. It may be old: the form asks for the password."""
    session = require_user(call)
    if second_factor.is_enabled(call.work, session.user_id):
        return require_second_factor(call)
    return session


def _page(call: Call, session: Session, *, errors: dict[str, str] | None = None, status_code: int = 200) -> Response:
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    theirs = find_directory_user(call.work, session.user_id)
    return page(
        call,
        "accounts/password.html",
        status_code=status_code,
        address="" if address is None else address.address,
        has_password=has_password(call.work, session.user_id),
        directory=None if theirs is None else theirs.directory.name,
        min_length=call.settings.password_min_length,
        just_changed="changed" in call.query and not errors,
        errors=errors or {},
    )
