"""Requests to other servers: fetching documents that a client names (`jwks_uri`, `request_uri`), and posting to it.

`addresses` says which addresses may be reached, and `client` sends the requests. The calling package decides which
server to ask and what the response means. It gets the client from its unit of work (`work.outbound`), never while a
transaction is open.
"""
