"""Requests to somebody else's server: documents a client names (`jwks_uri`, `request_uri`), and what is posted to it.

`addresses` says which addresses may be reached, `client` asks. Whom to ask and what the answer means is the
capability's that asks; it gets the client from its unit of work (`work.outbound`), never while a transaction is open.
"""
