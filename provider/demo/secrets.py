"""The demo's passwords and client secrets, generated once per folder and kept there. Each start shows the same."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from provider.crypto.digests import new_opaque, new_recovery_code

EMAIL = "ada@example.com"
OPERATOR = "operator@example.com"
"""The email address of the operator, whose password is that of the demo user."""
WEB_APP_ID = "quill"
SINGLE_PAGE_APP_ID = "quill-pocket"
DEVICE_ID = "quill-tv"
SERVICE_ID = "quill-reports"


@dataclass(frozen=True)
class Secrets:
    password: str
    web_app_secret: str
    service_secret: str


def read_secrets(folder: Path) -> Secrets:
    """Return the secrets of this folder; generate them if there are none."""
    path = folder / "demo.json"
    try:
        return Secrets(**json.loads(path.read_text()))
    except FileNotFoundError:
        made = Secrets(new_recovery_code()[:14], new_opaque(), new_opaque())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(made), file)
    return made
