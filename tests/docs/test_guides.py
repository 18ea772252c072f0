"""The guides, followed: on each page every command is typed, in order, in one shell beside a running demo."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

import pytest

from tests.support.demo_process import Demo, running_demo
from tests.support.forking import signet_in
from tests.support.server_process import REPOSITORY, environment, free_port
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

PROGRAMS = {"pip": "exit 0", "python": f'exec {sys.executable} "$@"'}
"""Programs that are not run, and what is instead: the libraries that a guide installs are here."""
GUIDES = sorted((REPOSITORY / "docs/guides").glob("*.md"))
BLOCK = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^(?P=indent)```$',
    re.MULTILINE | re.DOTALL,
)
"""A block of code, also within a tab."""
NAME = re.compile(r"[\w.-]+")
"""The title of a block that is a whole file. Others say in brackets what to do with it."""
PORTS = ("8443", "8044")
"""The ports of what a guide starts itself. Others may use them here, so each is another one."""


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
    programs, folder = tmp_path / "bin", tmp_path / "empty"
    for made in (programs, folder):
        made.mkdir()
    for name, what in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{what}\n")
        (programs / name).chmod(0o755)
    script = ["set -eux -o pipefail", "trap 'jobs -p | xargs -r kill 2>/dev/null || true' EXIT"]
    for block in BLOCK.finditer(path.read_text("utf-8")):
        text, title = dedent(block["text"]), block["title"]
        if title is None and block["language"] == "sh":
            script.append(text)
        elif title is not None and NAME.fullmatch(title):
            script.append(f"cat > '{title}' <<'END_OF_FILE'\n{text}END_OF_FILE")
    commands = "\n".join(script)
    for port in PORTS:
        commands = commands.replace(port, str(free_port()))
    with signet_in(programs):
        done = subprocess.run(
            ["bash", "-c", commands],
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
