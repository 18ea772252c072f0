"""The URIs of event types: SSF 1.0 sections 8.1.4.1 and 8.1.5, CAEP 1.0 section 3 and RISC 1.0 section 2."""

from typing import Final

_SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
_CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_RISC = "https://schemas.openid.net/secevent/risc/event-type/"
_OAUTH = "https://schemas.openid.net/secevent/oauth/event-type/"

VERIFICATION: Final = _SSF + "verification"
STREAM_UPDATED: Final = _SSF + "stream-updated"

SESSION_REVOKED: Final = _CAEP + "session-revoked"
CREDENTIAL_CHANGE: Final = _CAEP + "credential-change"
ASSURANCE_LEVEL_CHANGE: Final = _CAEP + "assurance-level-change"
TOKEN_CLAIMS_CHANGE: Final = _CAEP + "token-claims-change"
ACCOUNT_DISABLED: Final = _RISC + "account-disabled"
ACCOUNT_ENABLED: Final = _RISC + "account-enabled"
ACCOUNT_PURGED: Final = _RISC + "account-purged"
IDENTIFIER_CHANGED: Final = _RISC + "identifier-changed"
CREDENTIAL_COMPROMISE: Final = _RISC + "credential-compromise"

# Only received, from upstream providers.
DEVICE_COMPLIANCE_CHANGE: Final = _CAEP + "device-compliance-change"
CREDENTIAL_CHANGE_REQUIRED: Final = _RISC + "account-credential-change-required"
IDENTIFIER_RECYCLED: Final = _RISC + "identifier-recycled"
SESSIONS_REVOKED: Final = _RISC + "sessions-revoked"
RISC_VERIFICATION: Final = _RISC + "verification"
"""The verification event of RISC before the framework, as Google sends it."""
TOKENS_REVOKED: Final = _OAUTH + "tokens-revoked"
TOKEN_REVOKED: Final = _OAUTH + "token-revoked"

SUPPORTED = (
    SESSION_REVOKED,
    CREDENTIAL_CHANGE,
    ASSURANCE_LEVEL_CHANGE,
    TOKEN_CLAIMS_CHANGE,
    ACCOUNT_DISABLED,
    ACCOUNT_ENABLED,
    ACCOUNT_PURGED,
    IDENTIFIER_CHANGED,
    CREDENTIAL_COMPROMISE,
)
"""What a receiver may ask for, published as `events_supported` of its stream."""

BY_NAME: Final = {uri.rpartition("/")[2]: uri for uri in SUPPORTED}
"""The same by the last part of each URI, as operators write them."""


def is_caep(event_type: str) -> bool:
    return event_type.startswith(_CAEP)
