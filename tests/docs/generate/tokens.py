"""The reference of the tokens: examples from a run of the provider, and what each claim is.

Types come from the run. tests/docs/test_tokens.py compares the claims here with those of the run.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from provider.config.durations import format_duration
from provider.config.settings import PREFIX, Settings
from tests.docs.generate.markdown import table
from tests.docs.generate.sample_run import samples

ALWAYS = "always"
NONE = ""
USER = "if it acts for a user"
Claim = tuple[str, str, str]
"""What it is, when it is present, and its section."""


@dataclass(frozen=True)
class Kind:
    """A kind of token or response: the samples of it, and its claims."""

    samples: tuple[str, ...]
    claims: dict[str, Claim]


HEADER: dict[str, Claim] = {
    "typ": ("The type of the token. Check it, so that no token is taken for another.", ALWAYS, "RFC 8725 section 3.11"),
    "kid": ("The ID of the signing key in the key set (`jwks_uri`).", ALWAYS, "RFC 7515 section 4.1.4"),
    "alg": ("The signing algorithm.", ALWAYS, "RFC 7515 section 4.1.1"),
}
JWT: dict[str, Claim] = {
    "iss": ("The issuer: `SIGNET_ISSUER`.", ALWAYS, "RFC 7519 section 4.1.1"),
    "iat": ("When it was issued, in seconds since 1970.", ALWAYS, "RFC 7519 section 4.1.6"),
    "exp": ("When it expires, in seconds since 1970.", ALWAYS, "RFC 7519 section 4.1.4"),
    "jti": ("The ID of this token.", ALWAYS, "RFC 7519 section 4.1.7"),
}
SIGN_IN: dict[str, Claim] = {
    "sid": ("The ID of the session the user signed in with.", USER, "OIDC Back-Channel Logout section 2.1"),
    "auth_time": ("When the user signed in, in seconds since 1970.", USER, "OIDC Core section 2"),
    "acr": (
        "`aal1` after one factor, `aal2` after two, `phr` after a passkey if the app asked for `phr`.",
        USER,
        "OIDC Core section 2",
    ),
    "amr": (
        "How the user signed in: `pwd`, `otp`, `hwk` or `swk` (passkey), `user`, `mfa`, `fed` (another provider).",
        USER,
        "RFC 8176 section 2",
    ),
    "roles": ("The roles of the user that this client can see.", "with the scope `roles`", "RFC 9068 section 2.2.3.1"),
    "groups": ("The names of the user's groups.", "with the scope `groups`", "RFC 9068 section 2.2.3.1"),
}
ROLES = ("roles", "groups")
TOO_MANY = {"hasroles", "hasgroups"}
"""What a token has in place of a list that is too long: docs/reference/scopes-and-claims.md."""
ACCESS: dict[str, Claim] = {
    **{name: JWT[name] for name in ("iss", "iat", "exp", "jti")},
    "sub": ("The user, or the client if it acts for itself.", ALWAYS, "RFC 9068 section 2.2"),
    "aud": (
        "The API: a URI, by default the issuer. An array if there are several.",
        ALWAYS,
        "RFC 9068 section 3",
    ),
    "client_id": ("The client that the token was issued to.", ALWAYS, "RFC 8693 section 4.3"),
    "scope": ("The granted scopes, with spaces between them.", "if any were granted", "RFC 8693 section 4.2"),
    "grant_id": ("The authorization that the token comes from. It is a claim of Signet.", USER, NONE),
    "act": ("The API that acts for the user, and who acted before it.", "after an exchange", "RFC 8693 section 4.1"),
    "authorization_details": (
        "What was granted in detail, for the APIs of the token.",
        "if details were granted",
        "RFC 9396 section 9.1",
    ),
    "cnf": (
        "The key or certificate that the token is bound to: `jkt` or `x5t#S256` is its thumbprint.",
        "with DPoP or mutual TLS",
        "RFC 9449 section 6.1, RFC 8705 section 3.1",
    ),
    **SIGN_IN,
}
ID_TOKEN: dict[str, Claim] = {
    **{name: JWT[name] for name in ("iss", "iat", "exp")},
    "sub": ("The user, as this client knows them.", ALWAYS, "OIDC Core section 8"),
    "aud": ("The client ID.", ALWAYS, "OIDC Core section 2"),
    **{name: (about, ALWAYS, section) for name, (about, _, section) in SIGN_IN.items() if name not in ROLES},
    "nonce": ("The `nonce` of the authorization request.", "if one was sent", "OIDC Core section 2"),
    "at_hash": ("A hash of the access token issued with it.", "with an access token", "OIDC Core section 3.1.3.6"),
    "c_hash": ("A hash of the code issued with it.", "with a code", "OIDC Core section 3.3.2.11"),
    **{name: SIGN_IN[name] for name in ROLES},
}
INTROSPECTION: dict[str, Claim] = {
    "active": (
        "Whether the token is active. If not, there is no other member.",
        ALWAYS,
        "RFC 7662 section 2.2",
    ),
    "token_type": ("`Bearer` or `DPoP`.", "for an access token", "RFC 9449 section 6.2"),
    **{name: claim for name, claim in ACCESS.items() if name != "grant_id"},
}

KINDS = {
    "token-response": Kind(
        ("token response", "token response of an exchange"),
        {
            "access_token": ("The access token.", ALWAYS, "RFC 6749 section 5.1"),
            "token_type": ("`Bearer`, or `DPoP` after a request with a DPoP proof.", ALWAYS, "RFC 9449 section 5"),
            "expires_in": ("The lifetime of the access token, in seconds.", ALWAYS, "RFC 6749 section 5.1"),
            "scope": ("The granted scopes.", "if any were granted", "RFC 6749 section 5.1"),
            "refresh_token": (
                "The refresh token. Store it in place of the one that you sent.",
                "if the client is registered for `refresh_token`",
                "RFC 6749 section 6",
            ),
            "authorization_details": (
                "The details that the access token has.",
                "if details were granted",
                "RFC 9396 section 7",
            ),
            "id_token": ("The ID token.", "with the scope `openid`", "OIDC Core section 3.1.3.3"),
            "issued_token_type": (
                "The type of the issued token.",
                "after an exchange",
                "RFC 8693 section 2.2.1",
            ),
        },
    ),
    "access-token-header": Kind(("access token header",), HEADER),
    "access-token": Kind(
        ("access token", "access token of a service", "exchanged access token", "bound access token"), ACCESS
    ),
    "id-token-header": Kind(("ID token header",), HEADER),
    "id-token": Kind(("ID token", "ID token with a code"), ID_TOKEN),
    "userinfo": Kind(
        ("userinfo",), {"sub": ("The user, the same as in the ID token.", ALWAYS, "OIDC Core section 5.3.2")}
    ),
    "introspection": Kind(
        (
            "introspection",
            "introspection of an exchanged token",
            "introspection of a bound token",
            "introspection of a refresh token",
            "introspection of an inactive token",
        ),
        INTROSPECTION,
    ),
    "introspection-jwt": Kind(
        ("introspection JWT",),
        {
            **{name: JWT[name] for name in ("iss", "iat")},
            "aud": ("The client that asked.", ALWAYS, "RFC 9701 section 5"),
            "token_introspection": ("The response as above.", ALWAYS, "RFC 9701 section 5"),
        },
    ),
    "logout-token-header": Kind(("logout token header",), HEADER),
    "logout-token": Kind(
        ("logout token",),
        {
            **JWT,
            "sub": (
                "The user, as this client knows them.",
                ALWAYS,
                "OIDC Back-Channel Logout section 2.4",
            ),
            "aud": ("The client ID.", ALWAYS, "OIDC Back-Channel Logout section 2.4"),
            "sid": ("The session that ended.", ALWAYS, "OIDC Back-Channel Logout section 2.4"),
            "events": ("Says that it is a logout token.", ALWAYS, "OIDC Back-Channel Logout section 2.4"),
        },
    ),
}
"""By the name of the part of the page."""


def parts() -> dict[str, Callable[[], str]]:
    """Return what computes the part of each kind."""
    return {f"token-{name}": partial(_part, kind) for name, kind in KINDS.items()} | {
        "error-example": partial(_example, "OAuth error"),
        "problem-example": partial(_example, "problem"),
        "token-lifetimes": lifetimes,
        "token-members": members,
    }


def _part(kind: Kind) -> str:
    """Return the example, and the table of what is in any of the samples."""
    types = {name: _type(value) for sample in reversed(kind.samples) for name, value in samples()[sample].items()}
    rows = [
        (f"`{name}`", types[name], when, about if section is NONE else f"{about} {section}.")
        for name, (about, when, section) in kind.claims.items()
    ]
    return _example(kind.samples[0]) + "\n" + table(("member", "type", "present", "what it is"), rows)


def _example(sample: str) -> str:
    return f"```json\n{json.dumps(samples()[sample], indent=2, ensure_ascii=False)}\n```\n"


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "number", str: "string", dict: "object", list: "array of strings"}
    return names[type(value)]


LIFETIMES = (
    ("Authorization code", "opaque", "code_lifetime", "It is redeemed, once."),
    ("Access token", "JWT", "access_token_lifetime", "It is revoked, or its authorization ends."),
    ("ID token", "JWT", "id_token_lifetime", "It cannot be revoked."),
    ("Refresh token, unused", "opaque", "refresh_idle_lifetime", "It is used: the response has the next one."),
    ("Refresh token, with its successors", "opaque", "refresh_absolute_lifetime", "It is revoked or reused."),
    ("Device code", "opaque", "device_code_lifetime", "The user answers, and the device redeems it."),
    ("`auth_req_id`", "opaque", "backchannel_request_lifetime", "The user answers, and the app redeems it."),
    ("Pushed authorization request", "opaque", "pushed_request_lifetime", "It is used."),
)


def lifetimes() -> str:
    defaults = {name: Settings.model_fields[name].get_default() for _, _, name, _ in LIFETIMES}
    rows = [
        (f"{what} ({form})", f"`{format_duration(defaults[name])}`: `{PREFIX}{name.upper()}`", ends)
        for what, form, name, ends in LIFETIMES
    ]
    return table(("what", "default and setting", "ends earlier"), rows)


MEMBERS = {
    "subject_type": "`pairwise` gives the user a different `sub` and `sid` in each sector (OIDC Core section 8.1).",
    "claims_in_id_token": "Puts profile, email, address and phone claims into the ID token.",
    "id_token_signed_response_alg": "Algorithm of ID tokens and logout tokens.",
    "id_token_encrypted_response_alg": "Encrypts ID tokens and logout tokens, with `id_token_encrypted_response_enc`.",
    "userinfo_signed_response_alg": "Makes the userinfo response a signed JWT.",
    "userinfo_encrypted_response_alg": "Encrypts the userinfo response, with `userinfo_encrypted_response_enc`.",
    "introspection_signed_response_alg": "Algorithm of introspection responses as JWT.",
    "introspection_encrypted_response_alg": "Encrypts them, with `introspection_encrypted_response_enc`.",
    "authorization_signed_response_alg": "Algorithm of authorization responses as JWT.",
    "authorization_encrypted_response_alg": "Encrypts them, with `authorization_encrypted_response_enc`.",
    "profile": "`fapi2` and `fapi2-message-signing` sign access tokens with PS256. Their refresh tokens don't rotate.",
}


def members() -> str:
    return table(("member", "what it changes"), [(f"`{name}`", about) for name, about in MEMBERS.items()])
