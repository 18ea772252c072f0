"""Protection against conflicting edits: a change names the version it is based on; outdated ones are rejected."""

import json
from typing import Any

from provider.crypto.digests import digest
from provider.languages.text import Text
from provider.refusals import Refusal


class ChangedMeanwhile(Refusal):
    """A change based on an outdated version (RFC 9110 section 13.1.1)."""

    code = "changed-meanwhile"
    status_code = 412
    title = Text("Changed by someone else")
    message = Text(
        "Someone else has changed this since you opened it. Check the current version, then make your change again."
    )


def version_of(shown: Any) -> str:
    """Return the version of a value that can be written as JSON: a digest of 32 hexadecimal digits that can be used as
    an entity tag.
    """
    return digest(json.dumps(shown, sort_keys=True, default=str, ensure_ascii=False)).hex()[:32]


def require_version(seen: str, shown: Any) -> None:
    """Check that the current value still has the version `seen`. Call it in the transaction of the change, with the row
    locked. Raises ChangedMeanwhile.
    """
    if seen != version_of(shown):
        raise ChangedMeanwhile
