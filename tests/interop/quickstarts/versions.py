"""The versions of what a page had installed: in the page, and in the table of docs/development/testing.md."""

import json
import re
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

from tests.interop.quickstarts.page import Page
from tests.support.server_process import REPOSITORY

TABLE = REPOSITORY / "docs/development/testing.md"
TESTED = re.compile(r"^Tested with .*$", re.MULTILINE)
"""The line of a page that `record` writes."""
START, END = "<!-- the last run: start -->\n", "<!-- the last run: end -->"
TOOLS = {"pip": "python3 --version", "npm": "node --version", "go": "go version", "mvn": "java --version"}
"""By the command that installs: what says the version of the language."""


def versions(page: Page, folder: Path) -> list[str]:
    """Return "Flask 3.1.3" and so on: what the page names in its commands, and the language."""
    commands = "\n".join(block.text for block in page.steps if block.file is None)
    found = [f"Signet {version('signet-provider')}"]
    found += [
        f"{_name(package)} {installed}"
        for installer, lookup in (
            ("pip install", _pip),
            ("npm install", _npm),
            ("go get", _go),
            ("apt-get install", _apt),
        )
        for arguments in re.findall(rf"{installer} (.+)", commands)
        for package in _packages(arguments)
        if (installed := lookup(folder, package))
    ]
    if "pom.xml" in page.files:
        found += ["Spring Boot " + re.findall(r"<version>(.+)</version>", page.files["pom.xml"])[0]]
    for tool, question in TOOLS.items():
        if re.search(rf"^\s*{tool} ", commands, re.MULTILINE):
            first = _said(folder, question).partition("\n")[0]
            name = {"npm": "Node.js", "mvn": "Java"}.get(tool, first.split()[0].capitalize())
            found.append(f"{name} {re.findall(r'[0-9][0-9.]+', first)[0]}")
    return list(dict.fromkeys(found))


def _packages(arguments: str) -> list[str]:
    """Return what follows `pip install`, without options and extras."""
    plain = re.sub(r"[\"']|\[.*?\]", "", arguments)
    return [word for word in plain.split() if re.match(r"[@\w]", word)]


def _name(package: str) -> str:
    """Return go-oidc for github.com/coreos/go-oidc/v3/oidc."""
    host, *path = package.split("/")
    return path[1] if "." in host else package


def _said(folder: Path, command: str) -> str:
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False).stdout


def _pip(folder: Path, package: str) -> str:
    return "".join(re.findall(r"^Version: (.+)$", _said(folder, f".venv/bin/pip show {package}"), re.MULTILINE))


def _npm(folder: Path, package: str) -> str:
    file = folder / "node_modules" / package / "package.json"
    return json.loads(file.read_text())["version"] if file.exists() else ""


def _go(folder: Path, package: str) -> str:
    return _said(folder, f"go list -f '{{{{.Module.Version}}}}' {package}").strip().removeprefix("v")


def _apt(folder: Path, package: str) -> str:
    return _said(folder, f"dpkg-query -W -f '${{Version}}' {package}")


def record(page: Page, found: list[str], *, today: date, seconds: float) -> None:
    """Write the versions into the page, and its row into the table; the rows of others stay."""
    day = f"{today:%-d %B %Y}"
    tested = f"Tested with {', '.join(found[:-1])} and {found[-1]} on {day}."
    text, written = TESTED.subn(tested, page.text, count=1)
    if not written:
        title, audience, rest = page.text.split("\n\n", 2)
        text = f"{title}\n\n{audience}\n\n{tested}\n\n{rest}"
    page.path.write_text(text, "utf-8")
    before, _, rest = TABLE.read_text("utf-8").partition(START)
    table, _, after = rest.partition(END)
    link = f"../{page.name}.md"
    row = f"| [{page.title}]({link}) | {day} | {seconds:.0f} | {', '.join(found)} |"
    rows = [line for line in table.splitlines() if line.startswith("| [") and f"]({link})" not in line]
    head = ["", "| quickstart | last run | seconds | with |", "| --- | --- | --- | --- |"]
    text = "\n".join([*head, *sorted([*rows, row]), "", ""])
    TABLE.write_text(f"{before}{START}{text}{END}{after}", "utf-8")
