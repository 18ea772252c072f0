"""Reading from a request where the person goes on to (`provider.destination`)."""

from collections.abc import Mapping

from provider.destination import LONGEST_LOCALES, Destination, local_path
from provider.web.call import Call


def destination(call: Call, given: Mapping[str, str] | None = None) -> Destination:
    """Read it from the query, or from what was kept of one (`parameters`). What is unknown, expired or not a path of
    ours is as if it were not there.
    """
    given = call.query if given is None else given
    request_uri, ui_locales = given.get("request_uri"), given.get("ui_locales", "")[:LONGEST_LOCALES] or None
    app = None if request_uri is None else call.services.describe_request(call.work, request_uri)
    return Destination(
        request_uri=None if app is None else request_uri,
        return_to=None if request_uri is not None else local_path(given.get("return_to")),
        app=app,
        ui_locales=ui_locales,
        again=given.get("prompt") == "login",
    )
