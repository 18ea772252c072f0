"""How much a run tries where trying more finds more: examples of properties, rounds of races, steps of walks.

`make test` stays small and, so that it answers the same each time, draws the same examples each time. `make test-all`
sets THOROUGH=1, draws others in every run, and tries several times as many. No property has a deadline: how long an
example takes depends on what else the machine does.
"""

import os
from typing import TypeVar

from hypothesis import HealthCheck, settings

THOROUGH = os.environ.get("THOROUGH") == "1"
# Fixtures of a test are shared by its examples, and a property in a class runs once per database, each in an object of
# its own. Each property here takes that into account.
EVERY = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.differing_executors],
    database=None,
)
settings.register_profile("quick", EVERY, max_examples=25, derandomize=True)
settings.register_profile("thorough", EVERY, max_examples=150)
settings.load_profile("thorough" if THOROUGH else "quick")


SCRIPTS = [True, False] if THOROUGH else [True]
"""Whether JavaScript is on in a journey at a real browser. `tests/walks` visits every page without it in each run."""


def named_scripts(scripts: object) -> str:
    """Return the name of such a parameter in the id of a test."""
    return "scripts" if scripts else "no scripts"


Effort = TypeVar("Effort")


def effort(quick: Effort, thorough: Effort) -> Effort:
    """Return what this run does: how many rounds, kills or walks, or of which sizes."""
    return thorough if THOROUGH else quick
