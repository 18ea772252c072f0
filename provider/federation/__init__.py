"""Sign-in with upstream OpenID Providers, as their relying party (OIDC Core section 3.1), and linking to accounts.

This package sends requests to upstreams and checks their responses. Linked identities are credentials like passwords,
stored in `accounts.store.linked_identities`. The network is reached by `work.outbound`.
"""
