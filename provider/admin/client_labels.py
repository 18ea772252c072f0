"""The words for client metadata: a label and a hint for each member, and a label for each value to choose from."""

from collections.abc import Mapping

from provider.languages.text import Text
from provider.oauth.clients.assertion_subjects import FEDERATED_JWT
from provider.oauth.clients.choices import CIBA, DEVICE_CODE, FAPI2, FAPI2_MESSAGE_SIGNING, JWT_BEARER, TOKEN_EXCHANGE

LABELS: Mapping[str, Text] = {
    "client_name": Text("Name"),
    "client_uri": Text("Home page URL"),
    "logo_uri": Text("Logo URL"),
    "policy_uri": Text("Privacy policy URL"),
    "tos_uri": Text("Terms of service URL"),
    "initiate_login_uri": Text("Sign-in start URL"),
    "contacts": Text("Contacts"),
    "application_type": Text("Application type"),
    "redirect_uris": Text("Redirect URIs"),
    "private_use_schemes": Text("Private-use URI schemes"),
    "allowed_origins": Text("Allowed origins"),
    "grant_types": Text("How the application gets tokens"),
    "response_types": Text("Response types"),
    "response_modes": Text("Response modes"),
    "scope": Text("Scopes"),
    "require_pkce": Text("Require PKCE"),
    "require_pushed_authorization_requests": Text("Require pushed authorization requests"),
    "require_signed_request_object": Text("Require signed requests"),
    "dpop_bound_access_tokens": Text("Require DPoP"),
    "tls_client_certificate_bound_access_tokens": Text("Bind tokens to the client certificate"),
    "backchannel_token_delivery_mode": Text("How the application learns of an approval"),
    "backchannel_client_notification_endpoint": Text("Approval notification URL"),
    "backchannel_authentication_request_signing_alg": Text("Approval request signing algorithm"),
    "backchannel_user_code_parameter": Text("Users enter a code with the request"),
    "request_uris": Text("Request object URLs"),
    "request_object_signing_alg": Text("Request object signing algorithm"),
    "required_factor": Text("Require for sign-in"),
    "allowed_roles": Text("Only users with one of these roles"),
    "allowed_groups": Text("Only users in one of these groups"),
    "allowed_networks": Text("Only from these networks"),
    "protected_sites": Text("Protected sites"),
    "protected_paths": Text("Rules for paths of these sites"),
    "default_acr_values": Text("Default acr values"),
    "default_max_age": Text("Ask users to sign in again after"),
    "require_auth_time": Text("Include auth_time in ID tokens"),
    "token_endpoint_auth_method": Text("How the application authenticates"),
    "token_endpoint_auth_signing_alg": Text("Client authentication signing algorithm"),
    "tls_client_auth_subject_dn": Text("Certificate subject"),
    "tls_client_auth_san_dns": Text("Host name in the certificate"),
    "tls_client_auth_san_uri": Text("URI in the certificate"),
    "tls_client_auth_san_ip": Text("IP address in the certificate"),
    "tls_client_auth_san_email": Text("Email address in the certificate"),
    "jwks": Text("Public keys (JWKS)"),
    "jwks_uri": Text("Public key set URL"),
    "assertion_issuer": Text("Trusted issuer"),
    "assertion_subjects": Text("Subjects of the trusted issuer"),
    "assertion_audience": Text("Audience of its tokens"),
    "subject_type": Text("User IDs"),
    "sector_identifier_uri": Text("Sector identifier URL"),
    "claims_in_id_token": Text("Profile claims in ID tokens"),
    "id_token_signed_response_alg": Text("ID token signing algorithm"),
    "id_token_encrypted_response_alg": Text("ID token key encryption algorithm"),
    "id_token_encrypted_response_enc": Text("ID token content encryption"),
    "userinfo_signed_response_alg": Text("UserInfo signing algorithm"),
    "userinfo_encrypted_response_alg": Text("UserInfo key encryption algorithm"),
    "userinfo_encrypted_response_enc": Text("UserInfo content encryption"),
    "introspection_signed_response_alg": Text("Introspection signing algorithm"),
    "introspection_encrypted_response_alg": Text("Introspection key encryption algorithm"),
    "introspection_encrypted_response_enc": Text("Introspection content encryption"),
    "authorization_signed_response_alg": Text("Authorization response signing algorithm"),
    "authorization_encrypted_response_alg": Text("Authorization response key encryption algorithm"),
    "authorization_encrypted_response_enc": Text("Authorization response content encryption"),
    "post_logout_redirect_uris": Text("Post-logout redirect URIs"),
    "backchannel_logout_uri": Text("Back-channel logout URL"),
    "backchannel_logout_session_required": Text("Require session ID in back-channel logout"),
    "frontchannel_logout_uri": Text("Front-channel logout URL"),
    "frontchannel_logout_session_required": Text("Require session ID in front-channel logout"),
    "resource_identifiers": Text("API identifiers"),
    "scope_descriptions": Text("Descriptions of scopes"),
    "exchange_targets": Text("Token exchange targets"),
    "upstream_tokens": Text("Tokens of upstream providers"),
    "authorization_details_types": Text("Types of authorization details"),
    "id_jag_audiences": Text("Other authorization servers (ID-JAG)"),
    "first_party": Text("Skip consent"),
    "authorization_challenge": Text("Sign-in on the application's own pages"),
    "verify_uri": Text("Email verification page"),
    "reset_uri": Text("Password reset page"),
    "profile": Text("Security profile"),
}

