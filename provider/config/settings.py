"""The settings as one frozen model, which `environment.py` reads once.

Each setting is in the file of its subject, `config/<subject>.py` (such as `config/mail.py`), with its default and its
description. Here are checks of several settings together, and what follows from them.
"""

from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, model_validator

from provider.config.branding import Branding
from provider.config.connections import Connections
from provider.config.general import Feature, General
from provider.config.issuer import split_issuer
from provider.config.lifetimes import Lifetimes
from provider.config.mail import MailSettings
from provider.config.network import MutualTls, Network
from provider.config.outbound import Outbound
from provider.config.passkeys import PasskeySettings
from provider.config.passwords import Passwords
from provider.config.processes import Processes
from provider.config.section import Section
from provider.config.sign_up import SignUpSettings
from provider.config.storage import Storage
from provider.urls import is_ip_address, is_loopback

PREFIX = "SIGNET_"
_NO_CERTIFICATES = "SIGNET_CLIENT_CERTIFICATE_HEADER or SIGNET_MTLS_PORT is required for"
_LISTENER = "SIGNET_MTLS_URL, SIGNET_MTLS_CERTIFICATE and SIGNET_MTLS_KEY"
_OF_PORT = "SIGNET_MTLS_CERTIFICATE, SIGNET_MTLS_KEY and SIGNET_MTLS_SELF_SIGNED"

DOCUMENT_MAX_AGE = timedelta(minutes=5)
"""How long others may keep the key set and the discovery document."""
SHORTEST_KEY_IDLE = timedelta(minutes=5)
"""The shortest SIGNET_KEY_IDLE. A use is saved within a minute, and the worker looks at the keys every two minutes."""


class Settings(
    General,
    Branding,
    Storage,
    MailSettings,
    SignUpSettings,
    Passwords,
    PasskeySettings,
    Connections,
    Lifetimes,
    Network,
    MutualTls,
    Processes,
    Outbound,
):
    """Every setting, typed and documented; the defaults are safe for production."""

    model_config = ConfigDict(defer_build=False)

    @classmethod
    def sections(cls) -> tuple[type[Section], ...]:
        """Return the parts, in the order in which settings are shown."""
        return cls.__bases__

    @model_validator(mode="after")
    def _fit_for_its_purpose(self) -> Self:
        if self.totp_bypass_code is not None and (self.env != "development" or not self.loopback):
            raise ValueError("SIGNET_TOTP_BYPASS_CODE needs SIGNET_ENV=development and a loopback issuer")
        if self.passkey_attestation == "direct" and not (self.passkey_aaguids and self.passkey_roots):
            raise ValueError("SIGNET_PASSKEY_ATTESTATION=direct needs SIGNET_PASSKEY_AAGUIDS and SIGNET_PASSKEY_ROOTS")
        if self.client_certificate_header is not None and not self.trusted_proxies:
            raise ValueError("SIGNET_CLIENT_CERTIFICATE_HEADER needs SIGNET_TRUSTED_PROXIES: others could forge it")
        if not self.has_mutual_tls and (self.client_certificate_ca or self.mtls_url):
            raise ValueError(f"{_NO_CERTIFICATES} SIGNET_CLIENT_CERTIFICATE_CA and SIGNET_MTLS_URL")
        if self.mtls_port is None and (self.mtls_certificate or self.mtls_key or self.mtls_self_signed):
            raise ValueError(f"SIGNET_MTLS_PORT is required for {_OF_PORT}")
        if self.mtls_port is not None and not (self.mtls_certificate and self.mtls_key and self.mtls_url):
            raise ValueError(f"SIGNET_MTLS_PORT needs {_LISTENER}")
        if self.mtls_port is not None and not (self.client_certificate_ca or self.mtls_self_signed):
            raise ValueError("SIGNET_MTLS_PORT needs SIGNET_CLIENT_CERTIFICATE_CA or SIGNET_MTLS_SELF_SIGNED")
        if self.key_lead < self.shortest_key_lead:
            seconds = int(self.shortest_key_lead.total_seconds())
            raise ValueError(f"SIGNET_KEY_LEAD must be {seconds} seconds or more, as apps cache the key set that long")
        if self.key_rotation and self.key_rotation <= self.key_lead:
            raise ValueError("SIGNET_KEY_ROTATION must be longer than SIGNET_KEY_LEAD")
        if timedelta(0) < self.key_idle < SHORTEST_KEY_IDLE:
            raise ValueError("SIGNET_KEY_IDLE must be 0 or 5m or more, as uses are saved once a minute")
        if self.database_read_url is not None and self.embedded:
            raise ValueError("SIGNET_DATABASE_READ_URL needs a PostgreSQL in SIGNET_DATABASE_URL")
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
    def can_have_passkeys(self) -> bool:
        """Whether users can add passkeys. A passkey belongs to a domain, not to an IP address (WebAuthn Level 3 section
        5.1.3, effective domain).
        """
        return self.has("passkeys") and not is_ip_address(urlsplit(self.issuer).hostname or "")

    @property
    def loopback(self) -> bool:
        return is_loopback(urlsplit(self.issuer).hostname or "")

    @property
    def may_use_local_pages(self) -> bool:
        """Whether links in emails may lead to http pages on loopback: in development, or if the issuer is there."""
        return self.env != "production" or self.loopback

    @property
    def has_mutual_tls(self) -> bool:
        """Whether client certificates reach Signet (RFC 8705)."""
        return self.client_certificate_header is not None or self.mtls_port is not None

    @property
    def certificate_methods(self) -> tuple[str, ...]:
        """The methods of client authentication with a certificate that are configured (RFC 8705 section 2)."""
        if not self.has_mutual_tls:
            return ()
        issued = () if self.client_certificate_ca is None else ("tls_client_auth",)
        takes_any = self.client_certificate_header is not None or self.mtls_self_signed is not None
        return (*issued, "self_signed_tls_client_auth") if takes_any else issued

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
