"""The settings in effect, with secrets masked."""

from pydantic import Field

from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.config.settings_in_force import settings_in_force
from provider.web.call import Call


class Setting(Body):
    name: str = Field(description="The variable.")
    value: str | None = Field(None, description="As it is written there; masked when it is a secret.")
    is_default: bool
    is_secret: bool
    about: str


class SettingsInForce(Body):
    settings: list[Setting]


@by_operator(reads=True, gives=SettingsInForce)
def list_settings(call: Call, _operator: Operator, _body: Body) -> SettingsInForce:
    """List the settings in effect on the server that answers. Secrets are masked."""
    return SettingsInForce(settings=[Setting(**vars(shown)) for shown in settings_in_force(call.settings)])
