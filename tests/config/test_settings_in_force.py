"""The settings as operators are shown them: as they would write them, and no secret (A-104)."""

from provider.config.environment import load_settings
from provider.config.settings import Settings
from provider.config.settings_in_force import MASK, Source, settings_in_force
from tests.cli.conftest import Signet, environ, signet

__all__ = ["environ", "signet"]
KEY = "k" * 32
GIVEN = {
    "SIGNET_DATABASE_URL": "postgresql+psycopg://signet:hunter2@db:5432/signet?sslmode=require&sslpassword=hunter2",
    "SIGNET_REDIS_URL": "redis://:hunter2@redis:6379/0",
    "SIGNET_SECRET_KEY": KEY,
    "SIGNET_SMTP_USER": "ada",
    "SIGNET_SMTP_PASSWORD": "hunter2",
    "SIGNET_FEATURES": "two-factor,registration",
    "SIGNET_METRICS_ADDRESS": "127.0.0.1:9464",
    "SIGNET_CODE_LIFETIME": "90",
    "SIGNET_REGISTRATION": "open",
    "SIGNET_ENV": "development",
    "SIGNET_TOTP_BYPASS_CODE": "hunter2",
    "SIGNET_TRUSTED_PROXIES": "10.0.0.2,10.0.0.1",
}


def test_they_are_as_an_operator_writes_them_and_secrets_are_masked() -> None:
    settings = load_settings(GIVEN)
    shown = {each.name: each for each in settings_in_force(settings)}
    assert len(shown) == len(Settings.model_fields)
    assert not [each for each in shown.values() if each.value and ("hunter2" in each.value or KEY in each.value)]
    assert {name for name, each in shown.items() if not each.is_default} == GIVEN.keys()
    assert {name for name, each in shown.items() if each.is_secret} == {
        "SIGNET_SECRET_KEY", "SIGNET_SMTP_PASSWORD", "SIGNET_SMTP_OAUTH_CLIENT_SECRET",
        "SIGNET_SMTP_OAUTH_REFRESH_TOKEN", "SIGNET_TOTP_BYPASS_CODE",
    }  # fmt: skip
    url = f"postgresql+psycopg://signet:{MASK}@db:5432/signet?sslmode=require&sslpassword={MASK}"
    assert (shown["SIGNET_DATABASE_URL"].value, shown["SIGNET_CODE_LIFETIME"].value) == (url, "90s")
    assert shown["SIGNET_REDIS_URL"].value == f"redis://:{MASK}@redis:6379/0"


def test_each_says_where_it_was_set_and_what_it_would_be_otherwise() -> None:
    environ = {
        "SIGNET_CODE_LIFETIME": "60",
        "signet_brand": " ",
        "SIGNET_SECRET_KEY_FILE": "/run/secrets/key",
        "SIGNET_DATABASE_URL": "postgresql://db/signet",
    }
    settings = load_settings(GIVEN).model_copy(update={"brand": "Acme"})
    shown = {each.name.removeprefix("SIGNET_"): each for each in settings_in_force(settings, environ=environ)}
    sources = {name: shown[name].source for name in ("CODE_LIFETIME", "SECRET_KEY", "BRAND", "REDIS_URL", "SMTP_HOST")}
    assert sources == {
        "CODE_LIFETIME": Source.ENVIRONMENT,
        "SECRET_KEY": Source.FILE,
        "BRAND": Source.CONSOLE,
        "REDIS_URL": Source.COMMAND,
        "SMTP_HOST": Source.DEFAULT,
    }
    defaults = {name: shown[name].default for name in ("CODE_LIFETIME", "SECRET_KEY", "BRAND", "TRUSTED_PROXIES")}
    assert defaults == {"CODE_LIFETIME": "1m", "SECRET_KEY": None, "BRAND": "Signet", "TRUSTED_PROXIES": None}


def test_what_is_shown_means_the_same_when_it_is_set() -> None:
    """But for secrets, and files, which are shown by what is in them."""
    settings = load_settings(
        {name: value for name, value in GIVEN.items() if "hunter2" not in value and name != "SIGNET_SMTP_USER"}
    )
    shown = {each.name: each.value for each in settings_in_force(settings) if each.value is not None}
    again = load_settings({name: value for name, value in shown.items() if value != MASK} | {"SIGNET_SECRET_KEY": KEY})
    assert again == settings


def test_the_command_shows_them(signet: Signet) -> None:
    shown = signet("settings", "--json").json
    assert shown[0]["is_default"] is False
    assert MASK in [each["value"] for each in shown]
    assert "SIGNET_SESSION_IDLE_LIFETIME" in signet("settings").out
