"""What tests take from npm: pinned by a lock file, installed once under build/, nothing of it is run to install it."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from tests.support.services import unavailable

BUILD = Path(__file__).parents[2] / "build"


def installed(package: str, pins: Path) -> Path:
    """The folder of a package that is pinned by package.json and package-lock.json in the folder `pins`."""
    cache = BUILD / pins.name
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel workers of one run
        wanted, kept = (pins / "package-lock.json").read_bytes(), cache / "package-lock.json"
        found = cache / "node_modules" / package
        if not (found / "package.json").exists() or kept.read_bytes() != wanted:
            npm = shutil.which("npm") or unavailable(package, "no npm on PATH to install it with")
            shutil.copy(pins / "package.json", cache)
            kept.write_bytes(wanted)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False, timeout=600)
            if done.returncode:
                shutil.rmtree(cache / "node_modules", ignore_errors=True)
                unavailable(package, f"npm could not install it: {done.stderr.strip()[-200:]}")
    return found
