"""The example projects of `clients/testing`: each one's own tests pass, with the libraries that it names.

Those whose libraries are in this environment run with the slow tests. A new environment for each Python project, and
the projects in other languages, are left to `make test-all`, because they install packages.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support import forking
from tests.support.server_process import REPOSITORY, environment
from tests.support.services import unavailable

pytestmark = pytest.mark.slow

EXAMPLES = REPOSITORY / "clients/testing"
KIT = REPOSITORY / "clients/pytest_signet"
PYTHON = {"flask_app": "test_sign_in.py", "fastapi_app": "test_tokens.py", "django_site": "test_sign_in.py"}
HERE = ("flask_app", "fastapi_app")
"""Those whose libraries are in this environment."""
PYTEST = f"import sys; sys.path.insert(0, {str(KIT)!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
LIMIT = 600
"""Seconds for registries on a busy machine."""


def run(command: list[str], folder: Path, **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment({}) | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


def copy_of(name: str, folder: Path) -> Path:
    return shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))


@pytest.fixture
def signet(tmp_path: Path) -> str:
    """The command `signet` with the kit, as if both were installed."""
    command = tmp_path / "signet"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}:{KIT}" exec "{sys.executable}" -m provider "$@"\n')
    command.chmod(0o755)
    return str(command)


@pytest.mark.parametrize("name", HERE)
def test_a_python_project_with_the_libraries_of_this_environment(name: str, tmp_path: Path) -> None:
    options = ["-q", "-p", "signet_testing.plugin", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = forking.run([*options, str(copy_of(name, tmp_path) / PYTHON[name])], env=environment({}), code=PYTEST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.nightly
@pytest.mark.parametrize("name", PYTHON)
def test_a_python_project(name: str, tmp_path: Path) -> None:
    """Its libraries are installed beside those of this environment; what its docstring says is installed."""
    project, tests = copy_of(name, tmp_path), PYTHON[name]
    stated = re.search(r"`pip install ([^`]+) pytest-signet`", (project / tests).read_text())
    assert stated is not None
    bin_folder = tmp_path / "venv/bin"
    run([sys.executable, "-m", "venv", str(tmp_path / "venv")], tmp_path)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "beside.pth").write_text(f"{sysconfig.get_path('purelib')}\n{REPOSITORY}\n{KIT}\n")
    pip = [str(bin_folder / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run([*pip, *stated[1].split()], tmp_path)
    command = [str(bin_folder / "python"), "-m", "pytest", "-q", "-p", "signet_testing.plugin", tests]
    assert " passed" in run(command, project, PYTHONPATH="")


@pytest.mark.nightly
def test_an_express_project(tmp_path: Path, signet: str) -> None:
    """N-632. RFC 9700 section 4.7, and what else its tests try."""
    npm = shutil.which("npm") or unavailable("the Express example", "there is no npm on PATH")
    project = copy_of("express", tmp_path)
    run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], project)
    assert "# fail 0" in run([npm, "test"], project, SIGNET=signet)


@pytest.mark.nightly
def test_a_go_project(tmp_path: Path, signet: str) -> None:
    go = shutil.which("go") or unavailable("the Go example", "there is no go on PATH")
    folders = {name: os.environ[name] for name in ("GOPATH", "GOCACHE", "HOME", "GOPROXY") if name in os.environ}
    assert "ok" in run([go, "test", "./..."], copy_of("go", tmp_path), SIGNET=signet, **folders)
