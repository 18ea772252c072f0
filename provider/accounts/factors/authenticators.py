"""Names of authenticators by AAGUID, for the list of passkeys (WebAuthn Level 3 section 6.5.1).

All authenticators of one model have the same AAGUID. Without attestation it is not proven, so the name is a hint. The
data file names the community's list from which the pairs of AAGUID and name were taken, and when.
"""

import json
from functools import cache
from pathlib import Path


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))["names"]
    return names


def find_name(aaguid: str) -> str | None:
    """Return the name of the authenticators with this AAGUID, or None if it is unknown."""
    return _names().get(aaguid)
