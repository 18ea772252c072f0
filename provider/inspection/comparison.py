"""The differences between two inspected values, such as two tokens of one user."""

from dataclasses import dataclass

from provider.inspection.findings import Inspection


@dataclass(frozen=True)
class Difference:
    """One fact of two values. "" where one has none."""

    part: str
    name: str
    first: str
    second: str

    @property
    def is_same(self) -> bool:
        return self.first == self.second


def compare(first: Inspection, second: Inspection) -> list[Difference]:
    """Return the facts of both, those that differ first. Facts are the same if part and name are."""
    kind = Difference("", "kind", first.kind, second.kind)
    left, right = _named(first), _named(second)
    rows = [kind, *(Difference(*key, left.get(key, ""), right.get(key, "")) for key in {**left, **right})]
    return sorted(rows, key=lambda row: row.is_same)


def _named(found: Inspection) -> dict[tuple[str, str], str]:
    return {(part.title, fact.name): fact.value for part in found.parts for fact in part.facts}
