"""Stands in for `sudo` in the shell of a page: nothing is done to this machine, except that `systemctl` starts, stops
and restarts what the units in `deploy/` say, as processes of this user.

It is a script: `sudo` on the PATH runs it. PLACES (JSON) says what stands for the places that the units name.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT = 120
"""Seconds after which something that does not start or stop is given up."""


def here(text: str) -> str:
    for place, stand_in in json.loads(os.environ["PLACES"]).items():
        text = text.replace(place, stand_in)
    return text


def read_unit(name: str) -> dict[str, list[str]]:
    """The [Service] settings of `signet-web@8001` or `signet-worker`."""
    template, _, instance = name.partition("@")
    text = (REPOSITORY / "deploy" / f"{template}{'@' if instance else ''}.service").read_text()
    found: dict[str, list[str]] = {}
    for line in text.partition("[Service]")[2].partition("\n[")[0].splitlines():
        key, _, value = line.partition("=")
        if value and not line.startswith("#"):
            found.setdefault(key, []).append(here(value.replace("%i", instance)))
    return found


def start(name: str) -> None:
    unit = read_unit(name)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SIGNET_")}
    for file in unit["EnvironmentFile"]:
        environ |= dict(line.split("=", 1) for line in Path(file).read_text().splitlines() if "=" in line)
    environ |= dict(pair.split("=", 1) for pair in unit["Environment"])
    program, *arguments = shlex.split(unit["ExecStart"][0])
    assert program == "/opt/signet/bin/signet", program
    if arguments[0] == "serve":
        # No proxy here has to notice first, and tests/topology runs the two workers of a node.
        arguments += ["--drain", "0", "--workers", "1"]
    folder = Path(unit["WorkingDirectory"][0])
    with (folder / f"{name}.log").open("ab") as log:
        done = subprocess.run(
            ["signet", *arguments],
            env=environ | {"DETACHED": "yes"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=True,
        )
    (folder / f"{name}.pid").write_text(done.stdout)


def wait_for(name: str) -> None:
    """What the unit does once it has started. It asks once a second: run it when somebody listens."""
    commands = read_unit(name).get("ExecStartPost", [])
    deadline = time.monotonic() + LIMIT
    while commands and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(name.partition("@")[2]))) == 0:
                break
        time.sleep(0.02)
    main = (Path(here("/var/lib/signet")) / f"{name}.pid").read_text().strip()
    for command in commands:
        subprocess.run(command_of(command), env=os.environ | {"MAINPID": main}, check=True)


def command_of(line: str) -> list[str]:
    """Return the words of a command as systemd reads them, with a program of this PATH. `$$` is a dollar sign."""
    program, *arguments = (word.replace("$$", "$") for word in shlex.split(line))
    return [Path(program).name, *arguments]


def stop(names: list[str]) -> None:
    """All are told, then all are waited for."""
    files = {name: Path(here("/var/lib/signet")) / f"{name}.pid" for name in names}
    running = {name: int(file.read_text()) for name, file in files.items() if file.exists()}
    for pid in running.values():
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + LIMIT
    for name, pid in running.items():
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < deadline, f"{name} does not stop"
            time.sleep(0.02)
        files[name].unlink()


def systemctl(what: str, names: list[str]) -> None:
    units = [name for name in names if name.startswith("signet-")]
    if what in {"stop", "restart"}:
        stop(units)
    if what in {"start", "restart", "enable"}:
        for name in units:
            start(name)
        for name in units:
            wait_for(name)


def main(command: list[str]) -> None:
    if command[0] == "systemctl":
        systemctl(command[1], [name for name in command[2:] if not name.startswith("--")])
    elif command[0] == "install":
        for file in command:
            assert not file.startswith("deploy/") or (REPOSITORY / file).is_file(), file


if __name__ == "__main__":
    main(sys.argv[1:])
