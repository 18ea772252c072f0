"""The kinds of clients that can be registered: the metadata of each, and the members that its developer supplies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provider.languages.text import Text
from provider.oauth.clients.metadata import DEVICE_CODE, ClientMetadata

SIGNS_IN: Mapping[str, Any] = {"grant_types": ("authorization_code", "refresh_token"), "claims_in_id_token": True}
"""Profile and email claims are in ID tokens too, because many libraries read nothing else."""


@dataclass(frozen=True)
class Preset:
    name: Text
    about: Text
    metadata: Mapping[str, Any]
    asks: tuple[str, ...]
    """The names of the metadata members that the developer supplies."""


PRESETS: Mapping[str, Preset] = {
    "web": Preset(
        Text("Web app"),
        Text("Runs on a server, keeps a secret, signs people in at a browser."),
        SIGNS_IN,
        ("client_name", "redirect_uris", "post_logout_redirect_uris"),
    ),
    "spa": Preset(
        Text("Single-page app"),
        Text("Runs in the browser and has no secret; PKCE protects it."),
        {**SIGNS_IN, "token_endpoint_auth_method": "none"},
        ("client_name", "redirect_uris", "post_logout_redirect_uris", "allowed_origins"),
    ),
    "native": Preset(
        Text("Native app"),
        Text("On a phone or a desktop: comes back to a scheme of its own, a claimed link or the loopback address."),
        {**SIGNS_IN, "token_endpoint_auth_method": "none", "application_type": "native"},
        ("client_name", "redirect_uris", "private_use_schemes", "post_logout_redirect_uris", "allowed_origins"),
    ),
    "service": Preset(
        Text("Service"),
        Text("A program that acts for itself; nobody signs in."),
        {"grant_types": ("client_credentials",), "response_types": (), "scope": ""},
        ("client_name", "scope"),
    ),
    "device": Preset(
        Text("Device"),
        Text("A television or a command line: people type a code elsewhere."),
        {
            "grant_types": (DEVICE_CODE, "refresh_token"),
            "claims_in_id_token": True,
            "response_types": (),
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        },
        ("client_name", "scope"),
    ),
    "api": Preset(
        Text("API"),
        Text("Takes access tokens and gets none: other applications ask for tokens that are for it."),
        {"grant_types": (), "response_types": (), "scope": ""},
        ("client_name", "resource_identifiers"),
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
    return "native" if metadata.application_type == "native" else "spa"
