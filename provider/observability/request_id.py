"""The id of the request that is being answered, for every line of the log."""

from contextvars import ContextVar

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Set by `web.middleware`, and copied into the thread of the endpoint."""
