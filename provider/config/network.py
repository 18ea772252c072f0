"""The settings of the network: whom to listen to, whom to believe, and whom to ask."""

import ssl
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from provider.config.issuer import Hosts
from provider.config.lists import Networks
from provider.config.ports import Port
from provider.config.section import Section


class Network(Section):
    """The settings of the network: proxies, hosts, limits per network, metrics, and other servers."""

    trusted_proxies: Networks = Field(
        frozenset(),
        description="Addresses or networks of your proxies, comma-separated. The client address they report is used.",
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] | None = Field(
        None,
        description="The header in which your proxies write the client's address. Unset: X-Forwarded-For, or Forwarded "
        "(RFC 7239) where there is none.",
    )
    ipv6_prefix: int = Field(
        64,
        ge=32,
        le=128,
        description="IPv6 addresses that share this many leading bits count as one network in every limit.",
    )
    allowed_hosts: Hosts = Field(
        frozenset(),
        description="Host headers answered beside the issuer's own, comma-separated: internal names of this service. "
        "Without a port: with any port.",
    )
    metrics_address: Port | None = Field(
        None, description="Where Prometheus may ask for /metrics, 127.0.0.1:9464 say. Whoever reaches it can read it."
    )
    outbound_allow: Networks = Field(
        frozenset(),
        description="Private addresses or networks that may be asked (a client's jwks_uri, say), comma-separated.",
    )
    outbound_ca: Path | None = Field(
        None,
        description="A PEM file of authorities to trust besides the system's, by requests and for the mail server.",
    )
    outbound_threads: int = Field(
        4, ge=1, le=16, description="Threads of their own for requests that wait for somebody else's server."
    )

    @field_validator("outbound_ca")
    @classmethod
    def _authorities(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=value)
            except OSError as error:
                raise ValueError("is not a file of certificates in PEM") from error
        return value
