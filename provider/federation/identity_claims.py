"""What an upstream says about its user, from the ID token and the userinfo response (OIDC Core sections 5.1 and 5.4).

Some providers get types wrong. A value is read as it was meant where no other meaning is possible, and is otherwise
treated as absent.
"""

from collections.abc import Mapping
from typing import Any

from provider.accounts.profile import full_name_of
from provider.config.sign_up import NAME_CLAIMS
from provider.federation.presets import GOOGLE, MICROSOFT
from provider.federation.upstream_settings import UpstreamSettings
from provider.jose.json_objects import is_storable

ADDRESS = ("email", "email_verified")
WANTED = (*NAME_CLAIMS, *ADDRESS)
"""The claims that are requested by name, where the upstream allows that."""
LONGEST_EMAIL = 254


def is_complete(claims: Mapping[str, Any], settings: UpstreamSettings) -> bool:
    """Return whether the ID token has an email address, what is said about it, and a name."""
    # Microsoft's userinfo endpoint knows nothing of the domain's owner.
    is_final = settings.verifies_email_addresses or settings.preset == MICROSOFT
    says_enough = is_final or "email_verified" in claims
    return email_of(claims) is not None and says_enough and bool(names_of(claims))


def combine(id_token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of both. The signed ID token counts more, and `email_verified` stays with its address."""
    email = email_of(id_token)
    from_userinfo = email is None or (email == email_of(userinfo) and "email_verified" not in id_token)
    source = userinfo if from_userinfo else id_token
    others = {name: value for name, value in {**userinfo, **id_token}.items() if name not in ADDRESS}
    return others | {name: source[name] for name in ADDRESS if name in source}


def email_of(claims: Mapping[str, Any]) -> str | None:
    email = _text(claims.get("email"))
    return email if email is not None and len(email) <= LONGEST_EMAIL and is_storable(email) else None


def is_email_proven(claims: Mapping[str, Any], settings: UpstreamSettings) -> bool:
    """Return whether the operator trusts that the user owns the address.

    An address that the upstream itself calls unverified is never proven. Users of Microsoft can have any address, so
    there it is proven only if the owner of its domain verified it (`xms_edov`). Google is trusted for its own mailboxes
    and for domains of Google Workspace (`hd`): other addresses may have gone to somebody else since.
    """
    if settings.preset == MICROSOFT:
        verified = claims.get("xms_edov") in (True, 1, "1", "true", "True")
        return settings.verifies_email_addresses or (verified and settings.trust_email_verified)
    if settings.preset == GOOGLE and not _is_of_google(claims):
        return False
    says = claims.get("email_verified")
    if says is None:
        return settings.verifies_email_addresses
    # Amazon Cognito and Apple send a string.
    verified = says is True or (isinstance(says, str) and says.lower() == "true")
    return verified and (settings.trust_email_verified or settings.verifies_email_addresses)


def _is_of_google(claims: Mapping[str, Any]) -> bool:
    email, domain = (email_of(claims) or "").lower(), claims.get("hd")
    return email.endswith("@gmail.com") or (isinstance(domain, str) and bool(domain))


def names_of(claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the claims that name the user. A missing `name` is put together from its parts."""
    names = {name: text for name in NAME_CLAIMS if (text := _text(claims.get(name))) is not None}
    full_name = full_name_of(names)
    return names if full_name is None else names | {"name": full_name}


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
