"""The units of systemd that we ship."""

import subprocess
import sys
import time

import pytest

from tests.docs.machine import command_of, read_unit
from tests.support.server_process import REPOSITORY, free_port
from tests.support.site_proxies import site_at

UNITS = sorted(path.name for path in (REPOSITORY / "deploy").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_started_again_however_long_the_database_is_away(unit: str) -> None:
    """After five starts within ten seconds, systemd gives up by default, in spite of `Restart=always`."""
    text = (REPOSITORY / "deploy" / unit).read_text()
    before, _, service = text.partition("[Service]")
    assert "\nStartLimitIntervalSec=0\n" in before
    assert {"Restart=always", "RestartSec=2"} <= set(service.splitlines())


@pytest.mark.slow
def test_the_wait_for_a_node_ends_when_it_answers_or_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ExecStartPost` of signet-web@, with processes that systemd would have started."""
    port = free_port()
    [line] = read_unit_at(port, monkeypatch)
    command = command_of(line)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as main:
        environ = {"PATH": "/usr/bin:/bin", "MAINPID": str(main.pid)}
        with site_at(port):
            assert subprocess.run(command, env=environ, check=False).returncode == 0
        waiting = subprocess.Popen(command, env=environ)
        time.sleep(0.3)
        assert waiting.poll() is None
        main.communicate(b"\n")
        assert waiting.wait(10) == 1
    assert subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, check=False).returncode == 1  # it ended before


def read_unit_at(port: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PLACES", "{}")
    return read_unit(f"signet-web@{port}")["ExecStartPost"]
