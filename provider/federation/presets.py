"""Presets: what Signet knows of widely used providers, so that an operator writes a name and two values.

docs/guides/upstream.md says where each value comes from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

OPENID = ("openid", "email", "profile")
NUMBER = re.compile(r"[1-9][0-9]{0,19}")
"""The user IDs of providers that count their users."""
TENANT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
APPLE, DISCORD, FACEBOOK, GITHUB = "apple", "discord", "facebook", "github"
GITLAB, GOOGLE, MICROSOFT = "gitlab", "google", "microsoft"
LDAP, ACTIVE_DIRECTORY = "ldap", "active-directory"
PresetName = Literal[
    "apple", "discord", "facebook", "github", "gitlab", "google", "microsoft", "ldap", "active-directory"
]


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The endpoints of a provider without OpenID Connect."""

    authorization: str
    token: str
    userinfo: str
    revocation: str | None = None


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A provider: its name, its issuer, and how it differs from what OpenID Connect says."""

    name: str
    issuer: str
    scopes: tuple[str, ...] = OPENID
    trusts_email: bool = True
    """The default of `trust_email_verified`."""
    subject: re.Pattern[str] | None = None
    """The format of its user IDs. Any other is an error, and never another user."""
    again: Mapping[str, str] = field(default_factory=dict)
    """The parameters that make it ask the user again."""
    takes_max_age: bool = False
    """Whether it is sent `max_age` (OIDC Core section 3.1.2.1)."""
    offline: Mapping[str, str] = field(default_factory=dict)
    """The parameters that make it issue a refresh token, where a scope does not."""
    is_oidc: bool = True
    form_post: bool = False
    """Whether it answers by a form of its page (OAuth 2.0 Form Post Response Mode)."""
    takes: frozenset[str] = frozenset()
    """The settings that only some presets have."""
    is_directory: bool = False
    """Whether it is a directory that checks passwords typed here, instead of a provider with pages of its own."""
    user_filter: str = ""
    """The default of `user_filter`, of a directory."""
    subject_attribute: str = ""
    """The default of `subject_attribute`, of a directory."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """The attribute for each profile field, of a directory, where the operator names none."""


OF_DIRECTORIES = frozenset(
    {
        *("servers", "start_tls", "ca_file", "bind_dn", "bind_password", "base_dn", "user_filter"),
        *("subject_attribute", "email_attribute", "group_base_dn", "group_filter", "verifies_email_addresses"),
    }
)
NAMES = {"given_name": "givenName", "family_name": "sn"}
LOGIN = {"prompt": "login"}
PRESETS: Mapping[str, Preset] = {
    APPLE: Preset(
        name="Apple",
        issuer="https://appleid.apple.com",
        scopes=("openid", "email", "name"),
        form_post=True,
        takes=frozenset({"team_id", "key_id", "private_key"}),
    ),
    DISCORD: Preset(
        name="Discord",
        issuer="https://discord.com",
        scopes=("identify", "email"),
        subject=NUMBER,
        again={"prompt": "consent"},
        is_oidc=False,
    ),
    FACEBOOK: Preset(
        name="Facebook",
        issuer="https://www.facebook.com",
        scopes=("email", "public_profile"),
        trusts_email=False,  # it does not say whether an address is verified
        subject=NUMBER,
        again={"auth_type": "reauthenticate"},
        is_oidc=False,
    ),
    GITHUB: Preset(
        name="GitHub",
        issuer="https://github.com",
        scopes=("read:user", "user:email"),
        subject=NUMBER,
        again={"prompt": "select_account"},
        is_oidc=False,
        takes=frozenset({"issuer"}),
    ),
    GITLAB: Preset(
        name="GitLab",
        issuer="https://gitlab.com",
        subject=NUMBER,
        again=LOGIN,
        takes_max_age=True,
        takes=frozenset({"issuer", "verifies_email_addresses"}),
    ),
    GOOGLE: Preset(
        name="Google",
        issuer="https://accounts.google.com",
        subject=re.compile(r"[0-9]{1,255}"),
        again=LOGIN,
        offline={"access_type": "offline"},
        takes_max_age=True,
        takes=frozenset({"hosted_domain"}),
    ),
    MICROSOFT: Preset(
        name="Microsoft",
        issuer="https://login.microsoftonline.com/{tenantid}/v2.0",
        again=LOGIN,
        takes_max_age=True,
        takes=frozenset({"tenant", "allowed_tenants", "verifies_email_addresses"}),
    ),
    LDAP: Preset(
        name="LDAP",
        issuer="",
        scopes=(),
        trusts_email=False,
        is_oidc=False,
        is_directory=True,
        takes=OF_DIRECTORIES,
        user_filter="(&(objectClass=person)(mail={email}))",
        subject_attribute="entryUUID",
        claims={"name": "cn", **NAMES},
    ),
    ACTIVE_DIRECTORY: Preset(
        name="Active Directory",
        issuer="",
        scopes=(),
        trusts_email=False,
        is_oidc=False,
        is_directory=True,
        takes=OF_DIRECTORIES,
        user_filter="(&(objectCategory=person)(objectClass=user)(|(userPrincipalName={email})(mail={email})))",
        subject_attribute="objectGUID",
        claims={"name": "displayName", **NAMES},
    ),
}
DIRECTORIES = (LDAP, ACTIVE_DIRECTORY)
OTHER = Preset(
    name="",
    issuer="",
    trusts_email=False,
    again=LOGIN,
    takes_max_age=True,
    takes=frozenset({"issuer", "verifies_email_addresses"}),
)
"""Any other OpenID Provider."""
OF_PROVIDERS = frozenset({"issuer", "client_id", "client_secret", "scopes", "trust_email_verified", "label"})
"""The settings that no directory has."""
ONLY_SOME = frozenset().union(OTHER.takes, *(preset.takes for preset in PRESETS.values()))
"""The settings that not every preset has."""


def preset_of(name: str | None) -> Preset:
    """Return the preset with this name, or that of any other provider."""
    return OTHER if name is None else PRESETS[name]


def secret_name(preset: object) -> str:
    """Return the name of the member that is stored encrypted."""
    if preset == APPLE:
        return "private_key"
    return "bind_password" if preset in DIRECTORIES else "client_secret"


def endpoints_of(name: str, issuer: str) -> Endpoints:
    """Return the endpoints of a provider without OpenID Connect. GitHub can also be a server of an organization."""
    base = issuer.removesuffix("/")
    if name == DISCORD:
        return Endpoints(
            authorization=f"{base}/oauth2/authorize",
            token=f"{base}/api/oauth2/token",
            userinfo=f"{base}/api/users/@me",
            revocation=f"{base}/api/oauth2/token/revoke",
        )
    if name == FACEBOOK:
        graph = "https://graph.facebook.com"
        return Endpoints(
            authorization=f"{base}/dialog/oauth", token=f"{graph}/oauth/access_token", userinfo=f"{graph}/me"
        )
    api = "https://api.github.com" if base == PRESETS[GITHUB].issuer else f"{base}/api/v3"
    return Endpoints(
        authorization=f"{base}/login/oauth/authorize",
        token=f"{base}/login/oauth/access_token",
        userinfo=f"{api}/user",
    )
