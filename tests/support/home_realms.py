"""A domain whose users belong to an upstream provider, for tests that need no provider."""

from provider.saved_settings.upstreams import HomeRealm
from provider.work import Installation


def require_corp(installation: Installation, domain: str = "example.test") -> None:
    """From now on, users with addresses at the domain may sign in only with Corp."""
    corp = HomeRealm("corp", "Corp", is_required=True)
    installation.upstreams.home_realm_of = lambda one: corp if one == domain else None
