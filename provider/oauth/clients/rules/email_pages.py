"""A first-party client's own pages to which links in emails lead. Pure."""

from urllib.parse import parse_qs, urlsplit

from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.redirect_uris import problem_with

MEMBERS = ("verify_uri", "reset_uri")


def check_email_pages(metadata: ClientMetadata, *, may_be_local: bool) -> None:
    """Check `verify_uri` and `reset_uri`. Raises InvalidMetadata, which says which URI is refused.

    A link to one proves access to a mailbox, so the client must be first-party.
    """
    for name in MEMBERS:
        uri = getattr(metadata, name)
        if uri is None:
            continue
        if not metadata.first_party:
            raise InvalidMetadata(f"{name} requires first_party, because its links give access to an account.")
        if (problem := problem_with_page(uri, may_be_local=may_be_local)) is not None:
            raise InvalidMetadata(f"{name}: {uri[:120]!r} {problem}.")


def problem_with_page(uri: str, *, may_be_local: bool) -> str | None:
    """Return why links in emails may not lead to this page, or None if they may.

    Another app on the user's device can claim a private-use scheme (RFC 8252 section 8.4), and nothing like PKCE
    protects the token in a link. `may_be_local`: plain http on the user's own machine is accepted, for development.
    """
    scheme = uri.partition(":")[0].lower()
    if ":" in uri and "/" not in scheme and scheme not in {"https", "http"}:
        return "must be an https URL. Another app could claim its scheme and receive the link"
    if (problem := problem_with(uri)) is not None:
        return problem
    if scheme == "http" and not may_be_local:
        return "must be an https URL. http on loopback is only for development (SIGNET_ENV)"
    if "token" in parse_qs(urlsplit(uri).query, keep_blank_values=True):
        return "must not have the parameter token, which the link adds"
    return None
