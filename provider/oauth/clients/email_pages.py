"""A first-party client's own pages to which links in emails lead. Pure."""

from urllib.parse import parse_qs, urlsplit

from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.redirect_uris import problem_with


def check_email_pages(metadata: ClientMetadata) -> None:
    """Check `verify_uri` and `reset_uri`: what may be a redirect URI may be such a page. Raises InvalidMetadata.

    A link to one proves access to a mailbox, so the client must be first-party.
    """
    for name in ("verify_uri", "reset_uri"):
        uri = getattr(metadata, name)
        if uri is None:
            continue
        if not metadata.first_party:
            raise InvalidMetadata(f"{name} is for first_party clients: its link gives access to an account.")
        if (problem := problem_with(uri, schemes=metadata.private_use_schemes)) is not None:
            raise InvalidMetadata(f"{name}: {uri[:120]!r} {problem}.")
        if "token" in parse_qs(urlsplit(uri).query, keep_blank_values=True):
            raise InvalidMetadata(f"{name}: the parameter token is added by the link.")
