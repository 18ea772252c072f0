"""Checks of a client's sector by the document at its sector_identifier_uri (OIDC Registration section 5)."""

from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.sectors import problem_with_document
from provider.outbound.answers import OutboundFailed
from provider.work import UnitOfWork

TYPES = ("application/json",)


class DocumentUnavailable(InvalidMetadata):
    """An error fetching the sector document. `reason` is for operators only: it could reveal our network."""

    code = "document-unavailable"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("sector_identifier_uri cannot be read. It must return 200 with application/json over https.")


def require_vouched_for(work: UnitOfWork, metadata: ClientMetadata) -> None:
    """Fetch the sector document, if any, and check that it lists every redirect URI. Raises InvalidMetadata."""
    uri = metadata.sector_identifier_uri
    if uri is None:
        return
    try:
        document = work.outbound.fetch(uri, accept=TYPES).body
    except OutboundFailed as failed:
        raise DocumentUnavailable(failed.reason) from None
    problem = problem_with_document(document, metadata.redirect_uris)
    if problem is not None:
        raise InvalidMetadata(f"sector_identifier_uri: the document there {problem}.")
