"""The settings of the network in front of Signet: proxies, host names, and networks for rate limits."""

from typing import ClassVar, Literal

from pydantic import Field

from provider.config.issuer import Hosts
from provider.config.lists import Networks
from provider.config.section import Section


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
