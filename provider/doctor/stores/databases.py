"""The examination of the database, whichever it is."""

from collections.abc import Iterator

from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding
from provider.doctor.stores import operation, postgresql, sqlite


def _database(case: Case) -> Iterator[Finding]:
    yield from (sqlite if case.inside.database.is_sqlite else postgresql).examine(case)


def _operation(case: Case) -> Iterator[Finding]:
    if not case.inside.database.is_sqlite:
        yield from operation.examine(case)


DATABASES = (
    Examination(
        "database",
        Group.DATABASE,
        "Reads the settings and the state of the database.",
        _database,
        Needs.DATABASE,
        seconds=20.0,
    ),
    Examination(
        "operation",
        Group.DATABASE,
        "Reads rights, indexes, standbys and logs of PostgreSQL, and how long a query takes.",
        _operation,
        Needs.DATABASE,
        seconds=20.0,
    ),
)
