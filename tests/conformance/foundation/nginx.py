"""The TLS in front of the suite, which serves plain http itself."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.certificates import Authority

TEMPLATE = Path(__file__).with_name("nginx.conf")


@contextmanager
def nginx(folder: Path, authority: Authority, *, host: str, plain: int, mtls: int, suite: str) -> Iterator[None]:
    """Listen at both ports as this host until the block ends; `suite` is where the suite itself listens."""
    filled = {
        "PORT_PLAIN": str(plain),
        "PORT_MTLS": str(mtls),
        "SUITE": suite,
        "CERTIFICATE": str(authority.issue_file(host)),
    }
    text = TEMPLATE.read_text()
    for name, value in filled.items():
        text = text.replace(name, value)
    file = folder / "nginx.conf"
    file.write_text(text)
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(file)])
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)
