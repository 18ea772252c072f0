"""OAuth 2.0 and OpenID Connect. One specification, one place:

| specification | module |
|---|---|
| RFC 6749 authorization endpoint, OIDC Core 3.1.2 | `endpoints.authorization`, `authorization_request`, `interaction` |
| RFC 6749 token endpoint | `endpoints.token`, `grants`, `client_authentication` |
| RFC 6750 bearer tokens | `bearer` |
| OIDC Core 5.3 userinfo | `endpoints.userinfo`, `claims` |
| RFC 7009 revocation | `endpoints.revocation` |
| RFC 7517, RFC 7638 keys | `keys`, `endpoints.jwks` |
| RFC 7636 PKCE | `authorization_parameters` (asked for), `grants.authorization_code` (checked) |
| RFC 7662 introspection | `endpoints.introspection` |
| RFC 8414, OIDC Discovery | `metadata`, `endpoints.discovery` |
| RFC 9068 access tokens | `tokens` |
| RFC 9207 issuer in responses | `authorization_response` |
| OAuth 2.0 for First-Party Applications (draft) | `endpoints.authorization_challenge`, `first_party_sign_in` |
| OIDC Core 2 ID tokens | `id_tokens` |
| OIDC RP-Initiated Logout | `endpoints.end_session` |
| OIDC Back-Channel Logout | `logout` (told), `sessions.listeners` (owed) |
| OIDC Front-Channel Logout | `front_channel_logout`, `endpoints.signed_out` |
| OIDC Session Management | `session_state`, `endpoints.check_session`, `sessions.browser_state` |
"""
