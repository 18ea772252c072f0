"""The settings of the installation as a whole: its URL, its purpose, its languages and its features."""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator

from provider.config.issuer import Issuer
from provider.config.lists import Ordered, split
from provider.config.section import Section
from provider.languages.catalogs import LANGUAGES

Feature = Literal[
    "registration",
    "reset-passwords",
    "email-verification",
    "update-profile",
    "update-passwords",
    "two-factor",
    "passkeys",
]
FEATURES: tuple[Feature, ...] = get_args(Feature)


def _features(value: object) -> object:
    return frozenset() if isinstance(value, str) and value.strip().lower() == "none" else split(value)


class General(Section):
    """The URL, the purpose, the languages and the features of the installation."""

    title: ClassVar[str] = "General"

    issuer: Issuer = Field(
        "http://localhost:8000",
        description="Public URL of this server (the OIDC issuer). It can have a path, and must be https "
        "unless the host is loopback.",
    )
    env: Literal["production", "development", "test"] = Field(
        "production",
        description="What the installation is for: production, development or test. Only development accepts "
        "SIGNET_TOTP_BYPASS_CODE.",
    )
    features: Annotated[frozenset[Feature], BeforeValidator(_features)] = Field(
        frozenset(FEATURES),
        description="Features to turn on, comma-separated, or none. Pages and endpoints of other features do "
        "not exist.",
    )
    languages: Ordered = Field(
        tuple(LANGUAGES),
        min_length=1,
        description="Languages of pages and emails, comma-separated. The first is the default for users who "
        "prefer none of them.",
    )

    accounts_per_browser: int = Field(
        5,
        ge=1,
        le=10,
        description="How many accounts can be signed in in one browser. With one more, the account that was used "
        "longest ago is signed out. 1 signs out the previous account whenever another one signs in.",
    )

    @field_validator("languages")
    @classmethod
    def _spoken(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = {tag.lower(): tag for tag in LANGUAGES}  # case does not matter (RFC 5646 section 2.1.1)
        unknown = [tag for tag in value if tag.lower() not in known]
        if unknown:
            raise ValueError(f"must be some of {', '.join(LANGUAGES)}, comma-separated, not {', '.join(unknown)}")
        return tuple(known[tag.lower()] for tag in value)
