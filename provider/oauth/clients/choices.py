"""The values that members of client metadata can have, and the names of those that belong together. Pure."""

from collections.abc import Mapping

from provider.jose.algorithms import SIGNATURES
from provider.oauth.clients.assertion_subjects import FEDERATED_JWT
from provider.oauth.response_types import IMPLICIT

SECRET_JWT = "client_secret_jwt"  # noqa: S105  # a method's name
PRIVATE_KEY_JWT = "private_key_jwt"
TLS_CLIENT_AUTH = "tls_client_auth"
SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
CERTIFICATE_METHODS = (TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH)
"""The methods with a client certificate (RFC 8705 section 2)."""
AUTH_METHODS = (
    "client_secret_basic",
    "client_secret_post",
    SECRET_JWT,
    PRIVATE_KEY_JWT,
    FEDERATED_JWT,
    *CERTIFICATE_METHODS,
    "none",
)
SUBJECTS = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
"""The members of which a client with tls_client_auth has one (RFC 8705 section 2.1.2)."""
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
ASSERTION_ALGORITHMS: Mapping[str, tuple[str, ...]] = {SECRET_JWT: ("HS256",), PRIVATE_KEY_JWT: SIGNATURES}
FAPI2, FAPI2_MESSAGE_SIGNING = "fapi2", "fapi2-message-signing"
PROFILES = ("none", FAPI2, FAPI2_MESSAGE_SIGNING)
POLL, PING = DELIVERY_MODES = ("poll", "ping")
"""How a client learns of the user's answer to a backchannel authentication request (CIBA section 5)."""
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  # a grant type
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CIBA = "urn:openid:params:grant-type:ciba"
GRANT_TYPES = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    DEVICE_CODE,
    CIBA,
    TOKEN_EXCHANGE,
    JWT_BEARER,
    IMPLICIT,
)
