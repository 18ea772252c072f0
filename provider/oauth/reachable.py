"""Which URLs of clients we may come to ask (attack A-101)."""

from urllib.parse import urlsplit

from provider.oauth.client_metadata import InvalidMetadata
from provider.outbound.addresses import literal, may_be_reached, networks
from provider.work import UnitOfWork


def require_reachable(work: UnitOfWork, *uris: str | None) -> None:
    """No URL that we are to ask may name an address that we would not (A-101). A name is looked at when it is asked."""
    allowed = networks(work.settings.outbound_allow)
    for uri in filter(None, uris):
        parts = urlsplit(uri)
        address, encrypted = literal(parts.hostname or ""), parts.scheme == "https"
        if not (encrypted if address is None else may_be_reached(address, allowed=allowed, encrypted=encrypted)):
            raise InvalidMetadata(f"{uri[:200]!r} is at an address that may not be asked (SIGNET_OUTBOUND_ALLOW).")
