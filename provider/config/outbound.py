"""The settings of requests that Signet sends to other servers."""

import ssl
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from provider.config.lists import Networks
from provider.config.section import Section


class Outbound(Section):
    """Requests to other servers."""

    title: ClassVar[str] = "Requests to other servers"

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
