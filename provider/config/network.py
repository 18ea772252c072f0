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
    metrics_address: Port | None = Field(
        None,
        description="Address and port of the Prometheus metrics, such as 127.0.0.1:9464. Anyone who can "
        "reach it can read them. Unset: no metrics.",
    )
    outbound_allow: Networks = Field(
        frozenset(),
        description="Private addresses or networks that Signet can send requests to, comma-separated, for "
        "example for a client's jwks_uri.",
    )
    outbound_ca: Path | None = Field(
        None,
        description="Path of a PEM file with certificate authorities to trust besides the system's. Set it "
        "if your servers use a private authority.",
    )
    outbound_threads: int = Field(
        4,
        ge=1,
        le=16,
        description="Number of threads per process that wait for other servers. Raise it if apps with slow "
        "servers delay each other.",
    )

    @field_validator("outbound_ca")
    @classmethod
    def _authorities(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=value)
            except OSError as error:
                raise ValueError("must be a PEM file with certificates") from error
        return value
