"""What a client must prove to use a code or token: its confirmation (RFC 7800), the value of the claim `cnf`.

It is stored as one text, the confirmation method and its value: `jkt:THUMBPRINT` (RFC 9449 section 6.1) or
`x5t#S256:THUMBPRINT` (RFC 8705 section 3.1).
"""

Confirmation = str
"""A confirmation as it is stored."""

KEY = "jkt"
"""The confirmation method of DPoP: the SHA-256 thumbprint of a key (RFC 7638)."""

CERTIFICATE = "x5t#S256"
"""The confirmation method of mutual TLS: the SHA-256 thumbprint of a certificate."""


def of_key(thumbprint: str) -> Confirmation:
    """Return the confirmation of a key that DPoP proofs are signed with."""
    return f"{KEY}:{thumbprint}"


def of_certificate(thumbprint: str) -> Confirmation:
    """Return the confirmation of a client certificate."""
    return f"{CERTIFICATE}:{thumbprint}"


def is_certificate(confirmation: Confirmation | None) -> bool:
    """Return whether it is a certificate that the client must show."""
    return confirmation is not None and confirmation.startswith(f"{CERTIFICATE}:")


def as_claim(confirmation: Confirmation) -> dict[str, str]:
    """Return the value of the claim `cnf` (RFC 7800 section 3.1)."""
    method, _, value = confirmation.partition(":")
    return {method: value}


def from_claim(cnf: dict[str, str] | None) -> Confirmation | None:
    """Return the confirmation in the claim `cnf` of a token of ours."""
    return None if cnf is None else ":".join(next(iter(cnf.items())))


def token_type_of(confirmation: Confirmation) -> str:
    """Return how an access token with this confirmation is sent: its `token_type` (RFC 9449 section 5)."""
    return "DPoP" if confirmation.startswith(f"{KEY}:") else "Bearer"
