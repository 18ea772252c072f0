"""No text that people read has a word that docs/development/voice.md bans."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from itertools import chain
from typing import Any

from babel.messages.pofile import read_po

from provider.cli.run import command_line
from tests.docs.generate.pages import GENERATED
from tests.support.server_process import REPOSITORY

VOICE = REPOSITORY / "docs/development/voice.md"
EXCEPTIONS = {
    r"(?:capital|lower-case|Latin|Cyrillic|combining) letters?": "the letters of an alphabet",
    r"letters? (?:and digits|or digits?|like é|of (?:an|the) alphabet)": "the letters of an alphabet",
    r"letters, digits": "the letters of an alphabet",
    r"\d+ letters": "the letters of a code",
    r"stands? for": "what an abbreviation means",
}
"""Phrases that may be written, and the reason."""
FENCED, CODE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL), re.compile(r"`[^`\n]*`")
MARKUP = re.compile(r"\{#.*?#\}|<(?:script|style).*?</(?:script|style)>|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", re.DOTALL)
ADJACENT = re.compile(r'"\s*\n\s*[rf]?"')
"""Between two parts of one text of the code, each on a line of its own."""
DOCSTRING = re.compile(r'^ *r?""".*?"""$', re.MULTILINE | re.DOTALL)
SPOKEN = re.compile(r'\b(?:title|alt|placeholder|aria-label)="([^"]*)"')


@cache
def banned() -> re.Pattern[str]:
    """Return what finds any word in the first column of the table, as a whole word of a text in small letters.

    Ignoring case instead takes four times as long.
    """
    table = VOICE.read_text("utf-8").partition("\n## Banned words\n")[2]
    words = [word for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for word in CODE.findall(row)]
    either = "|".join(re.escape(word.strip("`").lower()).replace(r"\ ", r"\s+") for word in words)
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])")


def found_in(text: str) -> list[str]:
    for exception in EXCEPTIONS:
        text = re.sub(exception, "", text)
    found = banned().finditer(text.lower())
    return [" ".join(text[max(0, at.start() - 30) : at.end() + 30].split()) for at in found]


# What people read, by the place it is written.


def catalog() -> Iterator[tuple[str, str]]:
    """Yield the English of pages, emails and the console. Every catalog has the same (`tests/languages`)."""
    with (REPOSITORY / "provider/languages/de.po").open("rb") as file:
        for message in read_po(file):
            texts = message.id if isinstance(message.id, list | tuple) else [message.id]
            yield from (("provider/languages", text) for text in texts)


def python() -> Iterator[tuple[str, str]]:
    """Yield each text of two words or more in the code. Docstrings are for its readers."""
    for folder in ("provider", "clients"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            code = path.read_text("utf-8")
            if not banned().search(_with_quotes(code).lower()):
                continue  # parsing it would take longer
            tree = ast.parse(code)
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
            for text in (node.value for node in constants if id(node) not in docstrings):
                if isinstance(text, str) and " " in text:
                    yield path.relative_to(REPOSITORY).as_posix(), text


def _with_quotes(code: str) -> str:
    """Return the lines of the code that may have a text, adjacent parts of one text joined."""
    rest = DOCSTRING.sub("", ADJACENT.sub("", code))
    if '"""' in rest:
        return rest
    return "\n".join(line for line in rest.splitlines() if '"' in line or "'" in line)


def commands(command: Any, name: str = "signet") -> Iterator[tuple[str, str]]:
    """Yield the help of a command, of its options and of the commands below it."""
    for text in (command.help, command.epilog, *(getattr(option, "help", None) for option in command.params)):
        yield name, CODE.sub("", text or "")
    for below in getattr(command, "commands", ()):
        yield from commands(command.commands[below], f"{name} {below}")


def openapi() -> Iterator[tuple[str, str]]:
    for path in sorted((REPOSITORY / "docs").rglob("*-api.json")):
        yield from ((path.name, text) for text in _described(json.loads(path.read_text("utf-8"))))


def _described(part: Any) -> Iterator[str]:
    for name, value in part.items() if isinstance(part, dict) else enumerate(part if isinstance(part, list) else ()):
        if name in {"summary", "description"} and isinstance(value, str):
            yield CODE.sub("", value)
        else:
            yield from _described(value)


def html() -> Iterator[tuple[str, str]]:
    """Yield the pages that are not translated: those of the demo and the sample apps."""
    for path in sorted([*(REPOSITORY / "templates/demo").rglob("*.html"), *(REPOSITORY / "clients").rglob("*.html")]):
        text = path.read_text("utf-8")
        yield (
            path.relative_to(REPOSITORY).as_posix(),
            unescape(" ".join([MARKUP.sub(" ", text), *SPOKEN.findall(text)])),
        )


def documents() -> Iterator[tuple[str, str]]:
    for path in sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]):
        if path != VOICE:
            by_hand = GENERATED.sub("", path.read_text("utf-8"))  # the sources of the rest are searched above
            text = CODE.sub("", FENCED.sub("", by_hand))
            yield path.relative_to(REPOSITORY).as_posix(), text


def test_nothing_people_read_has_a_banned_word() -> None:
    everything = chain(catalog(), python(), commands(command_line()), openapi(), html(), documents())
    wrong = [f"{place}: ... {each} ..." for place, text in everything for each in found_in(text)]
    assert not wrong, f"{VOICE.name} says what to write instead:\n" + "\n".join(wrong)


def test_banned_words_are_found_and_exceptions_are_not() -> None:
    assert found_in("We sent a Letter to you. Two\nat  once. The capital letters.") == [
        "We sent a Letter to you. Two at once. The .",
        "We sent a Letter to you. Two at once. The .",
    ]
    assert found_in("a letterbox, letter-like, 3 letters and digits, it stands for Time-based") == []
