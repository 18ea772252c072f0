"""The kinds of clients that can be registered: the metadata of each, and the members that its developer supplies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provider.languages.text import Text
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.clients.protected_sites.sites import OF_NEW_CLIENT

SIGNS_IN: Mapping[str, Any] = {"grant_types": ("authorization_code", "refresh_token"), "claims_in_id_token": True}
"""Profile and email claims are in ID tokens too, because many libraries read nothing else."""

USUAL_SCOPE = "openid profile email"
"""What most apps ask for."""


@dataclass(frozen=True)
class Preset:
    name: Text
    about: Text
    metadata: Mapping[str, Any]
    asks: tuple[str, ...]
    """The names of the metadata members that the developer supplies."""
    scope: str = ""
    """The scopes that the form of the console starts with."""


PRESETS: Mapping[str, Preset] = {
    "web": Preset(
        Text("Web app"),
        Text("Server-side app that can keep a secret."),
        SIGNS_IN,
        ("client_name", "redirect_uris", "post_logout_redirect_uris", "scope"),
        USUAL_SCOPE,
    ),
    "spa": Preset(
        Text("Single-page app"),
        Text("JavaScript app that runs in the browser. It has no secret and uses PKCE."),
        {**SIGNS_IN, "token_endpoint_auth_method": "none"},
        ("client_name", "redirect_uris", "post_logout_redirect_uris", "allowed_origins", "scope"),
        USUAL_SCOPE,
    ),
    "native": Preset(
        Text("Native app"),
        Text("Mobile or desktop app. Users return to it by a custom URI scheme, an app link or a loopback address."),
        {**SIGNS_IN, "token_endpoint_auth_method": "none", "application_type": "native"},
        (
            "client_name",
            "redirect_uris",
            "private_use_schemes",
            "post_logout_redirect_uris",
            "allowed_origins",
            "scope",
        ),
        USUAL_SCOPE,
    ),
    "service": Preset(
        Text("Service"),
        Text("Backend program that acts on its own behalf, without a user."),
        {"grant_types": ("client_credentials",), "response_types": (), "scope": ""},
        ("client_name", "scope"),
    ),
    "device": Preset(
        Text("Device"),
        Text("TV, command-line tool or other device without a browser. Users enter a code on another device."),
        {
            "grant_types": (DEVICE_CODE, "refresh_token"),
            "claims_in_id_token": True,
            "response_types": (),
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        },
        ("client_name", "scope"),
        USUAL_SCOPE,
    ),
    "api": Preset(
        Text("API"),
        Text("An API that accepts access tokens issued to other apps."),
        {"grant_types": (), "response_types": (), "scope": ""},
        ("client_name", "resource_identifiers"),
    ),
    "site": Preset(
        Text("Protected site"),
        Text("A site without a sign-in of its own. Its reverse proxy asks Signet about each request (forward auth)."),
        OF_NEW_CLIENT,
        (
            "client_name",
            "protected_sites",
            "allowed_groups",
            "allowed_roles",
            "allowed_networks",
            "required_factor",
            "protected_paths",
            "scope",
        ),
        str(OF_NEW_CLIENT["scope"]),
    ),
}


def preset_of(metadata: ClientMetadata) -> str:
    """Return the kind of a client, a key of PRESETS, derived from its metadata."""
    if metadata.resource_identifiers and not metadata.grant_types:
        return "api"
    if DEVICE_CODE in metadata.grant_types:
        return "device"
    if "authorization_code" not in metadata.grant_types:
        return "service"
    if not metadata.is_public:
        return "web"
    if metadata.application_type == "native":
        return "native"
    return "site" if metadata.protected_sites else "spa"
