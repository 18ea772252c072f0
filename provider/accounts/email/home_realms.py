"""Domains whose users belong to an upstream provider (home realms), and what that rules out for them here."""

from provider.config.sign_up import normal_domain
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.saved_settings.upstreams import HomeRealm
from provider.work import UnitOfWork


class SignInElsewhere(Refusal):
    """An address of a domain whose users must sign in with an upstream provider. It depends on the domain alone."""

    code = "sign-in-elsewhere"
    status_code = 403
    title = Text("Sign in with your organization")

    def __init__(self, realm: HomeRealm) -> None:
        super().__init__(
            Text("Users with an address at this domain sign in with %(name)s.", name=realm.name),
        )


def find_home_realm(work: UnitOfWork, address: str) -> HomeRealm | None:
    """Return the upstream of an address's domain, or None. `address` may be anything that was typed."""
    _, at, domain = address.strip().rpartition("@")
    try:
        return work.installation.upstreams.home_realm_of(normal_domain(domain)) if at else None
    except ValueError:
        return None


def must_sign_in_elsewhere(work: UnitOfWork, address: str) -> bool:
    """Return whether users with this address may only sign in with an upstream."""
    realm = find_home_realm(work, address)
    return realm is not None and realm.is_required


def require_no_home_realm(work: UnitOfWork, address: str) -> None:
    """Raise SignInElsewhere if users with this address may only sign in with an upstream."""
    realm = find_home_realm(work, address)
    if realm is not None and realm.is_required:
        raise SignInElsewhere(realm)
