"""The settings of one upstream, whether they are in the file or saved in the database."""

import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    ValidationInfo,
    field_validator,
    model_validator,
)

from provider.config.sign_up import normal_domain
from provider.federation.directory_settings import GROUPS, unencrypted_server
from provider.federation.mapping_settings import MappingSettings
from provider.federation.presets import (
    APPLE,
    MICROSOFT,
    OF_PROVIDERS,
    ONLY_SOME,
    OPENID,
    PRESETS,
    TENANT_ID,
    Preset,
    preset_of,
    secret_name,
)
from provider.jose.private_keys import is_p256_key
from provider.languages.free_text import clean_line
from provider.urls import is_web_address

SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 section 3.3
EVERY_TENANT = ("common", "organizations", "consumers")
"""The authorities of Microsoft that are not one tenant."""
SECRETS = ("client_secret", "private_key", "bind_password")
"""The members that are stored encrypted and never shown."""


class UpstreamSettings(MappingSettings):
    """The settings of one upstream. Unknown members and invalid values are errors. A preset fills in most of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str = Field(min_length=1, max_length=60)  # shown
    issuer: str = Field(max_length=255)
    client_id: str = Field("", max_length=255, validate_default=True)
    client_secret: SecretStr | None = Field(None, validate_default=True)
    private_key: SecretStr | None = Field(None, validate_default=True)
    """The key that signs the client secret, for Apple."""
    team_id: str = Field("", max_length=20, validate_default=True)
    key_id: str = Field("", max_length=20, validate_default=True)
    scopes: tuple[str, ...] = OPENID
    hosted_domain: str | None = None
    """The only Google Workspace domain whose users may sign in (`hd`)."""
    tenant: str = Field("common", validate_default=True)
    """The authority of Microsoft: the ID of one tenant, or several of them."""
    allowed_tenants: tuple[str, ...] = ()
    """The IDs of the only tenants whose users may sign in. Empty: every one of the authority."""
    trust_email_verified: StrictBool = False
    """Whether the upstream's `email_verified` claim is trusted."""
    verifies_email_addresses: StrictBool = False
    """Whether each address that the upstream sends is verified, unless it says otherwise. For providers that send no
    `email_verified`."""
    may_create_accounts: StrictBool = False
    refuses_unknown_users: StrictBool = False
    """Whether users without an account here are turned away, instead of linking or signing up."""
    allowed_domains: tuple[str, ...] = ()
    """The only domains of addresses for which accounts are created. Empty: every accepted one."""
    domains: tuple[str, ...] = ()
    """The domains whose users belong to this upstream: who types such an address is sent there."""
    is_required_for_domains: StrictBool = False
    """Whether users of these domains may sign in only there."""
    store_tokens: StrictBool = False
    """Whether the user's tokens of the upstream are stored, so that clients can call its APIs for the user."""
    token_scopes: tuple[str, ...] = ()
    """The scopes that are asked for in addition, if tokens are stored."""
    signs_out_there: StrictBool = False
    """Whether a sign-out here goes on to the upstream, so that it signs the user out too."""
    receives_signals: StrictBool = False
    """Whether the upstream's shared signals about users are taken (OpenID Shared Signals Framework 1.0)."""
    signals_configuration: str | None = Field(None, max_length=500)
    """The URL of the configuration of the transmitter. None: where the issuer has it."""
    signals_audiences: tuple[str, ...] = ()
    """What `aud` of a signal may be beside our client ID: other client IDs of this operator there."""
    label: str | None = Field(None, min_length=1, max_length=60)
    """The text of the button, instead of "Sign in with NAME"."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        name = given.get("preset")
        if not isinstance(name, str) or name not in PRESETS:
            return given
        preset = preset_of(name)
        is_theirs = given.get("issuer", preset.issuer) == preset.issuer
        if preset.is_directory:
            # Of the key, which never changes: servers and their names do.
            named = {"name": preset.name, "issuer": f"ldap:{given.get('key')}", "roles_claim": GROUPS}
            return named | dict(given)
        defaults = {
            "name": preset.name,
            "issuer": preset.issuer,
            "scopes": preset.scopes,
            # Elsewhere, for example in a company, an administrator decides which addresses are verified.
            "trust_email_verified": preset.trusts_email and is_theirs,
        }
        return defaults | dict(given)

    @property
    def of_preset(self) -> Preset:
        return preset_of(self.preset)

    @property
    def is_oidc(self) -> bool:
        """Whether the upstream is an OpenID Provider. Others have OAuth 2.0 only."""
        return self.of_preset.is_oidc

    @property
    def requested_scopes(self) -> tuple[str, ...]:
        """The scopes of authorization requests."""
        return tuple(dict.fromkeys((*self.scopes, *(self.token_scopes if self.store_tokens else ()))))

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory, which checks passwords that are typed here."""
        return self.of_preset.is_directory

    @property
    def secret(self) -> str:
        """The value that is encrypted: the client secret, Apple's private key or the password for a directory."""
        given = getattr(self, secret_name(self.preset))
        return "" if given is None else given.get_secret_value()

    @field_validator("name", "label")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        return None if value is None else clean_line(value, most=60)

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str, info: ValidationInfo) -> str:
        preset = preset_of(info.data.get("preset"))
        if info.data.get("preset") == MICROSOFT and value == preset.issuer:
            return value
        if preset.is_directory and value == f"ldap:{info.data.get('key')}":
            return value
        if not is_web_address(value, like=value) or "?" in value or "#" in value:
            raise ValueError("must be an https URL without query and fragment (http only on loopback)")
        return value

    @field_validator("client_id")
    @classmethod
    def _client_id(cls, value: str, info: ValidationInfo) -> str:
        if not value and not preset_of(info.data.get("preset")).is_directory:
            raise ValueError("is missing")
        return value

    @field_validator("client_secret")
    @classmethod
    def _secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if preset_of(info.data.get("preset")).is_directory:
            return value
        if info.data.get("preset") == APPLE:
            if value is not None:
                raise ValueError("is not a setting of this preset: set private_key")
        elif value is None or not value.get_secret_value():
            raise ValueError("is missing" if value is None else "is empty")
        return value

    @field_validator("private_key")
    @classmethod
    def _private_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("preset") == APPLE and (value is None or not is_p256_key(value.get_secret_value())):
            raise ValueError("must be the private key from Apple, with its BEGIN and END lines")
        return value

    @field_validator("team_id", "key_id")
    @classmethod
    def _id_at_apple(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("preset") == APPLE and not re.fullmatch(r"[A-Z0-9]{10}", value):
            raise ValueError("must be the 10 letters and digits that Apple shows")
        return value

    @field_validator("scopes")
    @classmethod
    def _scopes(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        needs_openid = preset_of(info.data.get("preset")).is_oidc
        if (needs_openid and "openid" not in value) or not all(SCOPE.fullmatch(scope) for scope in value):
            raise ValueError(
                'must be a list of scopes, "openid" among them' if needs_openid else "must be a list of scopes"
            )
        return value

    @field_validator("token_scopes")
    @classmethod
    def _token_scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(SCOPE.fullmatch(scope) for scope in value):
            raise ValueError("must be a list of scopes")
        return value

    @field_validator("hosted_domain")
    @classmethod
    def _domain(cls, value: str | None) -> str | None:
        return None if value is None else normal_domain(value)

    @field_validator("domains", "allowed_domains")
    @classmethod
    def _domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(normal_domain(one) for one in value))

    @field_validator("is_required_for_domains")
    @classmethod
    def _is_required(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001  # as pydantic calls it
        if value and not info.data.get("domains"):
            raise ValueError("needs domains")
        return value

    @field_validator("signals_configuration")
    @classmethod
    def _transmitter(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and (not is_web_address(value, like=info.data.get("issuer", "")) or "#" in value):
            raise ValueError("must be an https URL (http only on loopback)")
        return value

    @field_validator("signs_out_there", "receives_signals")
    @classmethod
    def _signs_out(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001  # as pydantic calls it
        if value and not preset_of(info.data.get("preset")).is_oidc:
            raise ValueError("is not a setting of this preset")
        return value

    @field_validator("tenant")
    @classmethod
    def _tenant(cls, value: str) -> str:
        if value not in EVERY_TENANT and not TENANT_ID.fullmatch(value):
            raise ValueError(f"must be the ID of a tenant in lower case, or one of {', '.join(EVERY_TENANT)}")
        return value

    @field_validator("allowed_tenants")
    @classmethod
    def _tenants(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(TENANT_ID.fullmatch(one) for one in value):
            raise ValueError("must be a list of the IDs of tenants in lower case")
        return value

    @field_validator("verifies_email_addresses")
    @classmethod
    def _verifies(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001  # as pydantic calls it
        if value and info.data.get("preset") == MICROSOFT and info.data.get("tenant") in EVERY_TENANT:
            raise ValueError("needs the ID of one tenant: users of others can have any address")
        return value

    @model_validator(mode="after")
    def _takes(self) -> Self:
        preset, own = self.of_preset, preset_of(self.preset).issuer
        missing = (ONLY_SOME | OF_PROVIDERS if preset.is_directory else ONLY_SOME) - preset.takes
        for name in sorted(missing):
            if name in self.model_fields_set and not (name == "issuer" and self.issuer in (own, f"ldap:{self.key}")):
                raise ValueError(f"{name} is not a setting of this preset")
        if preset.is_directory and (server := unencrypted_server(self.servers, start_tls=self.start_tls)):
            raise ValueError(f"servers: {server} needs TLS. Use ldaps, or start_tls")
        return self
