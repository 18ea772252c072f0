"""The URLs of clients that this server may request (attack A-101)."""

from provider.oauth.clients.metadata import InvalidMetadata
from provider.outbound.addresses import may_be_asked, networks
from provider.work import UnitOfWork


def require_reachable(work: UnitOfWork, *uris: str | None) -> None:
    """Check that no URL names a forbidden address. Raises InvalidMetadata.

    Host names are checked at the time of the request.
    """
    allowed = networks(work.settings.outbound_allow)
    for uri in filter(None, uris):
        if not may_be_asked(uri, allowed=allowed):
            raise InvalidMetadata(
                f"{uri[:200]!r} can't be requested, or is at an address that this server may not connect to. An "
                "operator can allow an address with SIGNET_OUTBOUND_ALLOW."
            )
