"""The examination of the database, whichever it is."""

from collections.abc import Iterator

from provider.doctor import postgresql, sqlite
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding


def _database(case: Case) -> Iterator[Finding]:
    yield from (sqlite if case.inside.database.is_sqlite else postgresql).examine(case)


DATABASES = (
    Examination(
        "database",
        Group.DATABASE,
        "Reads the settings and the state of the database.",
        _database,
        Needs.DATABASE,
        seconds=20.0,
    ),
)
