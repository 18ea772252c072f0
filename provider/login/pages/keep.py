"""The box "Keep me signed in" (SIGNET_KEEP_SIGNED_IN_DAYS): on every form that signs a user in."""

from typing import Any

from provider.destination import Destination
from provider.sessions.cookie import find_session
from provider.web.call import Call

FIELD = "keep"
ON = "on"


def wants_to_stay(call: Call) -> bool:
    """Return whether the user chose, in the form of this request, to stay signed in after closing the browser."""
    return call.settings.keep_signed_in_days > 0 and call.form.get(FIELD) == ON


def keep_choice(call: Call, where: Destination) -> dict[str, Any]:
    """Return what templates need for the box. It is ticked if the user did so in this form, or signs in again."""
    days = call.settings.keep_signed_in_days
    session = find_session(call) if days else None
    before = session is not None and session.kept and not where.another
    return {"keep_days": days, "keep_chosen": wants_to_stay(call) if call.method == "POST" else before}
