"""The claims and scopes that no attribute can have: they mean something else in tokens and responses.

They are those that Signet issues itself, and those of the registry of JWT claims (RFC 7519 section 10.1) that software
acts on.
"""

SCOPES = frozenset(
    {
        "openid", "profile", "email", "address", "phone", "offline_access", "roles", "groups", "account", "admin:read",
        "admin:write", "scim", "ssf.manage", "ssf.read", "global_token_revocation",
    }
)  # fmt: skip
"""The scopes of `oauth.scopes`, which have a meaning of their own."""

CLAIMS = frozenset(
    {
        # of every JWT (RFC 7519 section 4.1)
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti",
        # about a user (OIDC Core section 5.1), and what we know
        "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at", "email", "email_verified", "address",
        "phone_number", "phone_number_verified", "roles", "groups", "entitlements",
        # of ID tokens (OIDC Core sections 2, 3.1.3.6, 3.3.2.11, 5.6.2 and 7.4) and logout tokens
        "azp", "nonce", "auth_time", "acr", "amr", "at_hash", "c_hash", "s_hash", "sid", "events", "sub_jwk",
        "_claim_names", "_claim_sources", "verified_claims",
        # of access tokens and introspection (RFC 7662, 7800, 8693, 9068, 9396, 9701)
        "cnf", "act", "may_act", "client_id", "scope", "grant_id", "authorization_details", "active", "username",
        "token_type", "token_introspection", "sub_id", "txn", "toe", "status",
        # of requests and proofs (RFC 9101, 9449; CIBA)
        "htm", "htu", "ath", "urn:openid:params:jwt:claim:auth_req_id", "urn:openid:params:jwt:claim:rt_hash",
    }
)  # fmt: skip
"""The claims that an attribute can never override."""
