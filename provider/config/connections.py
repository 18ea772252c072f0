"""The settings of what connects: apps, and providers that users sign in with."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from provider.config.lists import Ordered
from provider.config.section import Section
from provider.config.sign_up import Domains
from provider.config.uri_schemes import Schemes


class Connections(Section):
    """Apps that connect, and providers that users sign in with."""

    title: ClassVar[str] = "Apps and other providers"

    registration: Literal["closed", "token", "open"] = Field(
        "closed",
        description="Who can register clients dynamically (RFC 7591): closed (no one), token (with an "
        "initial access token) or open (anyone). See docs/connect/registration.md.",
    )
    registration_scopes: Ordered = Field(
        ("openid", "profile", "email", "address", "phone", "offline_access"),
        description="Scopes that self-registered apps can request, comma-separated. They never get account or admin.",
    )
    registration_details_types: Ordered = Field(
        (),
        description="Types of authorization details that self-registered apps can ask for (RFC 9396), comma-separated. "
        "See docs/guides/authorization-details.md.",
    )
    registration_schemes: Schemes = Field(
        (),
        description="URI schemes without a dot that self-registered apps can use in redirect URIs, "
        "comma-separated, such as cursor,raycast. See docs/connect/registration.md.",
    )
    registration_require_pkce: bool = Field(
        True, description="Require PKCE from self-registered apps with a secret. Public apps must always use PKCE."
    )
    client_documents: Literal["off", "listed", "all"] = Field(
        "off",
        description="Which apps can use the URL of a metadata document as their client_id, without registration: off "
        "(none), listed (those at SIGNET_CLIENT_DOCUMENT_DOMAINS) or all. See docs/connect/client-documents.md.",
    )
    client_document_domains: Domains = Field(
        frozenset(),
        description="Domains whose apps can use metadata documents, comma-separated. *.example.com matches its "
        "subdomains. Only these may have private addresses, if SIGNET_OUTBOUND_ALLOW has them too.",
    )
    client_document_domains_blocked: Domains = Field(
        frozenset(),
        description="Domains whose apps cannot use metadata documents, comma-separated. These win over the "
        "other settings.",
    )
    assume_offline_access: bool = Field(
        False,
        description="Treat requests of apps that no operator registered as if they asked for offline_access. Turn on "
        "for agents and MCP clients that lose access when the browser session ends.",
    )
    signals_default_subjects: Literal["ALL", "NONE"] = Field(
        "ALL",
        description="Which users a new stream of shared signals is about: ALL (each user that the app knows), or NONE "
        "(only those that the app adds). See docs/guides/shared-signals.md.",
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
    dpop_nonce_required: bool = Field(
        False,
        description="Require a nonce from Signet in every DPoP proof. Turn on if proofs could be made in advance by "
        "an attacker. Apps need one more request from time to time. See docs/guides/dpop.md.",
    )
    session_management: bool = Field(
        False,
        description="Allow apps to check in an iframe whether the user is still signed in (check_session_iframe).",
    )
    upstreams: Path | None = Field(
        None,
        description="Path of a TOML file with the providers that users can sign in with. See docs/guides/upstream.md.",
    )

    @field_validator("registration_scopes")
    @classmethod
    def _scope_tokens(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(
            token and token.isascii() and token.isprintable() and not set(token) & set(' "\\') for token in value
        ):
            raise ValueError("must be scopes, comma-separated, such as openid,profile,email")
        return value
