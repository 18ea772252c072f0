"""The command `signet check`: find problems with the configuration, with --deploy also those that matter only in
production.
"""

import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from provider.cli.output import Json, counted, plain_text, print_json


def check(
    *,
    deploy: Annotated[
        bool,
        typer.Option(
            "--deploy", help="Apply production checks, and test the connections to Redis and the mail server."
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Check the configuration for problems. Each problem comes with its fix. Exits with 1 if there is an error.

    Without --deploy, the production checks are skipped if the issuer is a loopback address.

    Example: signet check --deploy
    """
    from provider.config.environment import SettingsError, load_settings
    from provider.config.production_checks import Finding, find_problems
    from provider.config.service_variables import service_variables
    from provider.doctor.system_checks import NOT_STARTING, find_system_problems
    from provider.observability.logging import configure_logging

    configure_logging("error")
    try:
        settings = load_settings()
    except SettingsError as error:
        found = [Finding("settings", True, str(error), NOT_STARTING)]
    else:
        found = find_problems(settings) if deploy or not settings.loopback else []
        found += find_system_problems(settings, deploy=deploy)
    if ignored := service_variables(os.environ):
        problem = f"ignored {', '.join(ignored)}, which Kubernetes or Docker set for a service named signet"
        found.append(
            Finding("environment", False, problem, "To hide this warning, set `enableServiceLinks: false` in the pod")
        )
    found.sort(key=lambda finding: not finding.dangerous)
    dangerous = sum(finding.dangerous for finding in found)
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            mark = "error  " if finding.dangerous else "warning"
            sys.stdout.write(plain_text(f"{mark} {finding.about}: {finding.problem}.") + "\n")
            sys.stdout.write(plain_text(f"        {finding.fix}.") + "\n")
        sys.stdout.write(
            f"{counted(dangerous, 'error')}, {counted(len(found) - dangerous, 'warning')}.\n"
            if found
            else "No problems found.\n"
        )
    return int(dangerous > 0)
