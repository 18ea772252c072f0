"""The upstream providers of this process, for pages."""

from provider.federation.upstreams import Upstreams
from provider.web.call import Call


def upstreams_of(call: Call) -> Upstreams:
    """Return what the composition root opened for this app (`provider.app`)."""
    upstreams: Upstreams = call.scope["app"].state.upstreams
    return upstreams
