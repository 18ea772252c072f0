"""The settings in effect, with secrets masked."""

from itertools import groupby

from starlette.responses import Response

from provider import __version__
from provider.accounts.roles.permissions import Permission
from provider.admin.guards import require_operator
from provider.config.settings_in_force import settings_in_force
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page


@endpoint
def show_settings(call: Call) -> Response:
    """Show the settings: GET /admin/settings. They are read from the environment when the server starts."""
    require_operator(call, Permission.SETTINGS_READ)
    shown = groupby(settings_in_force(call.settings), key=lambda setting: setting.group)
    groups = [(title, list(settings)) for title, settings in shown]
    return page(call, "admin/settings.html", groups=groups, version=__version__)
