"""What an operator should look at, from the state of the installation and its settings. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from provider.config.production_checks import find_problems
from provider.config.settings import Settings
from provider.languages.text import Text
from provider.operators.overview.health import Health
from provider.outbox.topics import TITLES

SKEW = timedelta(seconds=10)
"""How far the clock of a machine may be from that of the database."""


@dataclass(frozen=True)
class Concern:
    """Something that needs attention, and where to look or what to run."""

    text: Text
    is_urgent: bool
    url: str | None = None
    command: str | None = None
    about: str = ""
    """The setting that the text is about."""
    fix: str = ""
    """What to do, in English, as `signet check` says it."""


def find_concerns(health: Health, settings: Settings) -> list[Concern]:
    """Return what needs attention, the urgent first. The production checks are left out on this machine alone, as in
    `signet check`.
    """
    found = [*_installation(health), *_jobs(health), *_keys(health), *_doctor(health)]
    if not settings.loopback:
        found += _settings(settings)
    return sorted(found, key=lambda concern: not concern.is_urgent)


def _installation(health: Health) -> Iterator[Concern]:
    if health.revision != health.needed_revision:
        text = Text(
            "The database is at revision %(revision)s, but this server needs %(needed)s.",
            revision=health.revision or "0",
            needed=health.needed_revision,
        )
        yield Concern(text, is_urgent=True, command="signet migrate")
    if health.redis is False:
        yield Concern(
            Text("Redis does not respond. Until it does, each server counts rate limits by itself."), is_urgent=True
        )
    if not health.has_worker:
        text = Text("No worker is running. Emails, logout notifications and webhooks are not delivered.")
        yield Concern(text, is_urgent=True, command="signet worker")
    if len(health.versions) > 1:
        versions = ", ".join(health.versions)
        yield Concern(Text("Servers run different versions: %(versions)s.", versions=versions), is_urgent=False)
    for host in sorted({process.host for process in health.processes if abs(process.seconds_behind) > SKEW.seconds}):
        yield Concern(
            Text("The clock of %(host)s differs from the database's. Synchronize both with NTP.", host=host),
            is_urgent=False,
        )


def _jobs(health: Health) -> Iterator[Concern]:
    if health.late_since is not None:
        yield Concern(
            Text("Delivery is delayed. Check that a worker is running and that the mail server can be reached."),
            is_urgent=True,
            url="/admin/outbox?state=due",
        )
    for topic, count in sorted(health.failed.items()):
        text = Text.counted(
            "%(topic)s: %(count)s job failed and will not be retried.",
            "%(topic)s: %(count)s jobs failed and will not be retried.",
            count=count,
            topic=TITLES.get(topic, topic),
        )
        yield Concern(text, is_urgent=True, url=f"/admin/outbox?state=failed&topic={topic}")


def _keys(health: Health) -> Iterator[Concern]:
    for key in health.keys:
        if key.is_late:
            text = Text("The %(alg)s key is overdue for rotation. Check that a worker is running.", alg=key.alg)
            yield Concern(text, is_urgent=False, url="/admin/keys")


def _doctor(health: Health) -> Iterator[Concern]:
    if health.doctor_problems:
        text = Text.counted(
            "The last diagnostics found %(count)s problem.",
            "The last diagnostics found %(count)s problems.",
            count=health.doctor_problems,
        )
        yield Concern(text, is_urgent=True, url="/admin/doctor")


def _settings(settings: Settings) -> Iterator[Concern]:
    for finding in find_problems(settings):
        yield Concern(
            Text(f"{finding.problem[:1].upper()}{finding.problem[1:]}."),
            is_urgent=finding.dangerous,
            url=f"/admin/settings#{finding.about}",
            about=finding.about,
            fix=f"{finding.fix}.",
        )
