"""docker-compose.yml: what has to be there, what must not, and that it names commands and settings that exist."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from provider.config.settings import PREFIX, Settings
from tests.support.forking import signet_in
from tests.support.server_process import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_everything_an_installation_needs_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"migrate", "web", "worker", "postgres", "redis", "mailpit", "web-app"} <= services.keys()
    assert services["web"]["deploy"]["replicas"] == 2


def test_what_runs_for_long_has_a_health_check(compose: dict[str, Any]) -> None:
    once = {"migrate", "register"}
    without = [name for name, service in compose["services"].items() if "healthcheck" not in service]
    assert set(without) == once


def test_the_worker_is_asked_where_it_serves_its_metrics_and_only_in_its_container(compose: dict[str, Any]) -> None:
    worker = compose["services"]["worker"]
    address = worker["environment"]["SIGNET_METRICS_ADDRESS"]
    assert address.startswith("127.0.0.1:")
    assert f"http://{address}/metrics" in worker["healthcheck"]["test"][-1]


def test_no_secret_is_written_in_the_file(compose: dict[str, Any]) -> None:
    secrets = {
        (name, variable): str(value)
        for name, service in compose["services"].items()
        for variable, value in service.get("environment", {}).items()
        if "SECRET" in variable or "PASSWORD" in variable
    }
    assert ("web", "SIGNET_SECRET_KEY") in secrets
    for where, value in secrets.items():
        assert value.startswith("${"), where
        assert ":?" in value, f"{where} may be left out"


def test_every_setting_is_one_we_know(compose: dict[str, Any]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    services = compose["services"].values()
    given = {name for service in services for name in service.get("environment", {}) if name.startswith(PREFIX)}
    assert given
    assert given <= known


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_images_do_not_run_as_root() -> None:
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")
    assert any("\nUSER 10001" in stage and "AS signet" in stage for stage in stages)
    assert "FROM signet AS samples" in (ROOT / "Dockerfile").read_text()


def test_the_sample_app_is_registered_once_by_commands_that_exist(compose: dict[str, Any], tmp_path: Path) -> None:
    secret = "a sample secret of more than 32 characters"
    environ = environment({"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAMPLE_CLIENT_SECRET": secret})
    register = compose["services"]["register"]

    def run(*command: str) -> str:
        done = subprocess.run(command, env=environ, cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with signet_in(tmp_path):
        run("signet", *compose["services"]["migrate"]["command"])
        for _ in range(2):
            assert secret not in run(*register["entrypoint"], *register["command"])
        assert "http://localhost:8001/callback" in run("signet", "client", "show", "quill")
