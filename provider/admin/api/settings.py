"""The settings in effect, with secrets masked."""

from typing import Literal

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.config.settings_in_force import settings_in_force
from provider.web.call import Call


class Setting(Body):
    """A setting of the server."""

    name: str = Field(description="The environment variable.")
    value: str | None = Field(None, description="The value in effect. Secrets are masked.")
    default: str | None = Field(None, description="The default value.")
    is_default: bool = Field(description="Whether the value is the default.")
    is_secret: bool = Field(description="Whether the value is a secret.")
    source: Literal["default", "environment", "file", "console", "command"] = Field(
        description="Where the value comes from: the `default`, the `environment`, a `file` that the environment "
        "names, the branding page of the `console`, or the `command` that started the server, such as `signet demo`."
    )
    group: str = Field(description="The group that the setting belongs to, as in the reference of the settings.")
    about: str = Field(description="What the setting does.")


class SettingsInForce(Body):
    """The settings in effect."""

    settings: list[Setting] = Field(description="The settings.")


@by_operator(needs=Permission.SETTINGS_READ, gives=SettingsInForce)
def list_settings(call: Call, _operator: Operator, _body: Body) -> SettingsInForce:
    """List settings. These are in effect on the server that responds. Secrets are masked."""
    return SettingsInForce(settings=[Setting(**vars(shown)) for shown in settings_in_force(call.settings)])
