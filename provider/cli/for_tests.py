"""The command `signet test-server`. The test kit is a distribution of its own, so production does not have it."""

from importlib.util import find_spec
from typing import Annotated

import typer

from provider.runtime.garbage import collect_later, keep_what_exists


def serve_tests(
    host: Annotated[str, typer.Option(help="Loopback address to listen on. Others are not accepted.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on. 0 picks a free port.")] = 0,
    *,
    setting: Annotated[
        list[str] | None,
        typer.Option(help="A setting as NAME=VALUE, without SIGNET_ and in lower case. Repeatable."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the URLs as one line of JSON once it is ready.")] = False,
    watch_stdin: Annotated[
        bool,
        typer.Option("--watch-stdin", help="Stop with the program that started it, when standard input is closed."),
    ] = False,
) -> None:
    """Run a Signet in memory for the tests of an app. Never use it in production: its signing keys are public, it
    limits no attempts, and anyone on this machine can create users in it.

    It is reachable only from this machine, and everything is gone when it stops. Tests control it over HTTP.
    Needs the package pytest-signet.

    Example: signet test-server --port 0 --json
    """
    from provider.config.environment import SettingsError

    if find_spec("signet_testing") is None:
        raise SettingsError("signet test-server needs the test kit. Run `pip install pytest-signet`")
    collect_later()
    from signet_testing.process import run
    from signet_testing.serving.loopback import NotLoopback

    keep_what_exists()
    try:
        run(host=host, port=port, settings=_settings(setting or []), as_json=json, watch_stdin=watch_stdin)
    except (NotLoopback, OSError, ValueError) as error:
        raise SettingsError(str(error)) from None


def _settings(given: list[str]) -> dict[str, str]:
    """Return the settings by name. Raises ValueError for text without `=`."""
    for text in given:
        if "=" not in text:
            raise ValueError(f"--setting must be NAME=VALUE, for example brand=Example. It is {text}")
    return {name: value for name, _, value in (text.partition("=") for text in given)}
