"""The URLs of client metadata documents: which may be a client_id, and which domains operators allow. Pure.

See draft-ietf-oauth-client-id-metadata-document-01 section 3.
"""

from urllib.parse import unquote, urlsplit

from provider.config.settings import Settings
from provider.config.sign_up import matches
from provider.urls import is_loopback, normal_authority

SCHEME = "https://"
LONGEST = 128
"""The longest URL in characters: that of every client_id."""


def is_document_url(client_id: str) -> bool:
    """Return whether this client_id may be the URL of a metadata document. No client_id that is generated here is."""
    return client_id.startswith(SCHEME)


def host_of_document(url: str) -> str:
    """Return the host of a document's URL, without its port."""
    return urlsplit(url).hostname or ""


def problem_with_url(url: str, *, may_be_local: bool) -> str | None:
    """Return why this URL cannot be a client_id, or None if it can.

    It is compared as a string (RFC 3986 section 6.2.1), so its host must be written in its normal form: one document
    is one client. `may_be_local`: this server itself is on a loopback address.
    """
    if len(url) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if not url.isascii() or any(ord(character) <= 0x20 or character in '"<>\\^`{|}\x7f' for character in url):
        return "contains a character that URLs cannot contain"
    if "#" in url:
        return "must not have a fragment"
    try:
        parts = urlsplit(url)
        host, port = normal_authority(parts.netloc.rpartition("@")[2], scheme="https")
    except ValueError:
        return "is not a URL"
    if "@" in parts.netloc:
        return "must not contain a user name or password"
    written = host if port is None else f"{host}:{port}"
    if parts.netloc != written:
        return f"must have its host written as {written}"
    if not parts.path:
        return "must have a path"
    if any(unquote(segment) in {".", ".."} for segment in parts.path.split("/")):
        return "must not have the path segments . or .."
    if is_loopback(host) and not may_be_local:
        return "must not be on this machine"
    return None


def may_have_documents(settings: Settings, url: str) -> bool:
    """Return whether the settings allow apps at the domain of this URL to use metadata documents."""
    host = host_of_document(url)
    if settings.client_documents == "off" or matches(host, settings.client_document_domains_blocked):
        return False
    return settings.client_documents == "all" or is_listed(settings, url)


def is_listed(settings: Settings, url: str) -> bool:
    """Return whether an operator listed the domain of this URL."""
    return matches(host_of_document(url), settings.client_document_domains)
