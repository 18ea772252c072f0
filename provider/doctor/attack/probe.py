"""What a probe is, and the list of all."""

from collections.abc import Callable
from dataclasses import dataclass

from provider.doctor.attack.world import World
from provider.doctor.findings import Kind, problem

REPORT = (
    "Check whether a proxy changes requests or responses. If not, report it as a vulnerability in Signet (SECURITY.md)."
)
PROXY = "Remove the rule of the proxy that does this. If there is none, report it as a vulnerability in Signet."

Attempt = Callable[[World], str | None]
"""Tries one attack. Returns what went wrong as a sentence, or None. Raises Unclear, Unreachable."""


@dataclass(frozen=True)
class Probe:
    """One attack: what is tried, and what must happen."""

    kind: Kind
    tries: str
    must: str
    run: Attempt

    @property
    def name(self) -> str:
        return self.kind.id.partition(".")[2]


PROBES: list[Probe] = []
"""Every probe, in the order in which they run."""


def probe(
    name: str, *, tries: str, must: str, why: str, section: str, fix: str = REPORT
) -> Callable[[Attempt], Attempt]:
    """Add a function to the probes."""

    def add(run: Attempt) -> Attempt:
        PROBES.append(Probe(problem(f"attack.{name}", why=why, fix=fix, section=section), tries, must, run))
        return run

    return add
