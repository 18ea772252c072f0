"""The examinations of `signet doctor`, and everything that it can find."""

from itertools import groupby

from provider.doctor import run
from provider.doctor.attack.probe import PROBES
from provider.doctor.examination import TITLES, Group
from provider.doctor.findings import KINDS, Kind
from provider.doctor.registry import EXAMINATIONS, choose
from tests.docs.generate.markdown import as_code, links, table

NEEDS = {
    "URL": "the URL",
    "INSTALLATION": "settings and key",
    "DATABASE": "the database",
    "REQUEST": "an option",
    "PROBES": "`--probes`",
}
OTHER = "doctor"
"""The beginning of the ids of findings about the doctor itself."""


def examinations() -> str:
    """Return a table of what is done, in the order of the report."""
    rows = (
        [f"`{each.group}`", each.name, as_code(each.does), NEEDS[each.needs.name], f"{each.seconds:g} s"]
        for each in choose(())
    )
    return table(["group", "examination", "what it does", "needs", "at most"], rows)


def probes() -> str:
    """Return a table of the attacks, in their order."""
    rows = ([probe.name, as_code(probe.tries), as_code(probe.must)] for probe in PROBES)
    return table(["attack", "what is tried", "what must happen"], rows)


def findings() -> str:
    """Return a table for each group with what can be found, and what to do about it."""
    assert EXAMINATIONS  # importing them defines the kinds,
    assert run.NO_ANSWER  # and importing what runs them those about the doctor itself
    order = [*Group, OTHER]
    kinds = sorted(KINDS.values(), key=lambda kind: (order.index(_group(kind)), kind.id))
    parts = []
    for group, found in groupby(kinds, _group):
        title = "The doctor itself" if group == OTHER else TITLES[Group(group)]
        rows = [
            [f"`{kind.id}`", kind.severity, as_code(kind.why), _fix(kind.fix), links(kind.section)] for kind in found
        ]
        parts.append(f"### {title}\n\n{table(['finding', 'severity', 'why it matters', 'fix', 'read on'], rows)}")
    return "\n".join(parts)


def _group(kind: Kind) -> str:
    return kind.id.partition(".")[0]


def _fix(text: str) -> str:
    """Return a fix with its names marked as code, unless it has marks of its own."""
    return text if "`" in text else as_code(text)
