"""The interaction ID of FAPI: one value by which an app and an API find the same request in both logs
(FAPI 1.0 Baseline sections 6.2.1-11 and 6.2.1-12).
"""

import re
from uuid import uuid4

from provider.observability.logging import log
from provider.web.call import Call

HEADER = "x-fapi-interaction-id"
_NAME = HEADER.encode()
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def return_interaction_id(call: Call) -> str | None:
    """Send the interaction ID of the request back, whatever the response will be, and log it.

    Returns the ID, or None if the request has none that is a UUID.
    """
    sent = call.headers.lines(_NAME)
    if not sent or UUID.fullmatch(value := sent[0].decode("latin-1")) is None:
        return None
    _put(call, value)
    return value


def begin_interaction(call: Call) -> None:
    """Give the response an interaction ID of our own."""
    _put(call, str(uuid4()))


def _put(call: Call, value: str) -> None:
    call.set_header(HEADER, value)
    log.info("fapi.interaction", interaction_id=value)
