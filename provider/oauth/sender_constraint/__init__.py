"""Sender-constrained tokens: codes, refresh tokens and access tokens that only the holder of a key can use.

`confirmation` says which key that is. `dpop` checks the proofs of DPoP (RFC 9449), with `nonces` and `store`.
"""
