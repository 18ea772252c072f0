"""The sessions page: see the devices, sign out of one, of all others, or everywhere."""

from contextlib import suppress
from typing import Any

from starlette.responses import Response

from provider.accounts import devices, known_devices
from provider.accounts.activity import find_usual_networks, network_of
from provider.accounts.factors import remembered_devices
from provider.accounts.factors.remembered_devices import NoSuchRememberedDevice
from provider.accounts.pages.device_cookie import device_of
from provider.audit.devices import device_name
from provider.sessions.cookie import forget_session
from provider.sessions.guards import require_user
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint
def sessions(call: Call) -> Response:
    session = require_user(call)
    usual = {*find_usual_networks(call.work, session.user_id), network_of(call.work, call.origin.network)}
    rows = [
        {
            "id": one.id,
            "device": device_name(one.user_agent),
            "network": one.network,
            "is_usual": network_of(call.work, one.network) in usual,
            "last_seen": one.last_seen,
            "since": one.created_at,
            "kept_until": one.expires_at if one.kept else None,
            "here": one.id == session.id,
        }
        for one in devices.find_sessions(call.work, session.user_id)
    ]
    return page(
        call,
        "accounts/sessions.html",
        sessions=rows,
        remembered=_remembered(call, session.user_id),
        now=call.work.now,
    )


@endpoint
def end_sessions(call: Call) -> Response:
    """End sessions of the user: POST /account/sessions.

    `session` is the id of one to end; `which` is "others" or "all". `device` is the id of a remembered device, on which
    the second factor is asked for again.
    """
    session, which = require_user(call), call.form.get("which")
    if which == "all":
        devices.sign_out_everywhere(call.work, session)
        forget_session(call)
        return go(call.services.page_after_sign_out(call.work, ended=[session]))
    if which == "others":
        devices.sign_out_others(call.work, user_id=session.user_id, but={session.id})
    elif "device" in call.form:
        with suppress(NoSuchRememberedDevice):  # removed in another tab
            remembered_devices.forget(call.work, user_id=session.user_id, device_id=call.form["device"])
    else:
        devices.sign_out_one(call.work, session, session_id=call.form.get("session", ""))
    return go("/account/sessions")


def _remembered(call: Call, user_id: str) -> list[dict[str, Any]]:
    found = remembered_devices.find_of_user(call.work, user_id)
    here = known_devices.find_known(call.work, device_of(call), user_id) if found else None
    return [
        {
            "id": known.id,
            "device": device_name(known.user_agent or ""),
            "network": known.network or "",
            "last_used": known.last_used_at,
            "until": one.expires_at,
            "here": here is not None and here.id == known.id,
        }
        for known, one in found
    ]
