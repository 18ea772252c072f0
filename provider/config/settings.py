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
        description="The public URL of this server (the OIDC issuer), may have a path. https unless on loopback.",
    )
    env: Literal["production", "development", "test"] = Field(
        "production", description="What this installation is for."
    )
    database_url: DatabaseUrl = Field(
        "sqlite:///signet.db", description="sqlite:///file or postgresql://user:password@host/name."
    )
    redis_url: RedisUrl | None = Field(
        None, description="redis://host:6379/0. Shared counters and the queue. Without it, both live in process."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Encrypts secrets at rest; 32 characters or more. Several, comma-separated: the first encrypts.",
    )
    brand: Line = Field("Signet", description="The name people see on pages and in letters.")
    brand_logo: Logo | None = Field(
        None, description="An SVG or PNG file of at most 64 KiB, on pages in the place of the name."
    )
    brand_logo_dark: Logo | None = Field(None, description="The same for the dark scheme, where the other is too dark.")
    brand_accent: Colour | None = Field(None, description="Colour of buttons and the seal, #rrggbb; of links, its hue.")
    brand_accent_dark: Colour | None = Field(
        None, description="The same in the dark scheme. Unset: derived from the light one."
    )
    brand_paper: LightPaper | None = Field(None, description="Colour of the ground around the card: a light one.")
    brand_paper_dark: DarkPaper | None = Field(None, description="The same in the dark scheme: a dark one.")
    support_email: str | None = Field(None, description="Where people find help; shown on pages and in letters.")
    languages: Ordered = Field(
        tuple(LANGUAGES),
        min_length=1,
        description="Languages of pages and letters, comma-separated. The first is for whoever asks for none of them.",
    )
    features: Annotated[frozenset[Feature], BeforeValidator(_features)] = Field(
        frozenset(FEATURES),
        description="Which features exist, comma-separated, or none. Routes of a feature that is off do not exist.",
    )
    registration: Literal["closed", "token", "open"] = Field(
        "closed", description="Dynamic client registration: for nobody, with an initial access token, for everybody."
    )
    registration_scopes: Ordered = Field(
        ("openid", "profile", "email", "address", "phone", "offline_access"),
        description="Scopes that apps which register themselves may have, comma-separated; never account or admin.",
    )
    registration_schemes: Schemes = Field(
        (), description="Private-use schemes without a dot for redirect URIs of apps which register themselves."
    )
    registration_require_pkce: bool = Field(
        True, description="Must confidential apps that register themselves use PKCE? Public ones always must."
    )
    legacy_response_types: bool = Field(
        False, description="Implicit and hybrid response types, for clients registered for them. For old apps only."
    )
    request_uri: bool = Field(
        False, description="May apps send request objects by reference, at registered request_uris?"
    )
    session_management: bool = Field(
        False, description="May apps watch the session at the browser through a frame (check_session_iframe)?"
    )
    upstreams: Path | None = Field(
        None, description="A TOML file of upstream providers that people may sign in with; docs/guides/upstream.md."
    )
    totp_bypass_code: str | None = Field(
        None, description="Accepted as a TOTP code. Only with SIGNET_ENV=development and a loopback issuer."
    )

    threads: int | None = Field(
        None, ge=1, le=64, description="Worker threads per process; also database connections. Unset: 4, on SQLite 2."
    )
    password_threads: int = Field(1, ge=1, le=16, description="Threads of their own for requests that hash a password.")
    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field(
        "NORMAL", description="FULL also survives a power cut; NORMAL survives kill -9 of the process."
    )
    database_timeout: float = Field(
        2.0, gt=0, le=30, description="Seconds to wait for a connection, a lock or a statement."
    )
    client_cache: float = Field(1.0, ge=0, le=60, description="Seconds a process may trust its copy of a client.")
    key_cache: float = Field(
        10.0, ge=0, le=300, description="Seconds a process may trust its copy of the signing keys."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")

    password_min_length: int = Field(8, ge=8, le=64, description="Characters a new password needs.")
    breached_passwords: Path | None = Field(
        None, description="A file of SHA-1 hashes of breached passwords, ordered by hash: none of them is accepted."
    )
    bcrypt_cost: int = Field(
        12, ge=4, le=16, description="Work factor of password hashes; old ones are upgraded at login."
    )

    @field_validator("languages")
    @classmethod
    def _spoken(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [tag for tag in value if tag not in LANGUAGES]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: there are {', '.join(LANGUAGES)}")
        return value

    @field_validator("registration_scopes")
    @classmethod
    def _scope_tokens(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(
            token and token.isascii() and token.isprintable() and not set(token) & set(' "\\') for token in value
        ):
            raise ValueError("must be scopes, comma-separated")
        return value

    @field_validator("secret_key")
    @classmethod
    def _strong_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return value
        keys = [key.strip() for key in value.get_secret_value().split(",")]
        if any(len(key) < 32 for key in keys):
            raise ValueError("each key needs 32 characters or more; commas separate keys")
        return SecretStr(",".join(keys))

    @model_validator(mode="after")
    def _fit_for_its_purpose(self) -> Self:
        if self.totp_bypass_code is not None and (self.env != "development" or not self.loopback):
            raise ValueError("SIGNET_TOTP_BYPASS_CODE needs SIGNET_ENV=development and a loopback issuer")
        if self.key_lead < self.shortest_key_lead:
            seconds = int(self.shortest_key_lead.total_seconds())
            raise ValueError(f"SIGNET_KEY_LEAD must be {seconds} seconds or more: so long the key set may be kept")
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
