"""Settings that people read: one line of free text, as in names."""

from typing import Annotated

from pydantic import AfterValidator

from provider.config.notation import Notation
from provider.languages.free_text import clean_line

LONGEST = 100


def _line(value: str) -> str:
    line = clean_line(value, most=LONGEST)
    if not line:
        raise ValueError("must not be empty")
    return line


Line = Annotated[str, AfterValidator(_line), Notation("one line of text")]
"""One line of at most 100 characters, without what `free_text` drops."""
