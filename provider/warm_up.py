"""What a process prepares beside its first answers, so that no sign-in has to wait for it."""

from collections.abc import Iterable

from starlette.routing import BaseRoute

from provider.database.prepared import prepare_all
from provider.federation.ldap_client import library
from provider.languages.catalogs import ENGLISH
from provider.web.pages import environment
from provider.web.routing import flattened
from provider.work import Installation

PAGES = (
    "layout.html",
    "macros/forms.html",
    "macros/prose.html",
    "macros/icons.html",
    "login/login.html",
    "macros/keep.html",
    "macros/apps.html",
    "macros/passkeys.html",
    "macros/proof.html",
    "macros/upstreams.html",
    "login/second_factor/frame.html",
    "login/second_factor/totp.html",
    "oauth/consent.html",
    "macros/permissions.html",
    "errors/error.html",
)
"""The templates of a sign-in, in the order in which they are needed. The others are compiled at their first use."""


def warm_up(installation: Installation, routes: Iterable[BaseRoute] = ()) -> None:
    """Work out the statements of hot paths, compile the pages of a sign-in in English, and load the routes on demand.

    Later, their files could be those of a newer version that is being installed. It runs in a thread beside requests,
    which do for themselves what is not done yet.
    """
    if installation.upstreams.has_directories():
        library()
    prepare_all(installation.database.engine.dialect)
    for name in PAGES:
        environment(ENGLISH).get_template(name)
    for _ in flattened(routes):
        pass
    prepare_all(installation.database.engine.dialect)  # those of the modules that were just loaded
