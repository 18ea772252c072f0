"""Bidirectional isolation: text that people typed does not change the order of the text around it (UAX #9).

In HTML it is an element with `dir="auto"` (`templates.isolated`). Where there are no elements, as in titles,
attributes, plain-text emails and subjects, it is a pair of direction isolates.
"""

import unicodedata

from provider.languages.free_text import without_stray_controls

_LEFT_TO_RIGHT = {"L", "EN", "ES", "ET", "CS", "NSM", "BN", "B", "S", "WS", "ON"}


def isolate(text: object, direction: str = "ltr") -> str:
    """Return the text in direction isolates (U+2068, U+2069), if it could change the order of the text around it.

    `direction` is that of the text around it. Text that is all from left to right changes nothing in such a one.
    """
    line = without_stray_controls(str(text))
    is_plain = all(unicodedata.bidirectional(character) in _LEFT_TO_RIGHT for character in line)
    return line if not line or (is_plain and direction == "ltr") else f"\u2068{line}\u2069"
