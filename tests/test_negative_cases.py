"""docs/development/negative-cases.md names each case once, and the test that tries it."""

import re

from tests.support.server_process import REPOSITORY

ROW = re.compile(r"^\| (N-\d+) \| .+ \| .+ \| `([\w/]+\.py)` (\w+) \|$", re.MULTILINE)
TEST = re.compile(r"^ *(?:async )?def (?:test_)?(\w+)\(", re.MULTILINE)
DOCSTRING = re.compile(r'^ *"""(N-\d+)\b', re.MULTILINE)


def test_the_table_names_each_case_and_its_test() -> None:
    rows = ROW.findall((REPOSITORY / "docs/development/negative-cases.md").read_text("utf-8"))
    assert [number for number, _, _ in rows] == [f"N-{count}" for count in range(1, len(rows) + 1)]
    named = {}
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        text = path.read_text("utf-8")
        for begin in DOCSTRING.finditer(text):
            assert begin[1] not in named, begin[1]
            *_, name = TEST.findall(text, 0, begin.start())
            named[begin[1]] = (path.relative_to(REPOSITORY / "tests").as_posix(), name)
    assert named == {number: (path, name) for number, path, name in rows}
