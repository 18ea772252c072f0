"""What makes a run with several workers cheap: each imports every test, asks pytest for its fixtures, and reports it.

Like `speed.py` it changes nothing that a test sees.
"""

import gc
import multiprocessing
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType
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
    if hasattr(config, "workerinput") and not _shows_more(config):
        _report_only_what_is_shown(config)


def _shows_more(config: pytest.Config) -> bool:
    return bool(config.option.verbose > 0 or config.option.durations or config.option.xmlpath)


def _report_only_what_is_shown(config: pytest.Config) -> None:
    """Send one of five messages about a test that passed: that its call did. The others are for -v and --durations."""
    worker: Any = next(each for each in config.pluginmanager.get_plugins() if type(each).__name__ == "WorkerInteractor")
    send = worker.sendevent

    def send_what_is_shown(name: str, **parts: Any) -> None:
        report = parts.get("data", {})
        is_set_up = name == "testreport" and report["when"] != "call" and report["outcome"] == "passed"
        if not is_set_up and name not in {"logstart", "logfinish"}:
            send(name, **parts)

    worker.sendevent = send_what_is_shown


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from what exists by now, and let it run less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    gc.enable()


def _left_out(config: pytest.Config) -> set[str]:
    """The marks whose tests -m leaves out. Empty if it says anything else."""
    expression: str = config.getoption("markexpr")
    return set(re.findall(r"not (\w+)", expression)) if ONLY_WITHOUT.fullmatch(expression) else set()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a module that is left out as a whole by its `pytestmark`."""
    if collection_path.suffix != ".py" or not (without := _left_out(config)):
        return None
    marks = re.search(r"^pytestmark = (.+)", collection_path.read_text("utf-8"), re.MULTILINE)
    return True if marks and without & set(re.findall(r"mark\.(\w+)", marks[1])) else None


def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> list[pytest.Item] | None:
    """Make no items of a function or class that is left out: a third of all, and each asks for its fixtures."""
    if not isinstance(obj, FunctionType | type):
        return None
    marks: list[pytest.Mark] = getattr(obj, "pytestmark", [])
    return [] if _left_out(collector.config).intersection(mark.name for mark in marks) else None


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
