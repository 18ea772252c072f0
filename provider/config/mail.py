"""The settings of outgoing email."""

from email import policy
from email.headerregistry import Address
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from provider.config.section import Section
from provider.config.urls import Host
from provider.languages.free_text import clean_line

LONGEST_SENDER = 500
"""The longest sender with its display name, in characters."""


class MailSettings(Section):
    """The mail server, how to sign in to it, and the sender."""

    smtp_host: Host = Field("localhost", description="Outgoing mail.")
    smtp_port: int = Field(1025, ge=1, le=65535, description="Outgoing mail.")
    smtp_user: str | None = Field(None, description="Outgoing mail.")
    smtp_password: SecretStr | None = Field(None, description="Outgoing mail.")
    smtp_from: str = Field("signet@localhost", description="The sender of every letter.")
    smtp_tls: Literal["none", "starttls", "tls"] = Field("none", description="Never falls back to plain text.")

    smtp_utf8: bool = Field(
        False,
        description="Accept email addresses with letters like é before the @. The mail server must support SMTPUTF8.",
    )

    @field_validator("smtp_from")
    @classmethod
    def _one_address(cls, value: str) -> str:
        """Check that this is one address, alone or as `Name <address>`. Quote a name with a comma."""
        problem = 'must be one address, like no-reply@example.com or "Example, Inc." <no-reply@example.com>'
        value = clean_line(value, most=LONGEST_SENDER)
        header = policy.SMTP.header_factory("From", value)
        addresses: tuple[Address, ...] = getattr(header, "addresses", ())
        if len(addresses) != 1 or header.defects or not addresses[0].username or not addresses[0].domain:
            raise ValueError(problem)
        if not addresses[0].addr_spec.isascii():
            raise ValueError("the address must be ASCII: write the domain as xn--")
        return value

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("SIGNET_SMTP_USER and SIGNET_SMTP_PASSWORD must be set together")
        if (
            self.smtp_password is not None
            and not ((self.smtp_user or "") + self.smtp_password.get_secret_value()).isascii()
        ):
            raise ValueError(
                "SIGNET_SMTP_USER and SIGNET_SMTP_PASSWORD must be ASCII: mail servers disagree on the rest"
            )
        return self
