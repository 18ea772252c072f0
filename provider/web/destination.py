"""Reading from a request where the user goes next (`provider.destination`)."""

from collections.abc import Mapping

from provider.destination import LONGEST_LOCALES, App, Destination, local_path
from provider.web.call import Call


def destination(call: Call, given: Mapping[str, str] | None = None, *, app: App | None = None) -> Destination:
    """Return the destination in the query, or in stored parameters (`Destination.parameters`).

    Unknown values, and paths that are not ours, are ignored. A request that expired still leads to its app. A caller
    that has read the parked request of the request_uri passes its `app`; otherwise it is looked up.
    """
    given = call.query if given is None else given
    request_uri, client_id = given.get("request_uri"), given.get("client_id")
    ui_locales = given.get("ui_locales", "")[:LONGEST_LOCALES] or None
    if app is None and request_uri is not None:
        app = call.services.describe_request(call.work, request_uri, client_id)
    return Destination(
        request_uri=None if app is None else request_uri,
        client_id=None if app is None or request_uri is None else app.client_id,
        return_to=local_path(given.get("return_to")),
        app=app,
        ui_locales=ui_locales,
        again=given.get("prompt") in {"login", "select_account"},
        another=given.get("prompt") == "select_account",
    )
