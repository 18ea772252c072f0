"""The settings of signing up: what the form asks for, which email domains are accepted, and the terms of service."""

import re
from typing import Annotated, ClassVar, Literal, Self, get_args

import idna
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from provider.config.lines import Line
from provider.config.lists import Names, in_order
from provider.config.notation import Notation
from provider.config.section import Section
from provider.config.urls import WebPage
from provider.urls import normal_host

NameClaim = Literal["name", "given_name", "middle_name", "family_name", "nickname", "preferred_username"]
"""A standard claim that names the user (OIDC Core section 5.1)."""
NAME_CLAIMS: tuple[str, ...] = get_args(NameClaim)
ANY_SUBDOMAIN = "*."
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _fields(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = () if value.strip().lower() == "none" else in_order(value)
    unknown = [name for name in names if name not in NAME_CLAIMS]
    if unknown or len(set(names)) < len(names):
        raise ValueError(f"must be some of {', '.join(NAME_CLAIMS)}, comma-separated and each once, or none")
    return names


def _domains(value: frozenset[str]) -> frozenset[str]:
    return frozenset(_domain(text) for text in value)


def _domain(text: str) -> str:
    """Return a domain, or `*.` and a domain, with A-labels. Raises ValueError."""
    # People paste `@example.com`.
    written = text.removeprefix("@")
    wildcard = ANY_SUBDOMAIN if written.startswith(ANY_SUBDOMAIN) else ""
    try:
        return wildcard + normal_domain(written.removeprefix(wildcard))
    except ValueError:
        raise ValueError(
            f"must be domains, comma-separated, such as example.com or *.example.com for its subdomains, not {text!r}"
        ) from None


def normal_domain(text: str) -> str:
    """Return a domain in lower case and with A-labels (RFC 5890 section 2.3.2.1). Raises ValueError."""
    host = normal_host(text.strip().removesuffix("."))
    if not all(LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(f"{text!r} is not a domain")
    return host


def matches(domain: str, listed: frozenset[str]) -> bool:
    """Return whether a list of domains has this domain, or `*.` and a domain above it. All are in normal form."""
    parts = domain.split(".")
    above = (ANY_SUBDOMAIN + ".".join(parts[start:]) for start in range(1, len(parts)))
    return domain in listed or any(pattern in listed for pattern in above)


def readable(listed: str) -> str:
    """Return a domain of a list as people write it, with U-labels (RFC 5890 section 2.3.2.1)."""
    wildcard = ANY_SUBDOMAIN if listed.startswith(ANY_SUBDOMAIN) else ""
    try:
        return wildcard + idna.decode(listed.removeprefix(wildcard))
    except idna.IDNAError:
        return listed  # not a name that IDNA allows, such as xn--a


Fields = Annotated[tuple[NameClaim, ...], BeforeValidator(_fields)]
Domains = Annotated[Names, AfterValidator(_domains), Notation("domains, comma-separated")]


class SignUpSettings(Section):
    """The settings of sign-up: the fields of its form, the accepted email domains, and the terms of service."""

    title: ClassVar[str] = "Sign-up"

    sign_up_fields: Fields = Field(
        ("name",),
        description="Name fields on the sign-up form, in their order, or none.",
    )
    sign_up_required: Fields = Field(
        (),
        description="Name fields that users must fill in when they sign up, comma-separated. The API "
        "requires them too.",
    )
    email_domains_allowed: Domains = Field(
        frozenset(),
        description="Email domains that users can sign up with, comma-separated. *.example.com matches its "
        "subdomains. Unset: all domains.",
    )
    email_domains_blocked: Domains = Field(
        frozenset(),
        description="Email domains that users cannot sign up with, comma-separated. These win over the "
        "allowed domains.",
    )
    terms_version: Line | None = Field(
        None,
        description="Version of your terms of service, for example 2026-11. Users accept it when they sign up, and "
        "again when you change it. Needs SIGNET_TERMS_URL. Unset: users are not asked.",
    )
    terms_url: WebPage | None = Field(None, description="URL of the page with your terms of service.")

    @model_validator(mode="after")
    def _asks_for_what_it_requires(self) -> Self:
        missing = [name for name in self.sign_up_required if name not in self.sign_up_fields]
        if missing:
            raise ValueError(f"SIGNET_SIGN_UP_REQUIRED: {', '.join(missing)} must be in SIGNET_SIGN_UP_FIELDS too")
        if self.terms_version is not None and self.terms_url is None:
            raise ValueError("SIGNET_TERMS_VERSION needs SIGNET_TERMS_URL, the page where users read the terms")
        return self
