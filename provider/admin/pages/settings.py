"""The settings as they are in force, secrets masked."""

from starlette.responses import Response

from provider import __version__
from provider.admin.guards import require_operator
from provider.config.settings_in_force import settings_in_force
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page


@endpoint
def show_settings(call: Call) -> Response:
    """GET /admin/settings. They are changed in the environment, and read at the start."""
    require_operator(call)
    return page(call, "admin/settings.html", settings=settings_in_force(call.settings), version=__version__)
