"""Structured logs, one JSON object per line, with the request's id. Secrets are removed before anything is written."""

import logging
import os
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from provider.config.service_variables import service_variables

log = structlog.get_logger("signet")

_SECRET_NAMES = re.compile(
    r"password|secret|token|code|verifier|cookie|authorization|assertion|seed|private|state|nonce|ticket|link",
    re.IGNORECASE,
)
_SAFE_NAMES = frozenset({"status_code", "error_code", "token_type"})
_SECRET_TEXT = re.compile(r"(eyJ[\w-]+\.[\w-]+\.[\w-]*)|((?:code|token|ticket|state|secret|password)=)[^&\s\"']+")


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send our events, and those of the libraries we use, to `stream` (stderr) as JSON lines."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
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
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=stream is None,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
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
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(getattr(logging, level.upper()), logging.WARNING))
    logging.getLogger("authlib").setLevel(logging.INFO)  # its DEBUG lines hold whole tokens


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace values whose names say they are secret."""
    for name in event:
        if name not in _SAFE_NAMES and _SECRET_NAMES.search(name):
            event[name] = "[redacted]"
    return event


def _redact_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _SECRET_TEXT.sub(lambda found: (found[2] or "") + "[redacted]", value)
    return event


def log_ignored_variables() -> None:
    """Log which SIGNET_* variables are ignored because Kubernetes or Docker set them for a service of that name."""
    if ignored := service_variables(os.environ):
        log.warning(
            "settings.ignored",
            variables=ignored,
            hint="Set for a service named signet, so not settings. `enableServiceLinks: false` turns them off.",
        )
