"""Examinations of clocks: of this machine, of every node, and of the database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sqlalchemy import func, select

from provider import processes
from provider.doctor.echoes import ask_app
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem, warning
from provider.doctor.transport import Response, Unreachable
from provider.work import unit_of_work

SKEW, TOO_MUCH_SKEW = timedelta(seconds=10), timedelta(seconds=60)
"""How far clocks may differ without a word, and before it is a problem. Apps usually allow a minute."""
DEPLOY = "docs/operate/deploy.md"

SERVICE_SKEWED = problem(
    "clock.service-differs",
    why="Apps reject tokens that seem expired or not yet valid. Authenticator apps show other codes.",
    fix="Synchronize the clock of every node with NTP, and that of this machine.",
    section="RFC 7519 section 4.1.4; docs/operate/deploy.md",
)
A_LITTLE = warning(
    "clock.differs-a-little",
    why="Apps allow a minute at most. A clock that is not synchronized drifts on.",
    fix="Synchronize the clock of every node with NTP, and that of this machine.",
    section=DEPLOY,
)
DATABASE_SKEWED = problem(
    "clock.database-differs",
    why="Signet follows the clock of the database, so tokens and codes end earlier or later than they say.",
    fix="Synchronize the clock of the database server with NTP.",
    section=DEPLOY,
)
NODES_SKEWED = problem(
    "clock.nodes-differ",
    why="What one node issues is expired or not yet valid on another.",
    fix="Synchronize the clock of every node with NTP.",
    section="docs/operate/scale.md",
)


def _http_date(case: Case) -> Iterator[Finding]:
    asked = [("The service", case.ask("GET", "/health/live"))]
    for node in case.nodes:
        try:
            asked.append((node, case.transport.send("GET", f"{node}/health/live", headers={"Host": case.authority})))
        except Unreachable:
            continue
    for name, answer in asked:
        there = _date(answer)
        if there is None:
            continue
        apart = there - case.now()
        if abs(apart) <= SKEW:
            yield fine("clock.http-date", f"{name} has the time of this machine.")
        else:
            kind = SERVICE_SKEWED if abs(apart) > TOO_MUCH_SKEW else A_LITTLE
            yield kind.found(f"{name} is {_words(apart)} this machine, by its HTTP Date.")


def _date(answer: Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.header("date") or "").astimezone(UTC)
    except (TypeError, ValueError):
        return None


def _words(apart: timedelta) -> str:
    seconds = apart.total_seconds()
    return f"{abs(seconds):.0f} seconds {'ahead of' if seconds > 0 else 'behind'}"


def _app(case: Case) -> Iterator[Finding]:
    """Compare the clock that the app uses with ours: it follows the database's."""
    seen = ask_app(case).seen
    if seen is None:
        return
    apart = datetime.fromisoformat(str(seen["time"])) - case.now()
    if abs(apart) > SKEW:
        kind = SERVICE_SKEWED if abs(apart) > TOO_MUCH_SKEW else A_LITTLE
        yield kind.found(f"The time with which Signet issues tokens is {_words(apart)} this machine.")
    else:
        yield fine("clock.app", "Signet issues tokens with the time of this machine.")


def _database(case: Case) -> Iterator[Finding]:
    with unit_of_work(case.inside) as work:
        there = None if case.inside.database.is_sqlite else work.read.scalar(select(func.clock_timestamp()))
        now = case.now()
        running = processes.find_seen(work.read, since=work.now - processes.RUNNING_WITHIN)
    if isinstance(there, datetime):
        apart = there - now
        if abs(apart) > SKEW:
            kind = DATABASE_SKEWED if abs(apart) > TOO_MUCH_SKEW else A_LITTLE
            yield kind.found(f"The database is {_words(apart)} this machine.")
        else:
            yield fine("clock.database", "The database has the time of this machine.")
    for process in running:
        if abs(process.seconds_behind) > SKEW.total_seconds():
            apart = timedelta(seconds=-process.seconds_behind)
            kind = NODES_SKEWED if abs(apart) > TOO_MUCH_SKEW else A_LITTLE
            yield kind.found(f"{process.host} is {_words(apart)} the database.")


CLOCK = (
    Examination("http-date", Group.CLOCK, "Reads the HTTP Date of the service and of each node.", _http_date),
    Examination("app-clock", Group.CLOCK, "Asks Signet for its time.", _app, Needs.INSTALLATION),
    Examination(
        "database-clock", Group.CLOCK, "Asks the database for its time, and for those of the nodes.", _database,
        Needs.DATABASE,
    ),
)  # fmt: skip
