"""Edits that overtake each other are refused: who changes a thing says which state of it they looked at."""

import json
from typing import Any

from provider.crypto.digests import digest
from provider.languages.text import Text
from provider.refusals import Refusal


class ChangedMeanwhile(Refusal):
    """RFC 9110 section 13.1.1."""

    status_code = 412
    title = Text("Changed meanwhile")
    message = Text("Somebody else changed this meanwhile. Look at it again, and then change it.")


def version_of(shown: Any) -> str:
    """Of what was shown, as JSON has it: another state has another version. Good as an entity tag."""
    return digest(json.dumps(shown, sort_keys=True, default=str, ensure_ascii=False)).hex()[:32]


def require_version(seen: str, shown: Any) -> None:
    """Is what is there now what was seen? Ask in the transaction of the change, with its row locked. Raises
    ChangedMeanwhile.
    """
    if seen != version_of(shown):
        raise ChangedMeanwhile
