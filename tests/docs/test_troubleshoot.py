"""docs/operate/troubleshoot.md quotes messages as the product shows them, and has a line for each that stops the start.

A quotation is in "double quotes" in the text, or in backticks in the first column of a table whose heading is Message,
Error, Warning or Description. `...` stands for a part that varies.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.support.server_process import REPOSITORY

PAGE = (REPOSITORY / "docs/operate/troubleshoot.md").read_text("utf-8")
TABLES = ("Message", "Error", "Warning", "Description")
VARIES = "\0"
"""Stands for a value in a message of the code."""
AROUND = re.compile(f"({VARIES}: )?{VARIES}\\. ")
"""How a text begins that only adds something to a message."""
FINDINGS = (
    "provider/config/production_checks.py",
    "provider/doctor/system_checks.py",
    "provider/doctor/client_checks.py",
    "provider/cli/check.py",
)


def quoted(*headings: str) -> list[str]:
    """Return the quotations in the tables with these headings."""
    found = []
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        if table.split("|")[1].strip() in headings:
            found += re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    return found


def quoted_in_text() -> list[str]:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [each.strip(".") for each in re.findall(r'"([^"\n]+)"', text)]


def pattern(quotation: str) -> re.Pattern[str]:
    return re.compile(r'[^"\n]*'.join(re.escape(part) for part in quotation.split("...") if part))


@cache
def sources() -> dict[str, str]:
    paths = sorted((REPOSITORY / "provider").rglob("*.py"))
    return {path.relative_to(REPOSITORY).as_posix(): path.read_text("utf-8") for path in paths}


@cache
def product() -> str:
    """Return the texts of the code, each in one line and without its values, and those of the pages."""
    code = re.sub(r'"\n\s*f?"', "", "\n".join(sources().values()))
    catalog = (REPOSITORY / "provider/languages/de.po").read_text("utf-8")
    return re.sub(r"\{[^{}\n]*\}", VARIES, code) + "\n".join(re.findall(r'^msgid "(.*?)"$', catalog, re.MULTILINE))


def text_of(node: ast.AST) -> str | None:
    """Return the text of a string of the code, with VARIES for values; None for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else VARIES for part in node.values)
    return None


def messages(path: str, *calls: str, variable: str = "") -> Iterator[str]:
    """Yield the texts of a module that are given to these calls as the message, or assigned to `variable` for one."""
    for node in ast.walk(ast.parse(sources()[path])):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in calls:
            given = node.args[-2:-1] if len(node.args) > 1 else node.args  # the last of several is the fix
        elif variable and isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == variable:
            given = [node.value]
        for expression in given:
            text = text_of(expression)
            if text and not AROUND.match(text):
                yield text


def test_every_quoted_message_occurs_in_the_product() -> None:
    quotations = [*quoted(*TABLES), *quoted_in_text()]
    assert len(quotations) > 80
    gone = [each for each in quotations if not pattern(each).search(product())]
    assert gone == [], "the page quotes what the product does not say"


def test_every_message_that_stops_the_start_has_a_line() -> None:
    known = [pattern(each) for each in quoted("Message")]
    raising = [path for path, code in sources().items() if "SettingsError(" in code]
    raised = [text for path in raising for text in messages(path, "SettingsError")]
    assert len(raised) > 25
    assert [text for text in raised if not any(each.search(text) for each in known)] == []


def test_every_problem_that_signet_check_finds_has_a_line() -> None:
    known = [pattern(each) for each in quoted("Error", "Warning")]
    calls = ("danger", "warning", "kind", "Finding")
    found = [text for path in FINDINGS for text in messages(path, *calls, variable="problem")]
    assert len(found) > 30
    assert [text for text in found if not any(each.search(text) for each in known)] == []
