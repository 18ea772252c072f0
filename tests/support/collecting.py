"""What makes the start of a run cheap: each worker imports every test and asks pytest for the fixtures of each.

A run with three workers does all of this three times. Like `speed.py` it changes nothing that a test sees.
"""

import gc
import multiprocessing
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion import rewrite
from _pytest.fixtures import FixtureManager
from pydantic._internal import _fields

TESTS = Path(__file__).parents[1]


ONLY_WITHOUT = re.compile(r"not \w+(?: and not \w+)*")
"""Expressions for -m that leave out what has one of these marks, whatever else it has."""


def pytest_configure(config: pytest.Config) -> None:
    """Change what collecting needs."""
    # The models of SCIM describe themselves by what follows their attributes: 10 ms for each class. No test reads it.
    _fields.extract_docstrings_from_cls = lambda *_given, **_options: {}  # type: ignore[attr-defined]
    _find_each_fixture_once()
    if config.getoption("numprocesses", None):
        compile_tests(config)
    else:
        gc.disable()  # what is imported stays


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from what exists by now, and let it run less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a module that is left out as a whole by its `pytestmark`."""
    expression = config.getoption("markexpr")
    if collection_path.suffix != ".py" or not ONLY_WITHOUT.fullmatch(expression):
        return None
    marks = re.search(r"^pytestmark = (.+)", collection_path.read_text("utf-8"), re.MULTILINE)
    without = {name for name in expression.split() if name not in {"not", "and"}}
    return True if marks and without & set(re.findall(r"mark\.(\w+)", marks[1])) else None


def _find_each_fixture_once() -> None:
    """Keep what a module or class sees under a name: pytest looks for it anew for every test in it."""
    find, add = FixtureManager.getfixturedefs, FixtureManager._register_fixture
    found: dict[tuple[str, Any], Any] = {}

    def find_once(self: FixtureManager, argname: str, node: Any) -> Any:
        if not isinstance(node, pytest.Function):
            return find(self, argname, node)
        key = (argname, node.parent)  # a function has no fixtures of its own
        if key not in found:
            found[key] = find(self, argname, node)
        return found[key]

    def forget_and_add(self: FixtureManager, *given: Any, **options: Any) -> Any:
        found.clear()
        return add(self, *given, **options)

    FixtureManager.getfixturedefs = find_once  # type: ignore[method-assign]
    FixtureManager._register_fixture = forget_and_add  # type: ignore[method-assign]


def compile_tests(config: pytest.Config) -> None:
    """Compile what changed since the last run, once and on all cores. Otherwise each worker would compile all of it."""
    names = config.getini("python_files")
    tests = [path for path in sorted(TESTS.rglob("*.py")) if any(path.match(name) for name in (*names, "conftest.py"))]
    stale = [path for path in tests if not _is_compiled(path)]
    parts = os.cpu_count() or 1
    if sys.dont_write_bytecode or len(stale) < 10 * parts:
        return
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=_compile, args=(config, stale[part::parts])) for part in range(parts)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def _compiled(path: Path) -> Path:
    return rewrite.get_cache_dir(path) / f"{path.stem}{rewrite.PYC_TAIL}"


def _is_compiled(path: Path) -> bool:
    """Whether it seems so. Whoever imports it compares more than times."""
    compiled = _compiled(path)
    return compiled.exists() and compiled.stat().st_mtime >= path.stat().st_mtime


def _compile(config: pytest.Config, paths: Sequence[Path]) -> None:
    for path in paths:
        of, code = rewrite._rewrite_test(path, config)
        rewrite.try_makedirs(_compiled(path).parent)
        rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, of, _compiled(path))
