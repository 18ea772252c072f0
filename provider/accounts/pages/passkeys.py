"""The passkeys page: see them, add one, rename or remove one."""

from typing import Any

from starlette.responses import Response

from provider.accounts.factors import passkey_signals, passkeys, policy
from provider.accounts.factors.authenticators import find_name
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.factors.passkeys import (
    LastPasskey,
    NoSuchPasskey,
    OnlySecondFactor,
    PasskeyTaken,
    TooManyPasskeys,
)
from provider.accounts.factors.store.passkeys import LONGEST_NAME
from provider.accounts.factors.webauthn import InvalidPasskey
from provider.accounts.pages.guards import require_every_factor
from provider.languages.free_text import InvalidText
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/account/passkeys"


@endpoint
def show_passkeys(call: Call) -> Response:
    return _page(call, require_every_factor(call, back=PATH))


@endpoint
def add_passkey(call: Call) -> Response:
    session, where = require_every_factor(call, back=PATH), destination(call)
    try:
        passkeys.add(call.work, session, answer=call.form.get("credential", ""))
    except SessionEnded:
        return go(where.through(PATH))
    except (InvalidPasskey, PasskeyTaken, TooManyPasskeys) as refusal:
        return _page(call, session, errors={"add": refusal.message}, status_code=400)
    if where.app is not None or where.return_to is not None:
        return go(where.location)  # asks for the new passkey, if that is what is missing there
    return go(f"{PATH}?done=added")


@endpoint(form_on=PATH)
def rename_passkey(call: Call) -> Response:
    session = require_every_factor(call, back=PATH)
    passkey_id = call.form.get("passkey", "")
    try:
        name = call.form.get(f"name-{passkey_id}", "")
        passkeys.rename(call.work, user_id=session.user_id, passkey_id=passkey_id, name=name)
    except InvalidText as refusal:
        return _page(call, session, errors={f"name-{passkey_id}": refusal.problem}, status_code=400)
    except NoSuchPasskey:
        return go(PATH)  # removed in another tab
    return go(f"{PATH}?done=renamed")


@endpoint(form_on=PATH)
def remove_passkey(call: Call) -> Response:
    session = require_every_factor(call, back=PATH)
    try:
        passkeys.remove(call.work, user_id=session.user_id, passkey_id=call.form.get("passkey", ""))
    except (LastPasskey, OnlySecondFactor) as refusal:
        return _page(call, session, errors={"passkeys": refusal.message}, status_code=400)
    except NoSuchPasskey:
        return go(PATH)
    return go(f"{PATH}?done=removed")


def _page(call: Call, session: Session, *, errors: dict[str, str] | None = None, status_code: int = 200) -> Response:
    held, where = passkeys.find_of_user(call.work, session.user_id), destination(call)
    requirement = policy.find_requirement(call.work, session.user_id)
    if where.app is not None:
        requirement = requirement.or_stricter(policy.requirement_of_app(where.app.required_factor))
    rows: list[dict[str, Any]] = [
        {
            "id": one.id,
            "name": one.name,
            "kind": find_name(one.aaguid),
            "is_synced": one.is_synced,
            "since": one.created_at,
            "last_used": one.last_used_at,
        }
        for one in held
    ]
    return page(
        call,
        "accounts/passkeys.html",
        status_code=status_code,
        passkeys=rows,
        where=where,
        requirement=requirement,
        question=None if len(held) >= passkeys.MOST else passkeys.new_passkey_options(call.work, session),
        longest_name=LONGEST_NAME,
        done=call.query.get("done", ""),
        signals=passkey_signals.accepted(call.work, user_id=session.user_id),
        errors=errors or {},
        now=call.work.now,
    )
