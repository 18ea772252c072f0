"""How the value of a setting is written, in plain words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Notation:
    """How values of a type are written, for the reference of the settings. It is in the metadata of the type."""

    words: str
