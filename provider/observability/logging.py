"""The log of the process. The lines are written by `json_lines`.

That module loads structlog, which loads Rich: together slower than most commands, which log nothing. So it is loaded
for the first line, unless the process has structlog already, as every service has.
"""

import logging
import os
import sys
from typing import Any, TextIO

from provider.config.service_variables import service_variables


class _Log:
    """The logger for our events, as structlog's: `log.warning("event", name=value)`."""

    def __getattr__(self, name: str) -> Any:
        from provider.observability import json_lines  # noqa: PLC0415  # loads structlog

        for handler in logging.getLogger().handlers:
            if isinstance(handler, _FirstLine):
                handler.configure()
        return getattr(json_lines.log, name)


log = _Log()


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send our events, and those of the libraries we use, to `stream` (stderr) as JSON lines."""
    root = logging.getLogger()
    root.handlers[:] = [first := _FirstLine(level, stream)]
    root.setLevel(max(getattr(logging, level.upper()), logging.WARNING))
    logging.getLogger("authlib").setLevel(logging.INFO)  # its DEBUG lines hold whole tokens
    if "structlog" in sys.modules:
        first.configure()


class _FirstLine(logging.Handler):
    """A handler that sets up the real one when there is something to write."""

    def __init__(self, level: str, stream: TextIO | None) -> None:
        super().__init__()
        self._arguments = level, stream

    def configure(self) -> None:
        """Set up structlog, and replace this handler."""
        from provider.observability import json_lines  # noqa: PLC0415  # loads structlog

        json_lines.configure(*self._arguments)

    def emit(self, record: logging.LogRecord) -> None:
        self.configure()
        logging.getLogger().handle(record)


def log_ignored_variables() -> None:
    """Log which SIGNET_* variables are ignored because Kubernetes or Docker set them for a service of that name."""
    if ignored := service_variables(os.environ):
        log.warning(
            "settings.ignored",
            variables=ignored,
            hint="Set for a service named signet, so not settings. `enableServiceLinks: false` turns them off.",
        )
