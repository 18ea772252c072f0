"""Running examinations: side by side, bounded, and what the exit status says."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.exc import ProgrammingError

from provider.database.outages import DatabaseUnavailable
from provider.doctor.examination import TITLES, Case, Examination, Group, Needs
from provider.doctor.findings import KINDS, Finding, Severity, fine, problem
from provider.doctor.registry import EXAMINATIONS, choose
from provider.doctor.report import STATUS, as_lines, as_value, plan
from provider.doctor.run import SIDE_BY_SIDE, examine, worst
from provider.doctor.transport import Unreachable
from tests.support.doctor import FakeResolver, FakeTransport, respond
from tests.support.server_process import REPOSITORY


def case(**changes: Any) -> Case:
    given: dict[str, Any] = {
        "url": "https://id.example.com",
        "transport": FakeTransport(lambda *_: respond()),
        "resolver": FakeResolver(),
    }
    return Case(**{**given, **changes})


def examination(run: Any, **changes: Any) -> Examination:
    return Examination(**{"name": "x", "group": Group.TLS, "does": "Looks.", "run": run, **changes})


def raising(error: Exception) -> Any:
    def run(_: Case) -> Iterator[Finding]:
        yield fine("x", "It began.")
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (Unreachable("id.example.com", "the connection is refused"), "doctor.no-answer"),
        (DatabaseUnavailable("away"), "doctor.no-answer"),
        (ProgrammingError("SELECT", {}, Exception("no such table")), "doctor.no-answer"),
        (KeyError("surprise"), "doctor.failed"),
    ],
)
def test_what_does_not_answer_is_unknown_and_ends_nothing_else(error: Exception, name: str) -> None:
    fine_too = examination(lambda _: iter([fine("y", "Good.")]))
    first, second = examine(case(), [examination(raising(error)), fine_too])
    assert [each.id for each in first.findings] == ["x", name]
    assert first.findings[1].severity is Severity.UNKNOWN
    assert second.findings == (fine("y", "Good."),)
    assert STATUS[worst([first, second])] == 2


def test_an_examination_that_hangs_is_left_behind_and_takes_no_room_of_others() -> None:
    hold = threading.Event()

    def hang(_: Case) -> Iterator[Finding]:
        hold.wait(30)
        yield fine("x", "Late.")

    hanging = [examination(hang, seconds=0.05) for _ in range(2 * SIDE_BY_SIDE)]
    began = time.monotonic()
    *late, last = examine(case(), [*hanging, examination(lambda _: iter([fine("y", "Good.")]))])
    hold.set()
    assert time.monotonic() - began < 5
    assert {each.id for result in late for each in result.findings} == {"doctor.too-slow"}
    assert last.findings == (fine("y", "Good."),)


def test_the_same_outage_is_reported_once() -> None:
    error = Unreachable("id.example.com", "the connection is refused")
    results = examine(case(), [examination(raising(error)), examination(raising(error))])
    assert [len(each.findings) for each in results] == [2, 1]


def test_the_exit_status_names_the_worst() -> None:
    bad = KINDS["address.no-node"].found("It answers 502.")
    results = examine(case(), [examination(raising(OSError())), examination(lambda _: iter([bad]))])
    value = as_value("https://id.example.com", results)
    assert (value["result"], STATUS[worst(results)]) == ("problem", 1)
    assert value["counts"] == {"ok": 1, "warning": 0, "problem": 1, "unknown": 1}
    text = "\n".join(as_lines(results))
    assert "TLS\n  ok       It began.\n" in text
    assert f"  problem  It answers 502.\n           Why: {bad.why}\n           Fix: {bad.fix}\n" in text
    assert text.endswith("1 ok, 1 problem, 1 unknown.")
    assert (STATUS[worst([])], list(as_lines([]))) == (0, ["There was nothing to examine."])


def test_a_plan_does_nothing_and_has_only_what_can_be_done_from_here() -> None:
    def never(_: Case) -> Iterator[Finding]:
        raise AssertionError

    inside = examination(never, name="inside", needs=Needs.DATABASE)
    assert [each["examination"] for each in plan(case(), [examination(never), inside])] == ["x"]


def test_groups_are_chosen_and_in_order() -> None:
    assert {each.group for each in choose([Group.ADDRESS])} == {Group.ADDRESS}
    order = [list(Group).index(each.group) for each in choose([])]
    assert order == sorted(order)
    assert set(TITLES) == set(Group)
    names = [each.name for each in EXAMINATIONS]
    assert len(names) == len(set(names))


def test_every_kind_of_finding_is_complete_and_has_one_definition() -> None:
    for name, kind in KINDS.items():
        group, _, rest = name.partition(".")
        assert rest
        assert group in {*Group, "doctor"}, name
        assert all(text.endswith(".") for text in (kind.why, kind.fix)), name
        assert kind.section, name
    with pytest.raises(ValueError, match="already"):
        problem("address.no-node", why="x.", fix="x.", section="x")


def test_every_kind_of_finding_has_a_test() -> None:
    """Issue 19: break it, doctor names it."""
    texts = "".join(path.read_text("utf-8") for path in (REPOSITORY / "tests/doctor").glob("test_*.py"))
    assert [name for name in KINDS if f'"{name}' not in texts] == []
