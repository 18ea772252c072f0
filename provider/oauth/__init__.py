"""OAuth 2.0 and OpenID Connect. Each part may import the parts below it:

| part | what it does |
|---|---|
| `endpoints` | One file per endpoint, named as in the discovery document. |
| `http` | What endpoints share: client authentication, errors, CORS, bearer tokens, responses. |
| `first_party`, `logout` | Sign-in inside first-party apps; notifying clients that a session ended. |
| `ciba` | Asking users for an approval on another device. |
| `grants` | One file per grant type: it proves an `Authorization`, from which `tokens` issues tokens. |
| `authorize` | The authorization request: parsing it, what to ask the user, consent, and the code that ends it. |
| `client_authentication` | Which client is calling. |
| `authorization_details` | Rich Authorization Requests: declared types, what was asked for, and what was granted. |
| `trusted_issuers` | Servers whose JWTs authenticate clients or stand for users. |
| `tokens` | Access tokens, ID tokens, claims, and the grants they belong to. |
| `claim_mapping` | Claims that operators declare: names, sources, places, and bounded expressions. |
| `clients`, `keys` | Registered clients and their metadata; our signing keys and their rotation. |
| `explanations` | Why a request was rejected, check by check. |
| `sender_constraint` | Keys that tokens are bound to, and the proofs that a client holds one. |
| `checks`, `errors`, `scopes`, `response_types`, `protected_resources` | The vocabulary. |

The module for each specification:

| specification | module |
|---|---|
| RFC 6749 authorization endpoint, OIDC Core 3.1.2 | `endpoints.authorization`, `authorize.interaction` |
| RFC 6749 token endpoint | `endpoints.token`, `grants`, `client_authentication` |
| RFC 6750 bearer tokens | `http.bearer` |
| OIDC Core 5.3 userinfo | `endpoints.userinfo`, `tokens.claims` |
| RFC 7009 revocation | `endpoints.revocation` |
| RFC 7517, RFC 7638 keys | `keys.key_ring`, `endpoints.jwks` |
| RFC 7523 client assertions | `client_authentication.assertion` |
| RFC 7591, RFC 7592 registration | `endpoints.registration`, `endpoints.client_configuration`, `clients.registration` |
| RFC 7636 PKCE | `authorize.parameters` (reads the challenge), `grants.authorization_code` (checks the verifier) |
| RFC 7662, RFC 9701 introspection | `endpoints.introspection`, `tokens.introspection_jwts` |
| RFC 8414, OIDC Discovery | `http.metadata`, `endpoints.discovery` |
| RFC 8628 device flow | `endpoints.device_authorization`, `endpoints.device_verification`, `grants.device_code` |
| RFC 8693 token exchange | `grants.token_exchange` |
| RFC 8707 resource indicators | `clients.resources` |
| RFC 9068 access tokens | `tokens.access_tokens`; roles and groups under any name: `tokens.mapped_claims` |
| RFC 9101 request objects | `authorize.request_objects` |
| RFC 9126 pushed requests | `endpoints.pushed_authorization_request`, `authorize.parked_requests` |
| RFC 9207 issuer in responses | `http.authorization_response` |
| RFC 9449 DPoP | `sender_constraint.dpop` (checks proofs), `http.proofs` (where they are sent) |
| CIBA, FAPI-CIBA | `ciba`, `endpoints.backchannel_authentication`, `endpoints.backchannel_approval`, `grants.ciba` |
| Client ID Metadata Document (draft) | `clients.metadata_documents`, `clients.document_urls` |
| OAuth 2.0 for First-Party Applications (draft) | `endpoints.authorization_challenge`, `first_party.sign_in` |
| OIDC Core 2 ID tokens | `tokens.id_tokens` |
| OIDC RP-Initiated Logout | `endpoints.end_session` |
| OIDC Back-Channel Logout | `logout.back_channel` (delivers), `sessions.listeners` (enqueues) |
| OIDC Front-Channel Logout | `logout.front_channel`, `endpoints.signed_out` |
| OIDC Session Management | `http.session_state`, `endpoints.check_session`, `sessions.browser_state` |
"""
