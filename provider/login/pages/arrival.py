"""Reading from a request how its user arrives at a sign-in (`login.arrival`)."""

from provider.accounts.pages.device_cookie import device_of, remembered_of
from provider.destination import Destination
from provider.login.arrival import Arrival
from provider.login.pages.keep import wants_to_stay
from provider.sessions.cookie import find_here
from provider.web.call import Call


def arrival_of(call: Call, where: Destination) -> Arrival:
    """Return the arrival of the user of this browser, who is on the way to `where`."""
    return Arrival(
        sessions=find_here(call),
        browser=call.browser,
        device=device_of(call),
        remembered=remembered_of(call),
        client_id=where.client_id,
        link_parameters=where.parameters,
        keep_signed_in=wants_to_stay(call),
    )
