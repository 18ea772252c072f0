"""The settings of passwords and second factors."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from provider.config.section import Section


class Passwords(Section):
    """Passwords and second factors."""

    title: ClassVar[str] = "Passwords and second factors"

    password_min_length: int = Field(8, ge=8, le=64, description="Minimum length of a new password, in characters.")
    breached_passwords: Path | None = Field(
        None,
        description="Path of a file with SHA-1 hashes of breached passwords, sorted by hash. These passwords "
        "are rejected.",
    )
    bcrypt_cost: int = Field(
        12,
        ge=4,
        le=16,
        description="Cost (work factor) of password hashes. Each step up takes twice as long. Older hashes "
        "are upgraded at sign-in.",
    )
    required_factor: Literal["none", "two-factor", "passkey"] = Field(
        "none",
        description="What every user must sign in with: none, two-factor (a passkey or any other second factor), or "
        "passkey. A role or an app can require more. Users who have none are asked to set it up.",
    )
    email_code_sign_in: bool = Field(
        False,
        description="Whether users can sign in with a code by email instead of the password. It is one factor. "
        "Anyone who reads the mailbox can then sign in, unless the user has a second factor.",
    )
    totp_bypass_code: str | None = Field(
        None,
        description="Fixed code accepted instead of a TOTP code, for tests. Needs SIGNET_ENV=development and "
        "a loopback issuer.",
    )
