"""What an examination found, and the kinds of findings that exist: each with a reason, a fix and where to read on."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and could be better or will soon break."""
    PROBLEM = "problem"
    """It is wrong now."""
    UNKNOWN = "unknown"
    """It could not be examined: something did not answer. This is never a verdict."""


@dataclass(frozen=True)
class Finding:
    """One result of an examination."""

    id: str
    """The stable name of what was found, such as `tls.expired`."""
    severity: Severity
    what: str
    """What was seen, with the values, as a sentence."""
    why: str = ""
    """Why it matters, as a sentence."""
    fix: str = ""
    """What to do, as a sentence."""
    section: str = ""
    """The page of the documentation, or the section of a specification."""


@dataclass(frozen=True)
class Kind:
    """A kind of finding: everything about it except what was seen this time."""

    id: str
    severity: Severity
    why: str
    fix: str
    section: str

    def found(self, what: str, *, severity: Severity | None = None) -> Finding:
        """Return a finding of this kind. `what` is a sentence with the values that were seen."""
        return Finding(self.id, severity or self.severity, what, self.why, self.fix, self.section)


KINDS: dict[str, Kind] = {}
"""Every kind of finding by its id, as the modules of examinations define them."""


def problem(name: str, *, why: str, fix: str, section: str) -> Kind:
    """Define a kind of finding that is a problem. Raises ValueError if there is one of this name already."""
    return _define(Kind(name, Severity.PROBLEM, why, fix, section))


def warning(name: str, *, why: str, fix: str, section: str) -> Kind:
    """Define a kind of finding that is a warning. Raises ValueError if there is one of this name already."""
    return _define(Kind(name, Severity.WARNING, why, fix, section))


def unknown(name: str, *, why: str, fix: str, section: str) -> Kind:
    """Define a kind of finding for what could not be examined. Raises ValueError if there is one of this name."""
    return _define(Kind(name, Severity.UNKNOWN, why, fix, section))


def fine(name: str, what: str) -> Finding:
    """Return the finding that something is in order, with what was seen."""
    return Finding(name, Severity.OK, what)


def _define(kind: Kind) -> Kind:
    if kind.id in KINDS:
        raise ValueError(f"there is a finding {kind.id} already")
    KINDS[kind.id] = kind
    return kind
