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
    remember_device_days: int = Field(
        30,
        ge=0,
        le=90,
        description="For how many days a user can choose not to be asked for the second factor again on a device, up "
        "to 90. 0 turns it off. It has no effect where a second factor is required.",
    )
    email_code_sign_in: bool = Field(
        False,
        description="Whether users can sign in with a code by email instead of the password. It is one factor. "
        "Anyone who reads the mailbox can then sign in, unless the user has a second factor.",
    )
    proof_of_work: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description="How many hashes a browser computes at most to sign up, to ask for an email, and to sign in after "
        "failures, for example 100000 for about a second. Slows down bots. 0 turns it off.",
    )
    totp_bypass_code: str | None = Field(
        None,
        description="Fixed code accepted instead of a TOTP code, for tests. Needs SIGNET_ENV=development and "
        "a loopback issuer.",
    )
