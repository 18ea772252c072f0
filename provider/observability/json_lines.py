"""The logs as JSON lines, by structlog: one object per line, with the request's id. Secrets are removed before anything
is written.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from provider.observability.lossy_stream import LossyStream
from provider.observability.request_id import REQUEST_ID


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Let what is imported meanwhile find that a package is not installed, unless it is loaded already."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # as documented: the import system raises for it
    try:
        yield
    finally:
        del sys.modules[package]


with _without("rich"):  # structlog would load it to show tracebacks on terminals: 80 modules, and we write JSON
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

log = structlog.get_logger("signet")

_SECRET_NAMES = re.compile(
    r"password|secret|token|code|verifier|cookie|authorization|assertion|seed|private|state|nonce|ticket|link",
    re.IGNORECASE,
)
_SAFE_NAMES = frozenset({"status_code", "error_code", "token_type"})
_SECRET_TEXT = re.compile(r"(eyJ[\w-]+\.[\w-]+\.[\w-]*)|((?:code|token|ticket|state|secret|password)=)[^&\s\"']+")


def configure(level: str, stream: TextIO | None) -> None:
    """Send our events, and those of the libraries we use, to `stream` (stderr) as JSON lines."""
    output: Any = LossyStream(stream or sys.stderr)

    def add_lost(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if output.lost:
            event["lines_lost"] = output.lost
        return event

    shared: list[Processor] = [
        _add_request_id,
        add_lost,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            _redact_text,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=output),
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redact_text,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.getLogger().handlers[:] = [handler]


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    request_id = REQUEST_ID.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


def is_secret(name: str) -> bool:
    """Return whether the name of a value says that the value is secret."""
    return name not in _SAFE_NAMES and _SECRET_NAMES.search(name) is not None


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace values whose names say they are secret."""
    for name in event:
        if is_secret(name):
            event[name] = "[redacted]"
    return event


def _redact_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _SECRET_TEXT.sub(lambda found: (found[2] or "") + "[redacted]", value)
    return event