_KEY_ENCRYPTION = Text("Encrypts the key of the content. Needs public keys of the application, under Security.")
_CONTENT_ENCRYPTION = Text("Encrypts the content. Set it together with the key encryption algorithm.")
HINTS: Mapping[str, Text] = {
    "client_name": Text("Users see this name when they sign in and give consent."),
    "client_uri": Text("Home page of the application. Users see its host name."),
    "logo_uri": Text("Users see this picture when they sign in and give consent."),
    "policy_uri": Text("Linked on the consent page."),
    "tos_uri": Text("Linked on the consent page."),
    "initiate_login_uri": Text("An https page that starts a sign-in. Users whose sign-in expired are sent there."),
    "contacts": Text("Email addresses of the people responsible for the application, one per line."),
    "application_type": Text("Whether it runs on a server or in a browser, or is installed on a device."),
    "redirect_uris": Text(
        "Where users return after signing in, one per line. The URI your app sends must match one of these exactly, "
        "except for the port of localhost, 127.0.0.1 and [::1]."
    ),
    "private_use_schemes": Text(
        "URI schemes without a dot, one per line, for example cursor. Other apps on the device can register the same "
        "scheme."
    ),
    "allowed_origins": Text(
        "Origins that may call Signet from a browser, one per line. Those of the redirect URIs are included. For "
        "example capacitor://localhost."
    ),
    "post_logout_redirect_uris": Text("URIs to which users can return after sign-out, one per line."),
    "backchannel_logout_uri": Text("Signet sends a signed logout token to this https URL when a session ends."),
    "backchannel_logout_session_required": Text("Logout tokens always include the session ID (sid)."),
    "frontchannel_logout_uri": Text(
        "Loaded in a hidden frame when the user signs out. It must have the same host as a redirect URI."
    ),
    "frontchannel_logout_session_required": Text("Add the issuer (iss) and the session ID (sid) to the URL."),
    "response_types": Text("What the authorization endpoint may return. Modern applications use code."),
    "response_modes": Text("How the response reaches the application."),
    "scope": Text("What the application can ask for. Users see these as permissions."),
    "require_pkce": Text("Reject authorization requests without a code_challenge."),
    "require_pushed_authorization_requests": Text(
        "The application must send its authorization requests to Signet directly (PAR), not through the browser."
    ),
    "require_signed_request_object": Text("The application must sign its authorization requests (request objects)."),
    "dpop_bound_access_tokens": Text(
        "Bind access tokens to a key of the application, so that stolen tokens can't be used (DPoP)."
    ),
    "tls_client_certificate_bound_access_tokens": Text(
        "Reject token requests without the application's certificate, so that stolen tokens can't be used (mutual TLS)."
    ),
    "tls_client_auth_subject_dn": Text(
        "For authentication with a certificate from an authority: fill in exactly one of these five fields. For "
        "example CN=client,O=Example,C=US."
    ),
    "tls_client_auth_san_dns": Text("For example client.example.com. Wildcards don't match."),
    "tls_client_auth_san_uri": Text("For example spiffe://example.com/client."),
    "tls_client_auth_san_ip": Text("For example 192.0.2.1 or 2001:db8::1."),
    "tls_client_auth_san_email": Text("For example client@example.com."),
    "backchannel_token_delivery_mode": Text("Needed if users approve requests of the application in Signet (CIBA)."),
    "backchannel_client_notification_endpoint": Text("An https URL that Signet calls after the user has answered."),
    "backchannel_authentication_request_signing_alg": Text("Accept only requests that are signed with this algorithm."),
    "backchannel_user_code_parameter": Text("Not supported."),
    "request_uris": Text("URLs from which Signet fetches signed requests of the application, one per line."),
    "request_object_signing_alg": Text("Accept signed requests only with this algorithm."),
    "required_factor": Text("Users who don't have it are asked to set it up first."),
    "allowed_roles": Text("One per line, as the application gets them. Other users see a page that says whom to ask."),
    "allowed_groups": Text("One per line. The members of groups that they contain are allowed, too."),
    "allowed_networks": Text("One per line, for example 10.0.0.0/8. They apply where the user signs in."),
    "protected_sites": Text(
        "Sites whose reverse proxy asks Signet about each request, one per line, for example https://wiki.example.com."
    ),
    "protected_paths": Text(
        'A JSON object, for example {"/admin": {"allowed_groups": ["admins"]}, "/health": {"bypass": true}}.'
    ),
    "default_acr_values": Text(
        "Ask for one of these levels if a request has no acr_values, one per line: aal1, aal2 or phr. Users without a "
        "second factor or passkey still sign in, with a lower level."
    ),
    "default_max_age": Text("In seconds, if a request has no max_age. Leave empty for no limit."),
    "require_auth_time": Text("ID tokens always include it."),
    "jwks": Text("The application's public keys as a JSON Web Key Set. Never enter private keys."),
    "jwks_uri": Text("URL of the application's JSON Web Key Set. Use this or jwks."),
    "token_endpoint_auth_method": Text("How the application proves its identity to the token endpoint."),
    "token_endpoint_auth_signing_alg": Text("Accept signed client assertions only with this algorithm."),
    "assertion_issuer": Text("Its tokens authenticate the application, which needs no secret."),
    "assertion_subjects": Text(
        "Subjects (sub) of the tokens that authenticate the application, one per line. * stands for any text without "
        "colon and slash, for example repo:octo-org/*:environment:production."
    ),
    "assertion_audience": Text("Leave empty if it is the URL of Signet."),
    "subject_type": Text(
        "Whether all applications see the same ID of a user, or this one sees its own. It can't be changed later."
    ),
    "sector_identifier_uri": Text("An https URL with the list of all redirect URIs that share these user IDs."),
    "claims_in_id_token": Text("Include profile and email claims in ID tokens. Many libraries read only the ID token."),
    "id_token_signed_response_alg": Text("RS256 works with every library. ES256 and EdDSA make shorter tokens."),
    "id_token_encrypted_response_alg": _KEY_ENCRYPTION,
    "id_token_encrypted_response_enc": _CONTENT_ENCRYPTION,
    "userinfo_signed_response_alg": Text("Return userinfo as a signed JWT."),
    "userinfo_encrypted_response_alg": _KEY_ENCRYPTION,
    "userinfo_encrypted_response_enc": _CONTENT_ENCRYPTION,
    "introspection_signed_response_alg": Text("Sign introspection responses that are requested as JWT."),
    "introspection_encrypted_response_alg": _KEY_ENCRYPTION,
    "introspection_encrypted_response_enc": _CONTENT_ENCRYPTION,
    "authorization_signed_response_alg": Text("For responses that the application asks for as a JWT."),
    "authorization_encrypted_response_alg": _KEY_ENCRYPTION,
    "authorization_encrypted_response_enc": _CONTENT_ENCRYPTION,
    "resource_identifiers": Text("Identifiers of this API, used as the token audience (aud). One per line."),
    "scope_descriptions": Text(
        "What users read when an application asks for a scope of this API, one per line: the scope, a space and the "
        "description. For other languages than English, add # and the language: orders:read#de Ihre Bestellungen "
        "ansehen."
    ),
    "authorization_details_types": Text(
        "What the application can ask for in detail, such as one payment. One type per line."
    ),
    "exchange_targets": Text("APIs for which the application can exchange tokens, one per line."),
    "upstream_tokens": Text(
        "Providers whose APIs the application can call for users who signed in with them. One key per line, such as "
        "google."
    ),
    "id_jag_audiences": Text(
        "Servers for which the application can get an ID-JAG about its users, each with the client ID it has there. "
        'For example {"https://auth.example.com": "app"}.'
    ),
    "first_party": Text("Your own application. Users aren't asked for consent."),
    "authorization_challenge": Text("The application can ask for passwords on its own pages."),
    "verify_uri": Text("The application's own page for email verification links."),
    "reset_uri": Text("The application's own page for password reset links."),
    "profile": Text(
        "FAPI 2.0 needs a private key or a certificate, PKCE, DPoP or certificate-bound tokens, pushed requests and "
        "another algorithm than RS256. Message Signing also needs signed requests, signed responses (response_mode "
        "jwt) and signed introspection responses."
    ),
}
"""What each member does, for an app developer. The label of grant_types says all there is to say."""

