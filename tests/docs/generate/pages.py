"""The generated parts of the reference pages: `make references` writes them, and a test compares.

A page marks the place of each: `<!-- generated: NAME -->` and `<!-- end -->`. What is around them is written by hand.
A name with a colon gives the part an argument: `settings:Email`.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.docs.generate import (
    command_line,
    doctor,
    emails,
    endpoints,
    metrics,
    oauth_errors,
    operations,
    problems,
    roles,
    scopes,
    settings,
    tokens,
)
from tests.docs.generate.markdown import DOCS

GENERATED = re.compile(r"(?<=<!-- generated: )([\w: -]+?)( -->\n).*?(?=<!-- end -->)", re.DOTALL)

PARTS: dict[str, Callable[[], str]] = {
    "commands": command_line.commands,
    "doctor-examinations": doctor.examinations,
    "doctor-findings": doctor.findings,
    "doctor-probes": doctor.probes,
    "protocol-endpoints": endpoints.protocol_endpoints,
    "page-endpoints": endpoints.page_endpoints,
    "scopes": scopes.scopes,
    "claims": scopes.claims,
    "admin-operations": operations.admin_operations,
    "account-operations": operations.account_operations,
    "admin-objects": operations.admin_objects,
    "account-objects": operations.account_objects,
    "admin-problems": operations.admin_problems,
    "account-problems": operations.account_problems,
    "metrics": metrics.metrics,
    "emails": emails.emails,
    "oauth-codes": oauth_errors.oauth_codes,
    "oauth-endpoints": oauth_errors.oauth_endpoints,
    "api-problems": problems.api_problems,
    "error-pages": problems.error_pages,
    "roles": roles.permissions,
    **settings.parts(),
    **tokens.parts(),
}
"""What computes each part, by its name in the pages."""


def pages() -> Iterator[tuple[Path, str]]:
    """Yield each page that has generated parts, and its text with them as the code has them now."""
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text("utf-8")
        if GENERATED.search(text):
            yield path, GENERATED.sub(lambda part: f"{part[1]}{part[2]}\n{PARTS[part[1]]()}\n", text)
