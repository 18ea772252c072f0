"""Apps from the registries of their languages, each in a folder of the cache: installed once, until its pins change."""

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

INSTALLING = 3600
"""Seconds until an installation or a build is given up."""


@dataclass(frozen=True)
class Cache:
    """The folder that keeps installed apps from one run to the next."""

    folder: Path

    def python(self, name: str, *packages: str) -> Path:
        """Return the `bin` folder of a virtual environment with these packages."""

        def install(folder: Path) -> None:
            venv.create(folder, with_pip=True)
            command: list[Path | str] = [folder / "bin/pip", "install", "-q", "--disable-pip-version-check", *packages]
            run(command, folder=folder)

        return self._once(f"{name}-python", (sys.version, *packages), install) / "bin"

    def npm(self, name: str, package: str) -> Path:
        """Return the folder with the programs of an npm package."""

        def install(folder: Path) -> None:
            npm = required("npm")
            run(
                [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error", package],
                folder=folder,
            )

        return self._once(f"{name}-npm", (package,), install) / "node_modules/.bin"

    def go(self, name: str, modules: Mapping[str, str], *programs: str) -> Path:
        """Return the folder with programs that are built from Go modules, given with their versions."""
        pins = (*(f"{module}@{version}" for module, version in modules.items()), *programs)
        return self.built(name, *pins, build=lambda folder: go_build(folder, modules, programs))

    def go_source(self, name: str, module: str, version: str, *, build: Callable[[Path], None]) -> Path:
        """Return a folder with the source of a Go module, after `build` has built there what is needed."""

        def install(folder: Path) -> None:
            found = run([required("go"), "mod", "download", "-json", f"{module}@{version}"], folder=folder)
            shutil.copytree(json.loads(found)["Dir"], folder, dirs_exist_ok=True)
            for path in (folder, *folder.rglob("*")):
                path.chmod(path.stat().st_mode | 0o200)
            build(folder)

        return self._once(f"{name}-source", (module, version), install)

    def built(self, name: str, *pins: str, build: Callable[[Path], None]) -> Path:
        """Return a folder in which `build` has built something that these pins describe."""
        return self._once(f"{name}-built", pins, build)

    def _once(self, name: str, pins: tuple[str, ...], install: Callable[[Path], None]) -> Path:
        folder, stamp = self.folder / name, self.folder / f"{name}.pins"
        if not stamp.exists() or stamp.read_text() != "\n".join(pins):
            stamp.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            install(folder)
            stamp.write_text("\n".join(pins))
        return folder


def go_build(
    folder: Path, modules: Mapping[str, str], programs: Sequence[str], *, replaced: Mapping[str, str] | None = None
) -> None:
    """Build programs of Go modules into `folder`. `replaced` gives versions for what a module has in its own folders.

    `go install` does not build programs of modules that replace others, nor of those without a list of versions.
    """
    required("go")
    edits = [f"-require={module}@{version}" for module, version in modules.items()]
    edits += [f"-replace={module}={module}@{version}" for module, version in (replaced or {}).items()]
    run(["go", "mod", "init", "programs"], folder=folder)
    run(["go", "mod", "edit", *edits, *(f"-tool={program}" for program in programs)], folder=folder)
    run(["go", "mod", "tidy"], folder=folder)
    run(["go", "build", "-o", f"{folder}/", *programs], folder=folder)


def required(program: str) -> str:
    found = shutil.which(program)
    assert found is not None, f"{program} is not on PATH"
    return found


def run(command: list[Path | str], *, folder: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command with the lowest claim to the processor, and return what it prints."""
    environ = os.environ | {"GOFLAGS": "-p=1 -buildvcs=false"} | dict(env or {})
    words = ["nice", "-n", "10", *(str(word) for word in command)]
    done = subprocess.run(
        words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=INSTALLING
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout
