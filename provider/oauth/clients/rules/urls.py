"""The rules for URLs of a client besides its redirect URIs (RFC 7591 section 2, OIDC Registration section 2). Pure."""

from urllib.parse import urlsplit

from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.origins import problem_with_origin
from provider.oauth.clients.redirect_uris import problem_with
from provider.urls import web_origin_of


def is_requestable(uri: str) -> bool:
    """Return whether this is a URL that may be requested. `reachable` decides where plain http is allowed."""
    scheme, _, rest = uri.partition("://")
    return scheme in {"https", "http"} and problem_with(f"https://{rest}") is None


def check_web_pages(metadata: ClientMetadata) -> None:
    """Check the pages of the client that users are sent to. Raises InvalidMetadata."""
    for name in ("client_uri", "logo_uri", "policy_uri", "tos_uri"):
        uri = getattr(metadata, name)
        if uri is not None and (problem_with(uri) is not None or urlsplit(uri).scheme not in {"https", "http"}):
            raise InvalidMetadata(f"{name} must be an http or https URL, not {uri[:120]!r}.")
    starts_at = metadata.initiate_login_uri  # OIDC Core section 4
    if starts_at is not None and (problem_with(starts_at) is not None or urlsplit(starts_at).scheme != "https"):
        raise InvalidMetadata(f"initiate_login_uri must be an https URL, not {starts_at[:120]!r}.")


def check_origins(metadata: ClientMetadata) -> None:
    """Check the origins of the client's pages beside those of its redirect URIs. Raises InvalidMetadata."""
    for origin in metadata.allowed_origins:
        if (problem := problem_with_origin(origin)) is not None:
            raise InvalidMetadata(f"allowed_origins: {origin[:200]!r} {problem}.")


def check_logout(metadata: ClientMetadata) -> None:
    """Check the URLs notified of a logout (Back-Channel Logout section 2.2, Front-Channel Logout section 2). Raises
    InvalidMetadata.
    """
    back, front = metadata.backchannel_logout_uri, metadata.frontchannel_logout_uri
    if back is not None and not is_requestable(back):
        raise InvalidMetadata(f"backchannel_logout_uri must be an https URL without a fragment, not {back[:120]!r}.")
    if front is not None and (problem_with(front) is not None or web_origin_of(front) not in metadata.redirect_origins):
        raise InvalidMetadata(
            "frontchannel_logout_uri must be an https URL with the scheme, host and port of a redirect URI."
        )
