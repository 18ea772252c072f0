"""The client certificate of a request: that of its own TLS connection, or the one that a trusted proxy reports.

A header counts only if the connection comes from a trusted proxy (SIGNET_TRUSTED_PROXIES). From anyone else it is
ignored, like every other header that we do not know, whatever its spelling (decision 284).
"""

from typing import Any

from provider.jose.certificates import Certificate, InvalidCertificate, read_der, read_header
from provider.web.call import Call
from provider.web.network import is_trusted_proxy

TLS = "tls"
"""The name of ASGI's TLS extension. Ours has the certificate as `client_cert_der` (`web.connections`)."""


def certificate_of(call: Call) -> Certificate | None:
    """Return the certificate with which the client proved that it holds the key, or None.

    Raises InvalidCertificate if a trusted proxy reports something else, or several.
    """
    extensions: dict[str, Any] = call.scope.get("extensions") or {}
    if TLS in extensions:
        der: bytes | None = extensions[TLS].get("client_cert_der")
        return None if der is None else read_der(der)
    name = call.settings.client_certificate_header
    if name is None or name not in call.headers:
        return None
    client = call.scope.get("client")
    if not client or not is_trusted_proxy(client[0], call.settings):
        return None
    lines = call.headers.getlist(name)
    if len(lines) > 1:
        raise InvalidCertificate(f"the request has {len(lines)} headers {name}")
    return read_header(lines[0]) if lines[0] else None
