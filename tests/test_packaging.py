"""The wheel is all there is to it: installed into an empty environment, in an empty folder, `signet demo` works."""

import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from provider import __version__
from tests.support.demo_process import free_ports
from tests.support.server_process import REPOSITORY, environment
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment_with_only(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel. What it depends on comes from this one: no network."""
    folder = tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, "--disable-pip-version-check"], check=True, env=environment({}) | {"PYTHONPATH": ""})
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n" + sysconfig.get_path("platlib") + "\n")
    return folder / "bin"


def test_it_holds_the_templates_the_migrations_and_the_sample_clients(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("templates", "migrations", "clients"):
        files = {
            str(path.relative_to(REPOSITORY / folder))
            for path in (REPOSITORY / folder).rglob("*")
            if path.is_file() and path.suffix != ".pyc" and path.name != ".gitkeep"
            if not path.is_relative_to(REPOSITORY / "clients/pytest_signet")  # a distribution of its own
            if not path.is_relative_to(REPOSITORY / "clients/testing")  # its examples
        }
        assert {f"provider/_{folder}/{name}" for name in files} <= names
    assert not [name for name in names if "test" in name.split("/")[0] or "signet_testing" in name]


def test_it_has_the_version_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"signet_provider-{__version__}.dist-info/METADATA").decode()
    assert f"\nVersion: {__version__}\n" in metadata


@pytest.fixture
def demo(environment_with_only: Path, tmp_path: Path) -> Iterator[int]:
    """`signet demo` in an empty folder; the port it listens on."""
    port = free_ports()
    process = subprocess.Popen(
        [str(environment_with_only / "signet"), "demo", "--port", str(port)],
        cwd=tmp_path,
        env=environment({}) | {"PYTHONPATH": "", "PYTHONWARNINGS": "default"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(PATIENCE)


def fetch(url: str) -> str:
    """The page at this address, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return str(answer.read().decode())
        except OSError:
            assert time.monotonic() < deadline, url
            time.sleep(0.1)


def test_installed_in_an_empty_folder_the_demo_serves_the_provider_and_the_sample_app(demo: int) -> None:
    assert f'"http://localhost:{demo}"' in fetch(f"http://localhost:{demo}/.well-known/openid-configuration")
    assert "<h1" in fetch(f"http://localhost:{demo}/login")
    assert "<h1" in fetch(f"http://localhost:{demo + 1}/")
