"""The settings as one frozen model, which `environment.py` reads once."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from provider.branding.logo import Logo
from provider.branding.palette import Colour, DarkPaper, LightPaper
from provider.config.issuer import Issuer, split_issuer
from provider.config.lifetimes import Lifetimes
from provider.config.lines import Line
from provider.config.lists import Ordered, split
from provider.config.mail import MailSettings
from provider.config.network import Network
from provider.config.sign_up import SignUpSettings
from provider.config.uri_schemes import Schemes
from provider.config.urls import DatabaseUrl, RedisUrl
from provider.languages.catalogs import LANGUAGES
from provider.urls import is_loopback

PREFIX = "SIGNET_"

DOCUMENT_MAX_AGE = timedelta(minutes=5)
"""How long others may keep the key set and the discovery document."""

Feature = Literal[
    "registration",
    "reset-passwords",
    "email-verification",
    "update-profile",
    "update-passwords",
    "two-factor",
]
FEATURES: tuple[Feature, ...] = get_args(Feature)


def _features(value: object) -> object:
    return frozenset() if isinstance(value, str) and value.strip().lower() == "none" else split(value)


class Settings(Lifetimes, Network, MailSettings, SignUpSettings):
    """Every setting, typed and documented; the defaults are safe for production."""

    model_config = ConfigDict(defer_build=False)

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
    database_url: DatabaseUrl = Field(
        "sqlite:///signet.db",
        description="Database to use: sqlite:///FILE for one machine, or "
        "postgresql://USER:PASSWORD@HOST/NAME for more.",
    )
    redis_url: RedisUrl | None = Field(
        None,
        description="Redis for shared rate limits and the job queue: redis://HOST:6379/0. Set it if you run "
        "several nodes. Unset: each node keeps its own.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Key that encrypts secrets in the database, at least 32 characters. To rotate, put the "
        "new key before the old one: new,old.",
    )
    brand: Line = Field("Signet", description="Name that users see on pages and in emails.")
    brand_logo: Logo | None = Field(
        None, description="Path of a logo that replaces the name on pages: SVG or PNG, at most 64 KiB."
    )
    brand_logo_dark: Logo | None = Field(
        None, description="Path of a logo for dark mode. Set it if the other logo is hard to see on a dark background."
    )
    brand_accent: Colour | None = Field(None, description="Colour of buttons, links and the seal, as #rrggbb.")
    brand_accent_dark: Colour | None = Field(
        None, description="Accent colour in dark mode, as #rrggbb. Unset: derived from SIGNET_BRAND_ACCENT."
    )
    brand_paper: LightPaper | None = Field(
        None, description="Page background in light mode, a light colour as #rrggbb."
    )
    brand_paper_dark: DarkPaper | None = Field(
        None, description="Page background in dark mode, a dark colour as #rrggbb."
    )
    support_email: str | None = Field(
        None, description="Email address where users get help. It is shown on pages and in emails."
    )
    languages: Ordered = Field(
        tuple(LANGUAGES),
        min_length=1,
        description="Languages of pages and emails, comma-separated. The first is the default for users who "
        "prefer none of them.",
    )
    features: Annotated[frozenset[Feature], BeforeValidator(_features)] = Field(
        frozenset(FEATURES),
        description="Features to turn on, comma-separated, or none. Pages and endpoints of other features do "
        "not exist.",
    )
    registration: Literal["closed", "token", "open"] = Field(
        "closed",
        description="Who can register clients dynamically (RFC 7591): closed (no one), token (with an "
        "initial access token) or open (anyone).",
    )
    registration_scopes: Ordered = Field(
        ("openid", "profile", "email", "address", "phone", "offline_access"),
        description="Scopes that self-registered apps can request, comma-separated. They never get account or admin.",
    )
    registration_schemes: Schemes = Field(
        (),
        description="URI schemes without a dot that self-registered apps can use in redirect URIs, "
        "comma-separated, such as cursor,raycast.",
    )
    registration_require_pkce: bool = Field(
        True, description="Require PKCE from self-registered apps with a secret. Public apps must always use PKCE."
    )
    legacy_response_types: bool = Field(
        False,
        description="Allow implicit and hybrid response types for clients registered with them. Turn on only "
        "for old apps.",
    )
    request_uri: bool = Field(
        False,
        description="Allow request objects by reference, at a client's registered request_uris. Pushed "
        "authorization requests are safer.",
    )
    session_management: bool = Field(
        False,
        description="Allow apps to check in an iframe whether the user is still signed in (check_session_iframe).",
    )
    upstreams: Path | None = Field(
        None,
        description="Path of a TOML file with the providers that users can sign in with (docs/guides/upstream.md).",
    )
    totp_bypass_code: str | None = Field(
        None,
        description="Fixed code accepted instead of a TOTP code, for tests. Needs SIGNET_ENV=development and "
        "a loopback issuer.",
    )

    threads: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Number of threads per process, which is also the number of database connections. Unset: "
        "4, or 2 with SQLite.",
    )
    password_threads: int = Field(
        1,
        ge=1,
        le=16,
        description="Number of threads per process that check passwords. Raise it if sign-ins are slow while "
        "CPU cores are idle.",
    )
    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field(
        "NORMAL",
        description="How safely SQLite stores changes: NORMAL survives a crash of the process, FULL also a "
        "power failure.",
    )
    database_timeout: float = Field(
        2.0, gt=0, le=30, description="How long to wait for a database connection, lock or statement, in seconds."
    )
    client_cache: float = Field(
        1.0,
        ge=0,
        le=60,
        description="How long a process can use a cached copy of a client, in seconds. Changes to clients "
        "take effect within this time.",
    )
    key_cache: float = Field(
        10.0, ge=0, le=300, description="How long a process can use a cached copy of the signing keys, in seconds."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Least severe level to log: debug, info, warning or error. Debug logs contain personal data.",
    )

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

    @field_validator("languages")
    @classmethod
    def _spoken(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [tag for tag in value if tag not in LANGUAGES]
        if unknown:
            raise ValueError(f"must be some of {', '.join(LANGUAGES)}, comma-separated, not {', '.join(unknown)}")
        return value

    @field_validator("registration_scopes")
    @classmethod
    def _scope_tokens(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(
            token and token.isascii() and token.isprintable() and not set(token) & set(' "\\') for token in value
        ):
            raise ValueError("must be scopes, comma-separated, such as openid,profile,email")
        return value

    @field_validator("secret_key")
    @classmethod
    def _strong_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return value
        keys = [key.strip() for key in value.get_secret_value().split(",")]
        if any(len(key) < 32 for key in keys):
            raise ValueError("each key must have at least 32 characters; separate keys with commas")
        return SecretStr(",".join(keys))

    @model_validator(mode="after")
    def _fit_for_its_purpose(self) -> Self:
        if self.totp_bypass_code is not None and (self.env != "development" or not self.loopback):
            raise ValueError("SIGNET_TOTP_BYPASS_CODE needs SIGNET_ENV=development and a loopback issuer")
        if self.key_lead < self.shortest_key_lead:
            seconds = int(self.shortest_key_lead.total_seconds())
            raise ValueError(f"SIGNET_KEY_LEAD must be {seconds} seconds or more, as apps cache the key set that long")
        if self.key_rotation and self.key_rotation <= self.key_lead:
            raise ValueError("SIGNET_KEY_ROTATION must be longer than SIGNET_KEY_LEAD")
        return self

    @property
    def shortest_key_lead(self) -> timedelta:
        """The greatest age of a cached copy of the key set.

        An app caches what a process served, which came from that process's own cache. A minute is added for clocks that
        differ.
        """
        return DOCUMENT_MAX_AGE + 2 * timedelta(seconds=self.key_cache) + timedelta(minutes=1)

    @property
    def secure(self) -> bool:
        """Whether the issuer is https. Then cookies are Secure."""
        return self.issuer.startswith("https://")

    @property
    def origin(self) -> str:
        """The origin of our own pages, as browsers write it."""
        return split_issuer(self.issuer)[0]

    @property
    def base_path(self) -> str:
        """The path of the issuer, for example `/auth`. Empty if the issuer is an origin."""
        return split_issuer(self.issuer)[1]

    @property
    def loopback(self) -> bool:
        return is_loopback(urlsplit(self.issuer).hostname or "")

    @property
    def may_use_local_pages(self) -> bool:
        """Whether links in emails may lead to http pages on loopback: in development, or if the issuer is there."""
        return self.env != "production" or self.loopback

    @property
    def embedded(self) -> bool:
        """Whether the database is SQLite. Then all data is on this machine, and the secret key may be in a file beside
        it.
        """
        return self.database_url.startswith("sqlite")

    @property
    def worker_threads(self) -> int:
        """The number of threads for most endpoints.

        Measured: SQLite has one writer at a time, and more threads only compete for the interpreter.
        """
        return self.threads or (2 if self.embedded else 4)

    @property
    def secret_key_file(self) -> Path:
        """The file with the secret key in embedded mode, mode 0600."""
        return Path(self.database_url.removeprefix("sqlite:///") + ".key")

    @property
    def secret_keys(self) -> tuple[str, ...]:
        return () if self.secret_key is None else tuple(self.secret_key.get_secret_value().split(","))

    def has(self, feature: Feature) -> bool:
        return feature in self.features
