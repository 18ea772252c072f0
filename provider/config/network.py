"""The settings of the network in front of Signet: proxies, host names, rate limits, client certificates."""

import re
import ssl
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from provider.config.issuer import Hosts
from provider.config.lists import Networks
from provider.config.notation import Notation
from provider.config.section import Section
from provider.urls import is_loopback, web_origin_of


class Network(Section):
    """Proxies, host names, and networks for rate limits."""

    title: ClassVar[str] = "Proxies and host names"

    trusted_proxies: Networks = Field(
        frozenset(),
        description="Addresses or networks of your reverse proxies, comma-separated. Signet believes the "
        "client address they send.",
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] | None = Field(
        None,
        description="Header in which your proxies send the client address: x-forwarded-for or forwarded. "
        "Unset: X-Forwarded-For, or else Forwarded (RFC 7239).",
    )
    ipv6_prefix: int = Field(
        64,
        ge=32,
        le=128,
        description="Prefix length that counts as one network for rate limits, in bits. Lower it if your "
        "users' networks are larger.",
    )
    allowed_hosts: Hosts = Field(
        frozenset(),
        description="Extra host names that Signet answers to besides the issuer's, comma-separated. An entry "
        "without a port matches any port.",
    )


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
OTHER_USES = frozenset({"authorization", "cookie", "dpop", "forwarded", "host", "x-forwarded-for"})
"""Headers that have another meaning."""


def _header(value: str) -> str:
    if _NAME.fullmatch(value) is None or value.lower() in OTHER_USES:
        raise ValueError("must be the name of a header of its own, with letters, digits and hyphens: Client-Cert")
    return value.lower()


def _authorities(value: Path) -> Path:
    """Check that the file has certificates of authorities only: any other would be trusted for every client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(cafile=value)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ValueError("must be a PEM file with certificates of authorities") from error
    found = context.cert_store_stats()
    if found["x509"] != found["x509_ca"]:
        raise ValueError("contains a certificate that is not one of an authority (CA:TRUE)")
    return value


def _certificates(value: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cafile=value)
    except (OSError, ValueError) as error:
        raise ValueError("must be a PEM file with certificates") from error
    return value


def _base_url(value: str) -> str:
    origin = web_origin_of(value)
    is_safe = origin is not None and (origin.startswith("https:") or is_loopback(urlsplit(origin).hostname or ""))
    if not is_safe or set(value) & set("?#@") or value.endswith("/"):
        raise ValueError("must be an https URL without a final slash, such as https://mtls.example.com")
    return value


Header = Annotated[str, AfterValidator(_header), Notation("header name")]
Authorities = Annotated[Path, AfterValidator(_authorities)]
Certificates = Annotated[Path, AfterValidator(_certificates)]
BaseUrl = Annotated[str, AfterValidator(_base_url), Notation("URL")]


class MutualTls(Section):
    """Mutual TLS: apps that show a client certificate."""

    title: ClassVar[str] = "Client certificates"

    client_certificate_header: Header | None = Field(
        None,
        description="Header in which your proxies send the client's certificate, such as Client-Cert. Signet reads it "
        "only from SIGNET_TRUSTED_PROXIES, which must remove what clients send in it. See docs/guides/mutual-tls.md.",
    )
    client_certificate_ca: Authorities | None = Field(
        None,
        description="Path of a PEM file with the certificate authorities that issue client certificates, for apps with "
        "tls_client_auth. Intermediate authorities must be in it too.",
    )
    mtls_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port at which signet serve itself asks for client certificates, besides its usual port. Needs "
        "SIGNET_MTLS_URL, SIGNET_MTLS_CERTIFICATE and SIGNET_MTLS_KEY.",
    )
    mtls_certificate: Path | None = Field(
        None, description="Path of a PEM file with the server's certificate and its chain, for SIGNET_MTLS_PORT."
    )
    mtls_key: Path | None = Field(
        None, description="Path of a PEM file with the private key of SIGNET_MTLS_CERTIFICATE, without a passphrase."
    )
    mtls_self_signed: Certificates | None = Field(
        None,
        description="Path of a PEM file with the self-signed certificates of apps that connect at SIGNET_MTLS_PORT. "
        "Others are refused there, except those of SIGNET_CLIENT_CERTIFICATE_CA.",
    )
    mtls_url: BaseUrl | None = Field(
        None,
        description="URL at which apps connect with a client certificate, if it is not the issuer. Discovery publishes "
        "it as mtls_endpoint_aliases.",
    )
