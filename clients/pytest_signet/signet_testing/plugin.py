"""The pytest plugin: `signet` for a test, `signet_server` for fixtures that live longer.

Both are the same Signet. What a test creates is gone after it; what a fixture of the session or of a module creates
stays. Each worker of pytest-xdist has its own.

An app that reads its configuration while it is imported, as Django does, finds it in environment variables that
`signet_env` names. Then the address of Signet is known before the app is imported.
"""

import json
import os
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from signet_testing.early import Early
    from signet_testing.records import Client
    from signet_testing.signet import Signet

EARLY: pytest.StashKey["Early"] = pytest.StashKey()
"""The Signet whose address is known before the tests are collected."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "signet_port",
        "Port of the Signet of the tests; workers of xdist use the next ones. 0 picks a free one.",
        default="0",
    )
    parser.addini(
        "signet_env",
        "Environment variables of the app, NAME={issuer}, {discovery_url}, {client_id} or {client_secret}. Set before "
        "conftest.py is loaded.",
        type="linelist",
        default=[],
    )
    parser.addini(
        "signet_settings",
        "Settings of the Signet of the tests: NAME=VALUE, in lower case without SIGNET_.",
        type="linelist",
        default=[],
    )
    parser.addini(
        "signet_client",
        "Metadata of the client in signet_env: NAME=VALUE, with values as text or as JSON.",
        type="linelist",
        default=[],
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set the environment of the app, if `signet_env` is configured. Raises UsageError."""
    wanted = _pairs(early_config, "signet_env")
    if wanted:
        from signet_testing.early import Early  # noqa: PLC0415  # most runs need none

        try:
            metadata = {name: _value(text) for name, text in _pairs(early_config, "signet_client").items()}
            early = Early(_port(early_config), _pairs(early_config, "signet_settings"), metadata)
            early_config.add_cleanup(early.close)
            known = {
                "issuer": early.issuer,
                "discovery_url": f"{early.issuer}/.well-known/openid-configuration",
                "client_id": early.client_id,
                "client_secret": early.client_secret,
            }
            os.environ.update({name: text.format(**known) for name, text in wanted.items()})
        except Exception as error:
            raise pytest.UsageError(f"signet_env or signet_client in {early_config.inipath}: {error}") from error
        early_config.stash[EARLY] = early
    return (yield)


def _port(config: pytest.Config) -> int:
    """Return the port of this process: each worker of pytest-xdist has its own, after that of the configuration."""
    port = int(config.getini("signet_port"))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    return port + 1 + int(worker) if port and worker.isdecimal() else port


def _pairs(config: pytest.Config, name: str) -> dict[str, str]:
    lines = [line.partition("=") for line in config.getini(name)]
    return {before.strip(): after.strip() for before, _, after in lines}


def _value(text: str) -> Any:
    """Return the value of JSON, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@pytest.fixture(scope="session")
def signet_settings(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Return settings of the Signet of the tests: those of `signet_settings` in the configuration of pytest.

    Override it to compute some: `{"access_token_lifetime": "2m"}`.
    """
    return _pairs(request.config, "signet_settings")


@pytest.fixture(scope="session")
def signet_server(request: pytest.FixtureRequest, signet_settings: Mapping[str, Any]) -> Iterator["Signet"]:
    """Run the Signet of this process. It starts when the first test needs it, or the app does with `signet_env`."""
    early = request.config.stash.get(EARLY, None)
    if early is not None:
        if signet_settings != early.settings:
            raise pytest.UsageError(
                "With signet_env, Signet may start before the fixture signet_settings is known. Write the settings "
                "under signet_settings in the configuration of pytest, and remove the fixture."
            )
        yield _started(early)[0]
        return
    from signet_testing import Signet  # noqa: PLC0415  # loads Signet, which only these tests need

    with Signet(port=_port(request.config), settings=signet_settings) as signet:
        yield signet


@pytest.fixture(scope="session")
def signet_client(request: pytest.FixtureRequest) -> "Client":
    """Return the client that `signet_env` gave to the app. Raises UsageError without it."""
    early = request.config.stash.get(EARLY, None)
    if early is None:
        raise pytest.UsageError("signet_client needs signet_env in the configuration of pytest")
    return _started(early)[1]


def _started(early: "Early") -> "tuple[Signet, Client]":
    try:
        return early.start()
    except Exception as error:
        raise pytest.UsageError(f"signet_settings or signet_client: {error}") from error


@pytest.fixture
def signet(signet_server: "Signet") -> Iterator["Signet"]:
    """Lend the Signet of this process to a test. Once the test has ended, it is as before."""
    before = signet_server.save()
    signet_server.requests.clear()
    yield signet_server
    signet_server.restore(before)
