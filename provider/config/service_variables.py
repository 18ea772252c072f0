"""Variables that Kubernetes and Docker set for services named `signet` or `signet-...`.

They look like settings of ours and are not: `SIGNET_PORT=tcp://10.0.0.1:8000`, `SIGNET_SERVICE_HOST`. Kubernetes sets
them in every container of the namespace unless `enableServiceLinks` is false.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address

_LINK = re.compile(r"(?:tcp|udp|sctp)://\S+:[0-9]+", re.IGNORECASE)
_PORT = re.compile(r"[0-9]{1,5}")
_PROTOCOL = re.compile(r"tcp|udp|sctp", re.IGNORECASE)


def _is_address(value: str) -> bool:
    try:
        ip_address(value.strip("[]"))
    except ValueError:
        return False
    return True


_SHAPES = (
    (re.compile(r"SIGNET_(?:\w+_)?SERVICE_HOST"), lambda value: value == "None" or _is_address(value)),
    (re.compile(r"SIGNET_(?:\w+_)?SERVICE_PORT(?:_\w+)?"), _PORT.fullmatch),
    (re.compile(r"SIGNET_(?:\w+_)?PORT(?:_[0-9]+_(?:TCP|UDP|SCTP))?"), _LINK.fullmatch),
    (re.compile(r"SIGNET_(?:\w+_)?PORT_[0-9]+_(?:TCP|UDP|SCTP)_ADDR"), _is_address),
    (re.compile(r"SIGNET_(?:\w+_)?PORT_[0-9]+_(?:TCP|UDP|SCTP)_PORT"), _PORT.fullmatch),
    (re.compile(r"SIGNET_(?:\w+_)?PORT_[0-9]+_(?:TCP|UDP|SCTP)_PROTO"), _PROTOCOL.fullmatch),
    (re.compile(r"SIGNET_(?:\w+_)?NAME"), re.compile(r"/[\w.-]+(?:/[\w.-]+)+").fullmatch),  # a Docker link
)
"""The names, each with the only values that it has. So a mistyped setting of ours is still found."""


def is_of_a_service(name: str, value: str) -> bool:
    """Return whether this variable was set for a service, and not by an operator for us."""
    return any(shape.fullmatch(name) and fits(value) for shape, fits in _SHAPES)


def service_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the variables in the environment that were set for a service."""
    return sorted(name for name, value in environ.items() if is_of_a_service(name, value))