_PLAIN, _UNSIGNED, _OPEN = Text("Any"), Text("Not signed"), Text("Not encrypted")
_USUAL = Text("RS256, or PS256 for FAPI 2.0")
VALUES: Mapping[str, Mapping[str, Text]] = {
    "grant_types": {
        "authorization_code": Text("Users sign in through the browser"),
        "refresh_token": Text("Get new tokens without asking the user again"),
        "client_credentials": Text("Act on its own behalf, without a user"),
        DEVICE_CODE: Text("Users sign in on another device, with a code"),
        CIBA: Text("Users approve a request that they get by email, without a browser in the application"),
        TOKEN_EXCHANGE: Text("Exchange a user's token to call another API"),
        JWT_BEARER: Text("Act for users with assertions of a trusted issuer"),
        "implicit": Text("Tokens in the URL, for older apps only"),
    },
    "response_modes": {
        "query": Text("In the query of the redirect URI"),
        "fragment": Text("In the fragment of the redirect URI"),
        "form_post": Text("As a form posted to the redirect URI"),
        "query.jwt": Text("As a signed JWT in the query"),
        "fragment.jwt": Text("As a signed JWT in the fragment"),
        "form_post.jwt": Text("As a signed JWT in a form"),
    },
    "application_type": {"web": Text("Web: server or browser"), "native": Text("Native: installed on a device")},
    "token_endpoint_auth_method": {
        "": Text("Client secret, in the header or the body"),
        "client_secret_basic": Text("Client secret, in the Authorization header only"),
        "client_secret_post": Text("Client secret, in the request body only"),
        "client_secret_jwt": Text("JWT signed with the client secret"),
        "tls_client_auth": Text("Certificate from a trusted authority (mutual TLS)"),
        "self_signed_tls_client_auth": Text("Self-signed certificate in its public keys (mutual TLS)"),
        "private_key_jwt": Text("JWT signed with a private key of the application"),
        FEDERATED_JWT: Text("JWT of a trusted issuer, for workloads without a secret"),
        "none": Text("Not at all: public client without a secret"),
    },
    "subject_type": {"public": Text("Same in all applications"), "pairwise": Text("Different in each sector")},
    "required_factor": {
        "none": Text("Nothing more than the password"),
        "two-factor": Text("Two-factor authentication"),
        "passkey": Text("A passkey"),
    },
    "profile": {
        "none": Text("Standard"),
        FAPI2: Text("FAPI 2.0"),
        FAPI2_MESSAGE_SIGNING: Text("FAPI 2.0 with Message Signing"),
    },
    "backchannel_token_delivery_mode": {
        "": Text("Not at all"),
        "poll": Text("It asks Signet again and again (poll)"),
        "ping": Text("Signet notifies it (ping)"),
    },
    "backchannel_authentication_request_signing_alg": {"": Text("Any, or not signed")},
    "token_endpoint_auth_signing_alg": {"": _PLAIN},
    "request_object_signing_alg": {"": _PLAIN},
    "userinfo_signed_response_alg": {"": _UNSIGNED},
    "introspection_signed_response_alg": {"": _UNSIGNED},
    "authorization_signed_response_alg": {"": _USUAL},
    **{
        f"{response}_encrypted_response_{part}": {"": _OPEN}
        for response in ("id_token", "userinfo", "introspection", "authorization")
        for part in ("alg", "enc")
    },
}
"""The labels of values, where the value doesn't say enough."""
