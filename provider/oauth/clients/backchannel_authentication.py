"""The rules for client metadata of Client-Initiated Backchannel Authentication (CIBA section 4). Pure.

Members of a client without the grant type have no effect, so that the grant type can be turned off and on again.
"""

from dataclasses import replace

from provider.jose.algorithms import SIGNATURES
from provider.oauth.clients.choices import CIBA, DELIVERY_MODES, PING, POLL
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.redirect_uris import problem_with


def check_backchannel_authentication(metadata: ClientMetadata) -> ClientMetadata:
    """Return the metadata with a delivery mode if the client has the grant type. The default is `poll`.

    Raises InvalidMetadata unless the members fit each other.
    """
    is_used, mode = CIBA in metadata.grant_types, metadata.backchannel_token_delivery_mode
    endpoint = metadata.backchannel_client_notification_endpoint
    alg = metadata.backchannel_authentication_request_signing_alg
    if mode is not None and mode not in DELIVERY_MODES:
        raise InvalidMetadata(
            f"backchannel_token_delivery_mode must be one of {', '.join(DELIVERY_MODES)}, not {mode[:60]!r}."
        )
    if is_used and mode == PING and endpoint is None:
        raise InvalidMetadata("backchannel_token_delivery_mode ping requires backchannel_client_notification_endpoint.")
    if endpoint is not None and not _is_url(endpoint):
        raise InvalidMetadata(
            f"backchannel_client_notification_endpoint must be an https URL without a fragment, not {endpoint[:120]!r}."
        )
    if alg is not None and alg not in SIGNATURES:
        raise InvalidMetadata(
            f"backchannel_authentication_request_signing_alg must be one of {', '.join(SIGNATURES)}, not {alg[:60]!r}."
        )
    if is_used and alg is not None and metadata.jwks is None and metadata.jwks_uri is None:
        raise InvalidMetadata("backchannel_authentication_request_signing_alg requires jwks or jwks_uri.")
    if metadata.backchannel_user_code_parameter:
        raise InvalidMetadata("backchannel_user_code_parameter must be false, because user codes are not supported.")
    return replace(metadata, backchannel_token_delivery_mode=POLL) if is_used and mode is None else metadata


def _is_url(uri: str) -> bool:
    """Return whether this is a URL that may be requested. `clients` decides where plain http is allowed."""
    scheme, _, rest = uri.partition("://")
    return scheme in {"https", "http"} and problem_with(f"https://{rest}") is None
