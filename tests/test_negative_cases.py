"""docs/development/negative-cases.md names each case once, and the test that tries it."""

import ast
import re

from tests.support.server_process import REPOSITORY

ROW = re.compile(r"^\| (N-\d+) \| .+ \| .+ \| `([\w/]+\.py)` (\w+) \|$", re.MULTILINE)


def test_the_table_names_each_case_and_its_test() -> None:
    rows = ROW.findall((REPOSITORY / "docs/development/negative-cases.md").read_text("utf-8"))
    assert [number for number, _, _ in rows] == [f"N-{count}" for count in range(1, len(rows) + 1)]
    named = {}
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if '"""N-' in text else ():
            if isinstance(node, ast.FunctionDef) and (found := re.match(r"N-\d+\b", ast.get_docstring(node) or "")):
                assert found[0] not in named, found[0]
                named[found[0]] = (path.relative_to(REPOSITORY / "tests").as_posix(), node.name.removeprefix("test_"))
    assert named == {number: (path, name) for number, path, name in rows}
