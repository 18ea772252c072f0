"""Where passkeys of this server can be used besides its own pages: first-party apps on phones and at other origins.

Also the documents by which platforms learn of them, all at the root of the host: WebAuthn Level 3 section 5.11 (related
origins), Digital Asset Links of Android, associated domains of Apple, and the W3C's passkey endpoints.
"""

from typing import Any

from provider.config.settings import Settings

MANAGE = "/account/passkeys"


def app_origins(settings: Settings) -> list[str]:
    """Return the origins from which a first-party app can send the answer of a passkey. Empty if there is no app.

    Apps of Apple's platforms write the domain that they are associated with, which is our own origin.
    """
    own = [settings.origin] if settings.passkey_apple_apps else []
    android = [app.origin for app in settings.passkey_android_apps]
    return [*dict.fromkeys([*own, *android, *settings.passkey_related_origins])]


def documents(settings: Settings) -> dict[str, Any]:
    """Return the well-known documents by their path. Those of which nothing is set are left out."""
    page = settings.issuer.rstrip("/") + MANAGE
    found: dict[str, Any] = {"/.well-known/passkey-endpoints": {"enroll": page, "manage": page}}
    if settings.passkey_related_origins:
        found["/.well-known/webauthn"] = {"origins": [settings.origin, *settings.passkey_related_origins]}
    if settings.passkey_android_apps:
        found["/.well-known/assetlinks.json"] = [
            {
                "relation": ["delegate_permission/common.get_login_creds"],
                "target": {
                    "namespace": "android_app",
                    "package_name": app.package,
                    "sha256_cert_fingerprints": [app.fingerprint],
                },
            }
            for app in settings.passkey_android_apps
        ]
    if settings.passkey_apple_apps:
        apps = {"apps": list(settings.passkey_apple_apps)}
        found["/.well-known/apple-app-site-association"] = {"webcredentials": apps}
    return found
