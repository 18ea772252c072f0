"""The settings of outgoing email."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from provider.config.notation import Notation
from provider.config.section import Section
from provider.config.urls import Host
from provider.languages.free_text import clean_line
from provider.urls import is_loopback

if TYPE_CHECKING:
    from email.headerregistry import Address

LONGEST_SENDER = 500
"""The longest sender with its display name, in characters."""
TOKEN_URL = "must be an https URL, such as https://login.example.com/token"  # noqa: S105  # a message


def _is_folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError(f"must be a folder. There is none at {value}")
    return value


Folder = Annotated[Path, AfterValidator(_is_folder), Notation("path of a folder")]


class MailSettings(Section):
    """The mail server, how to sign in to it, and the sender."""

    title: ClassVar[str] = "Email"

    smtp_host: Host = Field("localhost", description="Host name or IP address of the mail server.")
    smtp_port: int = Field(
        1025, ge=1, le=65535, description="Port of the mail server, usually 587 with starttls or 465 with tls."
    )
    smtp_tls: Literal["none", "starttls", "tls"] = Field(
        "none",
        description="Encryption to the mail server: none, starttls or tls. Signet never falls back to plain text.",
    )
    smtp_user: str | None = Field(None, description="User name for the mail server. Unset: no authentication.")
    smtp_password: SecretStr | None = Field(None, description="Password for the mail server. Needs SIGNET_SMTP_USER.")
    smtp_oauth_token_url: str | None = Field(
        None,
        description="Token endpoint that issues access tokens for the mail server. Set it to use OAuth "
        "instead of a password.",
    )
    smtp_oauth_client_id: str | None = Field(None, description="Client ID at the token endpoint of the mail server.")
    smtp_oauth_client_secret: SecretStr | None = Field(
        None, description="Client secret at the token endpoint of the mail server."
    )
    smtp_oauth_refresh_token: SecretStr | None = Field(
        None,
        description="Refresh token of SIGNET_SMTP_USER. Unset: Signet uses the client credentials grant.",
    )
    smtp_oauth_scope: str | None = Field(
        None, description="Scope to request from the token endpoint of the mail server."
    )
    smtp_from: str = Field(
        "signet@localhost",
        description="Sender of all emails: an email address, or a name and address such as Name <address>.",
    )
    smtp_reply_to: str | None = Field(
        None,
        description="Address for replies to emails, written like SIGNET_SMTP_FROM. Unset: replies go to the sender.",
    )
    smtp_utf8: bool = Field(
        False,
        description="Accept email addresses with characters such as é before the @. The mail server must "
        "support SMTPUTF8.",
    )
    email_templates: Folder | None = Field(
        None,
        description="Folder with your own templates of emails. An email without a template there uses Signet's.",
    )

    @field_validator("smtp_from", "smtp_reply_to")
    @classmethod
    def _one_address(cls, value: str | None) -> str | None:
        """Check that this is one address, alone or as `Name <address>`. Quote a name with a comma."""
        if value is None or value == cls.model_fields["smtp_from"].default:
            return value
        from email import policy  # noqa: PLC0415  # its parser of headers, for which most starts need not wait

        problem = 'must be one address, like id@example.com or "Example, Inc." <id@example.com>'
        value = clean_line(value, most=LONGEST_SENDER)
        header = policy.SMTP.header_factory("From", value)
        addresses: tuple[Address, ...] = getattr(header, "addresses", ())
        if len(addresses) != 1 or header.defects or not addresses[0].username or not addresses[0].domain:
            raise ValueError(problem)
        if not addresses[0].addr_spec.isascii():
            raise ValueError("the address must be ASCII: write the domain as xn--")
        return value

    @field_validator("smtp_oauth_token_url")
    @classmethod
    def _is_safe(cls, value: str | None) -> str | None:
        """Check that secrets sent to this URL are encrypted, or stay on this machine."""
        try:
            parts = urlsplit(value or "https://unset")
            parts.port  # noqa: B018  # raises for one that is none
        except ValueError:
            raise ValueError(TOKEN_URL) from None
        encrypted = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        if not encrypted or not parts.hostname or "@" in parts.netloc or parts.fragment:
            raise ValueError(TOKEN_URL)
        return value

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        oauth = {name: getattr(self, name) for name in type(self).model_fields if name.startswith("smtp_oauth_")}
        if any(oauth.values()):
            self._require_all_of_oauth()
        elif (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("SIGNET_SMTP_USER and SIGNET_SMTP_PASSWORD must be set together")
        password = "" if self.smtp_password is None else self.smtp_password.get_secret_value()
        if not ((self.smtp_user or "") + password).isascii():
            raise ValueError(
                "SIGNET_SMTP_USER and SIGNET_SMTP_PASSWORD must be ASCII, because mail servers differ in the rest"
            )
        return self

    def _require_all_of_oauth(self) -> None:
        if self.smtp_password is not None:
            raise ValueError("SIGNET_SMTP_PASSWORD and SIGNET_SMTP_OAUTH_* cannot be used together; remove one of them")
        if self.smtp_user is None or self.smtp_oauth_token_url is None or self.smtp_oauth_client_id is None:
            raise ValueError(
                "SIGNET_SMTP_OAUTH_* need SIGNET_SMTP_USER, SIGNET_SMTP_OAUTH_TOKEN_URL and SIGNET_SMTP_OAUTH_CLIENT_ID"
            )
        if self.smtp_oauth_client_secret is None and self.smtp_oauth_refresh_token is None:
            raise ValueError("SIGNET_SMTP_OAUTH_CLIENT_SECRET or SIGNET_SMTP_OAUTH_REFRESH_TOKEN must be set")
        if self.smtp_tls == "none" and not is_loopback(self.smtp_host):
            raise ValueError("SIGNET_SMTP_OAUTH_* need SIGNET_SMTP_TLS=starttls or tls (RFC 7628 section 4)")
