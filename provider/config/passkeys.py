"""The settings of passkeys, and the notations of apps, origins and models of authenticators in them."""

import base64
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from provider.config.durations import Duration
from provider.config.lists import in_order
from provider.config.notation import Notation
from provider.config.section import Section
from provider.urls import is_loopback, origin_of

PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")
FINGERPRINT = re.compile(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}")
APPLE_APP = re.compile(r"[A-Z0-9]{10}\.[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True)
class AndroidApp:
    """An Android app, by its package name and the SHA-256 fingerprint of the certificate that signs it."""

    package: str
    fingerprint: str

    @property
    def origin(self) -> str:
        """The origin that Android writes into the client data of a passkey."""
        key_hash = base64.urlsafe_b64encode(bytes.fromhex(self.fingerprint.replace(":", ""))).rstrip(b"=").decode()
        return f"android:apk-key-hash:{key_hash}"

    def __str__(self) -> str:
        return f"{self.package}={self.fingerprint}"


def _android_apps(value: object) -> object:
    return tuple(_android_app(part) for part in in_order(value)) if isinstance(value, str) else value


def _android_app(text: str) -> AndroidApp:
    package, _, fingerprint = text.partition("=")
    app = AndroidApp(package.strip(), fingerprint.strip().upper())
    if PACKAGE.fullmatch(app.package) is None or FINGERPRINT.fullmatch(app.fingerprint) is None:
        raise ValueError(
            f"must be apps, comma-separated, each as PACKAGE=FINGERPRINT with the SHA-256 fingerprint of its "
            f"certificate as keytool prints it (32 bytes with colons), not {text!r}"
        )
    return app


def _apple_apps(value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        if APPLE_APP.fullmatch(text) is None:
            raise ValueError(
                f"must be app identifiers, comma-separated, each a team ID and a bundle ID such as "
                f"ABCDE12345.com.example.app, not {text!r}"
            )
    return value


def _web_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_web_origin(text) for text in value)


def _web_origin(text: str) -> str:
    origin = origin_of(text)
    if origin is None or origin != text.rstrip("/").lower():
        raise ValueError(f"must be origins, comma-separated, such as https://shop.example.com, not {text!r}")
    if not origin.startswith("https://") and not is_loopback(origin.partition("://")[2].partition(":")[0]):
        raise ValueError(f"must be https, not {text!r}")
    return origin


def _split(value: object) -> object:
    return in_order(value) if isinstance(value, str) else value


def _aaguids(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(str(UUID(text)) for text in value)
    except ValueError:
        raise ValueError("must be AAGUIDs, comma-separated, such as fa2b99dc-9e39-4257-8f92-4a30d23c4118") from None


AndroidApps = Annotated[
    tuple[AndroidApp, ...], BeforeValidator(_android_apps), Notation("PACKAGE=FINGERPRINT, comma-separated")
]
AppleApps = Annotated[
    tuple[str, ...], BeforeValidator(_split), AfterValidator(_apple_apps), Notation("app IDs, comma-separated")
]
WebOrigins = Annotated[
    tuple[str, ...], BeforeValidator(_split), AfterValidator(_web_origins), Notation("origins, comma-separated")
]
Aaguids = Annotated[
    tuple[str, ...], BeforeValidator(_split), AfterValidator(_aaguids), Notation("AAGUIDs, comma-separated")
]


class PasskeySettings(Section):
    """Passkeys (WebAuthn)."""

    title: ClassVar[str] = "Passkeys"

    passkey_offer_interval: Duration = Field(
        timedelta(days=30),
        description='How long users who answered "Not now" are not offered a passkey after signing in with their '
        "password. 0 turns the offer off for everyone.",
    )
    passkey_related_origins: WebOrigins = Field(
        (),
        description="Other websites of yours whose first-party apps can use the passkeys of this server, as origins. "
        "Browsers read them at /.well-known/webauthn.",
    )
    passkey_android_apps: AndroidApps = Field(
        (),
        description="Android apps that can use the passkeys of this server: package name and SHA-256 fingerprint of "
        "the signing certificate. Android reads them at /.well-known/assetlinks.json.",
    )
    passkey_apple_apps: AppleApps = Field(
        (),
        description="Apps for iOS and macOS that can use the passkeys of this server: team ID and bundle ID. "
        "Devices read them at /.well-known/apple-app-site-association.",
    )
    passkey_attestation: Literal["none", "direct"] = Field(
        "none",
        description="Whether a new passkey must prove which authenticator it is on: none or direct. direct needs "
        "SIGNET_PASSKEY_AAGUIDS and SIGNET_PASSKEY_ROOTS, and excludes most synced passkeys.",
    )
    passkey_aaguids: Aaguids = Field(
        (),
        description="Models of authenticators (AAGUIDs) accepted with SIGNET_PASSKEY_ATTESTATION=direct.",
    )
    passkey_roots: Path | None = Field(
        None,
        description="Folder of root certificates of the makers of authenticators, as .pem files with one certificate "
        "each. Used with SIGNET_PASSKEY_ATTESTATION=direct.",
    )
