"""A real Signet for the tests of apps and APIs. It refuses every address but loopback, so it cannot serve users.

With pytest, use the fixtures of `signet_testing.plugin`. Elsewhere: `with Signet() as signet: …`. Signet itself is
imported when the first one starts, so a run that needs none does not wait for it.
"""

from typing import TYPE_CHECKING

from signet_testing.version import __version__

if TYPE_CHECKING:
    from signet_testing.signet import (
        Client,
        Email,
        Logout,
        NotLoopback,
        Redirect,
        RequestRejected,
        Signet,
        SignInFailed,
        User,
    )

__all__ = [
    "Client",
    "Email",
    "Logout",
    "NotLoopback",
    "Redirect",
    "RequestRejected",
    "SignInFailed",
    "Signet",
    "User",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Load what is asked for. Raises AttributeError for another name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from signet_testing.loading import quickly  # noqa: PLC0415  # Signet, which a run without one does not wait for

    with quickly():
        from signet_testing import signet  # noqa: PLC0415

    return getattr(signet, name)
