"""Every reference in code, tests and documents resolves inside this repository.

Each test fails with the complete list of what does not resolve, and the file it is in.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.server_process import REPOSITORY

FOLDERS = ("provider", "tests", "docs", "templates", "clients", "benchmarks", "migrations", "deploy")
FILES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
    *("Makefile", "pyproject.toml", "Dockerfile", "docker-compose.yml"),
)
SUFFIXES = {".py", ".md", ".html", ".txt", ".css", ".js", ".mjs", ".sh", ".toml", ".conf", ".service"}
INSTALLED = {"node_modules", "__pycache__", "assets"}

ENTRIES = {
    "A": ("docs/explanation/threats.md", r"^- \*\*(A-\d+)\*\* "),
    "F": ("docs/explanation/threats.md", r"^\| \*\*(F-\d+)\*\* "),
    "R": ("docs/explanation/threats.md", r"^- \*\*(R-\d+)\*\* "),
    "N": ("docs/development/negative-cases.md", r"^\| (N-\d+) \|"),
}
"""By the letter of a reference: the document that has the entries, and how one begins."""
DECISION = re.compile(r"^### (\d+)\. (.+)$", re.MULTILINE)
PROVIDER_MODULE = re.compile(r"\bprovider(?:\.[a-z_]\w*)+")
PATH = re.compile(r"(?<![\w./-])(?:provider|tests)/[\w/.-]*\w")
BASES = ("", "provider", "provider/oauth", "tests", "tests/oauth", "clients")
"""Folders that the documents leave out of a path. A bare name may be that of any file or folder."""
BLOCK = re.compile(r'(^[ \t]*r?)?"""(.*?)"""', re.MULTILINE | re.DOTALL)
"""Text between three quotes, and whether a line begins with it, as with a docstring. To parse a thousand files takes
thirty times as long.
"""
FILE_IN_A_DOCUMENT = re.compile(r"`((?:[\w.-]+/)*[\w.-]+(?:\.(?:py|html)|/))`")


@cache
def texts() -> dict[str, str]:
    """Return the content of every text file of the repository, by its path from the root."""
    paths = [REPOSITORY / name for name in FILES]
    for folder in FOLDERS:
        paths += [path for path in (REPOSITORY / folder).rglob("*") if path.suffix in SUFFIXES]
    wanted = (path for path in paths if not INSTALLED & set(path.parts))
    return {path.relative_to(REPOSITORY).as_posix(): path.read_text("utf-8") for path in sorted(wanted)}


def prose(pattern: re.Pattern[str]) -> dict[str, str]:
    """Return the documents, and the docstrings and comments of the code, of the files in which the pattern is found."""
    found = {path: text for path, text in texts().items() if pattern.search(text)}
    return {path: _prose_of(text) if path.endswith(".py") else text for path, text in found.items()}


def _prose_of(code: str) -> str:
    docstrings = [found[2] for found in BLOCK.finditer(code) if found[1] is not None]
    return "\n".join([*docstrings, *re.findall(r"(?:^|\s)(# .*)$", code, re.MULTILINE)])


def documents() -> dict[str, str]:
    return {path: text for path, text in texts().items() if path.endswith(".md")}


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def anchors(document: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)}


@pytest.mark.slow
def test_every_attack_failure_and_negative_case_that_is_cited_has_one_entry() -> None:
    wrong = []
    for letter, (document, pattern) in ENTRIES.items():
        entries = re.findall(pattern, texts()[document], re.MULTILINE)
        wrong += [f"{document}: {entry} is there twice" for entry in sorted(set(entries)) if entries.count(entry) > 1]
        cited = re.compile(rf"(?<![\w-]){letter}-\d+\b")
        wrong += [f"{path}: {each}" for path, each in found_in(prose(cited), cited) if each not in entries]
    assert not wrong, "\n".join(wrong)


def test_every_attack_has_a_test_that_names_it() -> None:
    attacks = re.findall(ENTRIES["A"][1], texts()["docs/explanation/threats.md"], re.MULTILINE)
    name = re.compile(r"\bA-\d+\b")
    named = {each for path, each in found_in(prose(name), name) if path.startswith("tests/")}
    untested = [attack for attack in attacks if attack not in named]
    assert not untested, untested


def test_decisions_are_numbered_without_gaps_and_the_index_lists_them_in_their_groups() -> None:
    index, _, body = texts()["docs/development/decisions.md"].partition("## Index\n")[2].partition("\n## ")
    headings = DECISION.findall(body)
    assert sorted(int(number) for number, _ in headings) == list(range(1, len(headings) + 1))
    listed = [line for line in index.splitlines() if line]
    expected = []
    for line in f"## {body}".splitlines():
        if line.startswith("## "):
            expected.append(f"**{line[3:]}**")
        elif line.startswith("### "):
            expected.append(f"- [{line[4:]}](#{anchor(line[4:])})")
    assert listed == expected


def test_every_decision_that_is_cited_exists() -> None:
    numbers = {number for number, _ in DECISION.findall(texts()["docs/development/decisions.md"])}
    cited = re.compile(r"\b[Dd]ecisions?\s+(?:#\s+)?(D?\d+(?:(?:,| and| to)\s+\d+)*)")
    wrong = [
        f"{path}: decision {each}"
        for path, several in found_in(prose(cited), cited)
        for each in re.findall(r"D?\d+", several)
        if each not in numbers
    ]
    assert not wrong, "\n".join(wrong)


def test_every_document_that_is_named_is_in_the_repository() -> None:
    named = re.compile(r"(?<![\w/.-])(?!https?:)[\w./-]+\.md\b")
    wrong = []
    for path, each in found_in({path: without_urls(text) for path, text in texts().items()}, named):
        near = (REPOSITORY / path).parent / each if path.endswith(".md") else REPOSITORY / each
        if not near.exists() and not (REPOSITORY / each).exists():
            wrong.append(f"{path}: {each}")
    assert not wrong, "\n".join(wrong)


def test_every_link_of_a_document_leads_to_a_file_and_a_heading() -> None:
    wrong = []
    link = re.compile(r"(?<!`)\[[^\]]*(?:\[[^\]]*\][^\]]*)*\]\(([^)\s]+)\)")
    for path, target in found_in({path: without_code(text) for path, text in documents().items()}, link):
        if re.match(r"\w+:", target):
            continue
        name, _, wanted = target.partition("#")
        file = (REPOSITORY / path).parent / name if name else REPOSITORY / path
        if not file.exists() or (wanted and wanted not in anchors(file.resolve())):
            wrong.append(f"{path}: {target}")
    assert not wrong, "\n".join(wrong)


def test_every_path_and_module_that_is_named_exists() -> None:
    paths, modules = (
        {path: text for path, text in prose(pattern).items() if path.endswith((".py", ".md"))}
        for pattern in (PATH, PROVIDER_MODULE)
    )
    wrong = [f"{path}: {each}" for path, each in found_in(paths, PATH) if not (REPOSITORY / each).exists()]
    wrong += [f"{path}: {each}" for path, each in found_in(modules, PROVIDER_MODULE) if not is_importable(each)]
    names = {name for path in texts() for name in path.split("/")}
    for path, each in found_in(documents(), FILE_IN_A_DOCUMENT):
        is_known = each.rstrip("/") in names or any((REPOSITORY / base / each).exists() for base in BASES)
        wrong += [] if is_known else [f"{path}: {each}"]
    assert not wrong, "\n".join(wrong)


@cache
def is_importable(dotted: str) -> bool:
    """Return whether this is a module of the provider, or a name used in one."""
    place, rest = REPOSITORY, dotted.split(".")
    while rest and (place / rest[0]).is_dir():
        place /= rest.pop(0)
    module = place / f"{rest[0]}.py" if rest and (place / f"{rest[0]}.py").exists() else place / "__init__.py"
    names = rest[1:] if module.name != "__init__.py" else rest
    text = module.read_text("utf-8") if names else ""
    return all(re.search(rf"\b{name}\b", text) for name in names)


def found_in(where: dict[str, str], pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield each path with what the pattern finds in its text, once each."""
    for path, text in where.items():
        for each in dict.fromkeys(pattern.findall(text)):
            yield path, each


def without_urls(text: str) -> str:
    return re.sub(r"https?://\S+", "", text)


def without_code(text: str) -> str:
    """Return Markdown without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
