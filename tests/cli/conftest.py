"""The command line as a script sees it: arguments and stdin in; output, one line of trouble and a status out."""

import io
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from provider.cli.run import run
from tests.support.installation import ISSUER, SECRET_KEY


@dataclass
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


Signet = Callable[..., Ran]


@pytest.fixture
def environ(database_url: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SIGNET_DATABASE_URL", database_url)
    monkeypatch.setenv("SIGNET_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("SIGNET_ISSUER", ISSUER)
    monkeypatch.setenv("SIGNET_BCRYPT_COST", "4")
    return monkeypatch


@pytest.fixture
def signet(environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Signet:
    def call(*arguments: str, stdin: str = "") -> Ran:
        environ.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        root = logging.getLogger()
        before = root.handlers[:], root.level
        try:
            status = run(arguments)
        finally:
            # Later tests must not write to the streams of this one.
            root.handlers[:], root.level = before
            structlog.reset_defaults()
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return call
