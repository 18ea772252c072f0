"""Trusted issuers: other servers whose JWTs authenticate clients or stand for users (RFC 7523).

- `issuers`: the rules for adding, changing, disabling and deleting them.
- `issuer_keys`: their public keys, by discovery, at a URL or registered.
- `assertions`: the checks of a JWT that one of them signed.
"""
