"""Which URLs of clients we may come to ask (attack A-101)."""

from provider.oauth.clients.metadata import InvalidMetadata
from provider.outbound.addresses import may_be_asked, networks
from provider.work import UnitOfWork


def require_reachable(work: UnitOfWork, *uris: str | None) -> None:
    """No URL that we are to ask may name an address that we would not. A name is looked at when it is asked."""
    allowed = networks(work.settings.outbound_allow)
    for uri in filter(None, uris):
        if not may_be_asked(uri, allowed=allowed):
            raise InvalidMetadata(f"{uri[:200]!r} is at an address that may not be asked (SIGNET_OUTBOUND_ALLOW).")
