"""What the container image installs: exact versions, and a valid bill of materials."""

import json
import re
import subprocess
import sys
from importlib.metadata import distribution, version
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from provider import __version__
from tests.support.server_process import REPOSITORY
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
    assert install.count("--only-binary :all:") == 2
    copied = {
        word.split("/")[0] for line in re.findall(r"^COPY (?!--)(.*)$", text, re.MULTILINE) for word in line.split()
    }
    allowed = (REPOSITORY / ".dockerignore").read_text("utf-8")
    assert [word for word in copied - {".", ".git"} if f"!{word}" not in allowed] == []


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
