"""The sector of a client: the apps that see the same pairwise subject (OIDC Core section 8.1). Pure."""

from urllib.parse import urlsplit

from provider.jose.json_objects import read_json
from provider.urls import is_loopback, is_web_url, normal_host

PUBLIC = "public"
PAIRWISE = "pairwise"
SUBJECT_TYPES = (PUBLIC, PAIRWISE)


def find_sector(redirect_uris: tuple[str, ...], sector_identifier_uri: str | None) -> str | None:
    """Return the host of sector_identifier_uri, else the one host that all redirect URIs share, else None.

    An app on a device (a private-use scheme, a loopback address) has no host of its own: every other one could share
    it.
    """
    if sector_identifier_uri is not None:
        return _host_of(sector_identifier_uri)
    hosts = {None if is_loopback(host := _host_of(uri) or "localhost") else host for uri in redirect_uris}
    return hosts.pop() if len(hosts) == 1 else None


def _host_of(uri: str) -> str | None:
    """Return the host of an http or https URL in its normal form, or None."""
    parts = urlsplit(uri)
    return normal_host(parts.hostname) if is_web_url(uri) and parts.hostname else None


def problem_with_uri(sector_identifier_uri: str) -> str | None:
    """Return why this cannot be a sector_identifier_uri, or None if it can."""
    try:
        parts = urlsplit(sector_identifier_uri)
        usable = parts.scheme == "https" and bool(parts.hostname) and not parts.fragment and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        usable = False
    good = usable and sector_identifier_uri.isascii() and sector_identifier_uri.isprintable()
    return None if good and " " not in sector_identifier_uri else "must be an https URL"


def problem_with_document(document: bytes, redirect_uris: tuple[str, ...]) -> str | None:
    """Return why the document at sector_identifier_uri does not confirm these redirect URIs, or None if it does."""
    try:
        listed = read_json(document)
    except ValueError:
        return "is not JSON"
    if not isinstance(listed, list) or not all(isinstance(uri, str) for uri in listed):
        return "is not an array of strings"
    missing = [uri for uri in redirect_uris if uri not in listed]
    return f"does not list {missing[0]}" if missing else None
