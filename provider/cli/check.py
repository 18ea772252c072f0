"""The command `signet check`: find problems with the configuration, with --deploy also those that matter only in
production.
"""

import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from provider.cli.output import Json, plain_text, print_json


def check(
    *,
    deploy: Annotated[
        bool, typer.Option("--deploy", help="Judge it as one for production, and ask Redis and the mail server.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Check the configuration for problems, and say how to fix each. Exits with 1 if one is dangerous.

    Without --deploy, any settings are accepted if the issuer is a loopback address.

    Example: signet check --deploy
    """
    from provider.cli.system_checks import look_around
    from provider.config.environment import SettingsError, load_settings
    from provider.config.production_checks import Finding, find_problems
    from provider.config.service_variables import service_variables
    from provider.observability.logging import configure_logging

    configure_logging("error")
    try:
        settings = load_settings()
    except SettingsError as error:
        found = [Finding("settings", True, str(error), "`signet serve` does not start like this")]
    else:
        found = find_problems(settings) if deploy or not settings.loopback else []
        found += look_around(settings, deploy=deploy)
    if ignored := service_variables(os.environ):
        problem = f"{', '.join(ignored)} are ignored: Kubernetes or Docker set them for a service named signet"
        found.append(Finding("environment", False, problem, "set `enableServiceLinks: false`, or leave it as it is"))
    found.sort(key=lambda finding: not finding.dangerous)
    dangerous = sum(finding.dangerous for finding in found)
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            mark = "DANGER " if finding.dangerous else "warning"
            sys.stdout.write(plain_text(f"{mark} {finding.about}: {finding.problem}.") + "\n")
            sys.stdout.write(plain_text(f"        {finding.fix}.") + "\n")
        sys.stdout.write(f"{dangerous} dangerous, {len(found) - dangerous} to think about.\n" if found else "Fit.\n")
    return int(dangerous > 0)
