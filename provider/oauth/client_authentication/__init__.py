"""Client authentication: one method per request, and only the registered one (RFC 6749 section 2.3).

- `authenticate`: the order of the checks; an unknown client and a wrong secret get the same response.
- `credentials`: the credentials in the request, or the error if they are ambiguous.
- `secret`: client_secret_basic and client_secret_post.
- `assertion`: private_key_jwt and client_secret_jwt, each `jti` once (RFC 7523).
- `certificate`: tls_client_auth and self_signed_tls_client_auth (RFC 8705 section 2).
- `federated`: federated_jwt, a token of a trusted issuer (RFC 7523 section 2.2).
- none: public clients send only their client_id; they must use PKCE.
"""
