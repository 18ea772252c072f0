"""The doctor in the worker: nightly, or when an operator requests it in the console. The last result is stored."""

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from provider.config.secrets import URLS, is_secret
from provider.config.settings import Settings
from provider.observability.logging import log
from provider.operators import doctor_runs
from provider.work import Installation, unit_of_work

EVERY = 5.0
"""How often a worker looks whether a run is due, in seconds."""
MASK = "***"
LOOKS_AT_STOP = 0.25
"""How often a run looks whether its process stops, in seconds."""


def run_due(installation: Installation, stopped: Callable[[], bool]) -> bool:
    """Examine the installation and store the result, if a run is due. Returns whether it did.

    If the process stops meanwhile, the run is given back, and another process does it.
    """
    with unit_of_work(installation) as work:
        claim = doctor_runs.claim(work)
    if claim is None:
        return False
    reports: list[dict[str, Any]] = []
    examining = threading.Thread(
        target=lambda: reports.append(examine_installation(installation)), name="doctor", daemon=True
    )
    examining.start()
    while examining.is_alive() and not stopped():
        examining.join(LOOKS_AT_STOP)
    if examining.is_alive():
        with unit_of_work(installation) as work:
            doctor_runs.release(work, claim)
        return False
    if not reports:  # the thread ended with an error; the claim ends by itself, and the page says so
        log.error("doctor.run_failed")
        return False
    report = without_secrets(reports[0], installation.settings)
    with unit_of_work(installation) as work:
        stored = doctor_runs.finish(work, claim, report=report, problems=report["counts"]["problem"])
    log.info("doctor.run_finished", result=report["result"], problems=report["counts"]["problem"])
    return stored


def examine_installation(installation: Installation) -> dict[str, Any]:
    """Run the examinations that only look, and return their report, problems first in each group."""
    from provider.doctor.examination import TITLES, Case, Group  # noqa: PLC0415  # most processes never examine
    from provider.doctor.registry import choose  # noqa: PLC0415
    from provider.doctor.report import as_value  # noqa: PLC0415
    from provider.doctor.resolver import SystemResolver  # noqa: PLC0415
    from provider.doctor.run import examine  # noqa: PLC0415
    from provider.doctor.transport import NetworkTransport  # noqa: PLC0415

    settings = installation.settings
    authorities = None if settings.outbound_ca is None else str(settings.outbound_ca)
    case = Case(
        url=settings.issuer.rstrip("/"),
        transport=NetworkTransport(authorities),
        resolver=SystemResolver(),
        installation=installation,
    )
    chosen = choose([group for group in Group if group is not Group.ATTACK])
    value = as_value(case.url, examine(case, chosen))
    titles = {str(group): title for group, title in TITLES.items()}
    found = [{**finding, "title": titles[finding["group"]]} for finding in value["findings"]]
    return {**value, "findings": in_order(found), "host": socket.gethostname()[:255]}


def in_order(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return findings with the worst first, so that what is cut is in order."""
    worst_first = ("problem", "unknown", "warning", "ok")
    return sorted(findings, key=lambda finding: worst_first.index(finding["severity"]))


def without_secrets(value: Any, settings: Settings) -> Any:
    """Return a copy of a JSON value in whose texts no secret of the settings is readable."""
    secrets = sorted(_secrets(settings), key=len, reverse=True)

    def mask(part: Any) -> Any:
        if isinstance(part, str):
            for secret in secrets:
                part = part.replace(secret, MASK)
            return str(part)
        if isinstance(part, Mapping):
            return {name: mask(each) for name, each in part.items()}
        return [mask(each) for each in part] if isinstance(part, list | tuple) else part

    return mask(value)


def _secrets(settings: Settings) -> set[str]:
    """Return the secrets of the settings, and the passwords in their URLs."""
    found = set()
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value is None:
            continue
        if is_secret(name, field):
            found.add(value.get_secret_value() if hasattr(value, "get_secret_value") else str(value))
        elif name in URLS:
            password = urlsplit(str(value)).password or ""
            found |= {password, unquote(password)}
    return {secret for secret in found if secret}


TASKS: Mapping[Callable[[Installation, Callable[[], bool]], object], float] = {run_due: EVERY}
"""The task of a worker, with its interval in seconds."""
