"""The guides, followed: on each page every command is typed, in order, in one shell beside a running demo."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.interop.quickstarts.page import Page
from tests.support.demo_process import Demo, running_demo
from tests.support.forking import signet_in
from tests.support.server_process import REPOSITORY, environment
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow

PROGRAMS = {"pip": "exit 0", "python": f'exec {sys.executable} "$@"'}
"""Programs that are not run, and what is instead: the libraries that a guide installs are here."""
GUIDES = sorted((REPOSITORY / "docs/guides").glob("*.md"))
NAME = re.compile(r"[\w.-]+")
"""The title of a block that is a whole file. Others say in brackets what to do with it."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    # A guide changes a client and uses it immediately; a reader takes longer than the cache.
    with (
        patch.dict(os.environ, SIGNET_CLIENT_CACHE="0"),
        running_demo(tmp_path_factory.mktemp("demo") / "signet-demo") as demo,
    ):
        demo.wait_until_filled()
        yield demo


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_every_command_of_a_guide_works(path: Path, tmp_path: Path, demo: Demo) -> None:
    page, programs, folder = Page(path), tmp_path / "bin", tmp_path / "empty"
    for made in (programs, folder):
        made.mkdir()
    for name, what in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{what}\n")
        (programs / name).chmod(0o755)
    script = ["set -eux -o pipefail"]
    for block in page.blocks:
        if block.file is not None and NAME.fullmatch(block.file):
            script.append(f"cat > '{block.file}' <<'END_OF_FILE'\n{block.text}END_OF_FILE")
        elif block.file is None and block.language == "sh":
            script.append(block.text)
    with signet_in(programs):
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            env=environment({})
            | {
                "PATH": f"{programs}:{os.environ['PATH']}",
                "SIGNET_ISSUER": demo.provider,
                "SIGNET_DATABASE_URL": f"sqlite:///{demo.folder / 'signet.db'}",
            },
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=5 * PATIENCE,
        )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
