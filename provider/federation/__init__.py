"""Sign in with an upstream OpenID Provider, as its relying party (OIDC Core section 3.1), and link it to an account.

Owns what is asked of upstreams and what their answers are worth. Who has which linked identity is a credential like a
password: `accounts.store.linked_identities`. The network comes in by `work.outbound`.
"""
