"""Do two kinds of requests take the same time? Judged so that noise cannot say no and a leak cannot say yes.

Requests are interleaved in random order in one process, so that whatever else the machine does falls on all kinds
alike, and beside them is measured what would show: one check of a password, one letter. A kind differs when

- the Mann-Whitney test finds it unlikely (p <= 0.01) that both samples are of one distribution, and
- the median of the paired differences is more than a part of what would show (it is resistant to outliers, and on a
  loaded machine both grow together),

and does so each time that it is looked at again, with more pairs. By chance that happens less than once in a million
runs. The simpler rule, p > 0.01 and medians within 5 ms or 5 %, would fail one run in a hundred without a leak, and
more on a busy machine. A difference of less than half a letter is not seen by the clock.
"""

import random
from collections.abc import Callable, Mapping
from statistics import NormalDist, median
from time import perf_counter

PAIRS = (20, 100, 200)
"""At each look; the later ones only for kinds that seemed to differ."""
Act = Callable[[], object]


def differing(kinds: Mapping[str, Act], *, like: str, shows: Act, part: float, between: Act) -> dict[str, str]:
    """The kinds that take another time than `like`, with the figures. `shows` is work that must not show, `between` is
    done before each round, untimed.
    """
    suspects, found = set(kinds) - {like}, dict[str, str]()
    order = random.Random(20261125)
    for pairs in PAIRS:
        took: dict[str, list[float]] = {name: [] for name in (like, *sorted(suspects))}
        would_show: list[float] = []
        for _ in range(pairs):
            between()
            would_show.append(_time(shows))
            for name in order.sample(list(took), len(took)):
                took[name].append(_time(kinds[name]))
        found = {}
        for name in sorted(suspects):
            apart = median(one - other for one, other in zip(took[name], took[like], strict=True))
            p = mann_whitney(took[name], took[like])
            if p <= 0.01 and abs(apart) > part * median(would_show):
                found[name] = (
                    f"{1000 * median(took[name]):.2f} ms, {like} {1000 * median(took[like]):.2f} ms, apart "
                    f"{1000 * apart:.2f} ms, would show {1000 * median(would_show):.2f} ms, p {p:.2g}, {pairs} pairs"
                )
        suspects = set(found)
        if not suspects:
            break
    return found


def mann_whitney(some: list[float], others: list[float]) -> float:
    """The two-sided p of the U test, by its normal approximation, for samples without many ties."""
    pooled = sorted((value, group) for group, values in enumerate((some, others)) for value in values)
    ranks = sum(rank for rank, (_, group) in enumerate(pooled, start=1) if group == 0)
    n, m = len(some), len(others)
    u = ranks - n * (n + 1) / 2
    deviation = (n * m * (n + m + 1) / 12) ** 0.5
    return 2 * NormalDist().cdf(-abs(u - n * m / 2) / deviation)


def _time(act: Act) -> float:
    began = perf_counter()
    act()
    return perf_counter() - began
