"""What the container image installs: exact versions, and a valid bill of materials."""

import json
import os
import re
import secrets
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, version
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from packaging.requirements import Requirement

from provider import __version__
from tests.support.server_process import REPOSITORY, free_port
from tests.support.services import unavailable

IMAGE = REPOSITORY / "deploy/image"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; [^\n]*)?\n", re.MULTILINE)
OTHER_SYSTEMS = {"async-timeout", "colorama", "httpx2-jsfetch"}
"""In the lock for systems and versions of Python that constraints.txt was not written on."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    text = (IMAGE / file).read_text("utf-8")
    found = {canonical(pin[1]): pin[2] for pin in PIN.finditer(text)}
    assert PIN.sub("", text).strip() == "", "a line that is no version"
    return found


def required(name: str, *, extra: str = "") -> set[str]:
    """Return the packages that a package installs here, with those that they install."""
    found: set[str] = set()
    waiting = [(name, extra)]
    while waiting:
        current, chosen = waiting.pop()
        for text in distribution(current).requires or []:
            requirement = Requirement(text)
            if requirement.marker and not requirement.marker.evaluate({"extra": chosen}):
                continue
            for each in ("", *requirement.extras):
                key = canonical(requirement.name)
                if key not in found or each:
                    found.add(key)
                    waiting.append((key, each))
    return found


def test_the_image_has_the_pinned_version_of_everything_it_needs() -> None:
    constraints = (REPOSITORY / "constraints.txt").read_text("utf-8").split()
    pinned = {canonical(name): found for name, _, found in (line.partition("==") for line in constraints)}
    lock = pins("requirements.txt")
    assert required("signet-provider", extra="otel") <= lock.keys(), "run `make constraints`"
    assert lock.keys() - pinned.keys() <= OTHER_SYSTEMS
    assert {name: lock[name] for name in lock.keys() & pinned.keys()} == {
        name: pinned[name] for name in lock.keys() & pinned.keys()
    }


def test_what_builds_the_package_is_pinned_too() -> None:
    lock = pins("build-requirements.txt")
    assert f'requires = ["hatchling=={lock["hatchling"]}"]' in (REPOSITORY / "pyproject.toml").read_text("utf-8")
    assert required("hatchling") <= lock.keys()


def test_the_image_is_built_from_the_lock_on_a_base_that_can_be_pinned() -> None:
    text = (REPOSITORY / "Dockerfile").read_text("utf-8")
    assert "deploy/image/install /opt/signet" in text
    assert "ARG SOURCE_DATE_EPOCH" in text
    assert not re.search(r"\b(pip install|useradd|apt-get)\b", text.replace("Not with useradd", "")), "not reproducible"
    bases = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert bases == {"${PYTHON_IMAGE}", "signet"}
    install = (IMAGE / "install").read_text("utf-8")
    packaged = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert install.count("--only-binary :all:") == 2
    copied = [Path(word) for line in re.findall(r"^COPY (?!--)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    sent = {Path(line[1:]) for line in (REPOSITORY / ".dockerignore").read_text("utf-8").split() if line[0] == "!"}
    assert [source for source in copied if not sent & {source, *source.parents}] == [], "not sent to the engine"
    needed = [Path(source) for source in packaged["wheel"]["force-include"]]
    assert [source for source in needed if not set(copied) & {source, *source.parents}] == [], "the wheel needs it"


@pytest.mark.deployment
@pytest.mark.slow
def test_the_bill_of_materials_is_valid_and_lists_what_is_installed(tmp_path: Path) -> None:
    """`make sbom` calls the same program with an environment that only has what the image has."""
    program = Path(sys.executable).with_name("cyclonedx-py")
    if not program.exists() or find_spec("cyclonedx") is None:
        unavailable("cyclonedx-py", "cyclonedx-bom is not installed")
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415  # only `make sbom` and this test have it
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    files = [tmp_path / "first.json", tmp_path / "second.json"]
    for file in files:
        command = [str(IMAGE / "write_sbom"), str(program), sys.prefix, str(file)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    text = files[0].read_text("utf-8")
    assert text == files[1].read_text("utf-8"), "not reproducible"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    subject = found["metadata"]["component"]
    assert (subject["name"], subject["version"], subject["type"]) == ("signet-provider", __version__, "application")
    listed = {canonical(each["name"]): each for each in found["components"]}
    for name in required("signet-provider"):
        assert listed[name]["version"] == version(name)
        assert listed[name]["purl"] == f"pkg:pypi/{name}@{version(name)}"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.replace('"version"', '"edition"')) is not None


def answer(url: str, seconds: float = 120) -> dict[str, str]:
    """Ask until there is an answer: a container needs a moment to start."""
    until = monotonic() + seconds
    while True:
        request = Request(url, data=b"{}" if "_testing" in url else None, headers={"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=10) as response:
                found: dict[str, str] = json.load(response)
                return found
        except (URLError, ConnectionError, TimeoutError):
            if monotonic() > until:
                raise
            sleep(0.5)


@pytest.mark.deployment
@pytest.mark.slow
def test_each_image_builds_and_serves_without_rights() -> None:
    """With Docker or Podman. `PYTHON_IMAGE` in the environment names another base."""
    engine = which("docker") or which("podman") or ""
    if not engine or subprocess.run([engine, "info"], capture_output=True, check=False).returncode != 0:
        unavailable("Docker or Podman", "no engine answers")

    def run(*arguments: str) -> str:
        done = subprocess.run([engine, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.strip()

    base = [f"--build-arg=PYTHON_IMAGE={os.environ['PYTHON_IMAGE']}"] if "PYTHON_IMAGE" in os.environ else []
    for stage in ("signet", "samples", "test-server"):
        run("build", "--target", stage, "--tag", f"signet-test:{stage}", *base, ".")
    assert run("run", "--rm", "--entrypoint", "id", "signet-test:samples", "-u") == "10001"

    port, volume = free_port(), f"signet-test-{secrets.token_hex(4)}"
    confined = ["--network=host", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    settings = [f"--env=SIGNET_ISSUER=http://localhost:{port}", f"--env=SIGNET_SECRET_KEY={secrets.token_hex(32)}"]
    started: list[str] = []
    try:
        mount = f"--volume={volume}:/var/lib/signet"
        run("run", "--rm", *confined, *settings, mount, "signet-test:signet", "migrate")
        serve = ["serve", "--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
        started.append(run("run", "--detach", *confined, *settings, mount, "signet-test:signet", *serve))
        assert answer(f"http://127.0.0.1:{port}/health/ready") == {"status": "ok"}
        run("stop", "--time=35", started[0])
        assert run("inspect", "--format={{.State.ExitCode}}", started[0]) == "0", run("logs", started[0])
        kit = ["test-server", "--port", str(port), "--json"]
        started.append(run("run", "--detach", *confined, "signet-test:test-server", *kit))
        assert answer(f"http://127.0.0.1:{port}/_testing/users")["sub"]
    finally:
        for container in started:
            run("rm", "--force", container)
        run("volume", "rm", "--force", volume)
