"""The command `signet settings`: show the settings in effect, with secrets masked."""

from provider.cli.output import Json, print_rows


def settings(*, as_json: Json = False) -> None:
    """Show the settings in effect. Those you changed come first. Secrets are masked.

    Example: signet settings --json
    """
    from provider.config.environment import load_settings
    from provider.config.settings_in_force import settings_in_force

    shown = sorted(settings_in_force(load_settings()), key=lambda setting: setting.is_default)
    print_rows([vars(setting) for setting in shown], ("name", "value", "is_default", "about"), as_json=as_json)
