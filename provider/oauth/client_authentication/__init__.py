"""Who is calling: one way of client authentication per request, and only the registered one (RFC 6749 section 2.3).

- `authenticate`: the order of the checks; unknown client and wrong secret answer alike.
- `credentials`: what the request shows, or why it is a muddle.
- `secret`: client_secret_basic and client_secret_post.
- `assertion`: private_key_jwt and client_secret_jwt, each `jti` once (RFC 7523).
- none: public clients show only their name; PKCE is required of them.
"""
