"""Bidirectional isolation: text that people typed does not change the order of the text around it (UAX #9).

In HTML it is an element with `dir="auto"`. Where there are no elements, as in titles, attributes, plain-text emails and
subjects, it is a pair of direction isolates.
"""

import unicodedata

from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from provider.languages.free_text import without_stray_controls

_LEFT_TO_RIGHT = {"L", "EN", "ES", "ET", "CS", "NSM", "BN", "B", "S", "WS", "ON"}


def isolate(text: object) -> str:
    """Return the text in direction isolates (U+2068, U+2069), unless all of it is written from left to right.

    All our languages are, so then nothing can change its order.
    """
    line = without_stray_controls(str(text))
    if all(unicodedata.bidirectional(character) in _LEFT_TO_RIGHT for character in line):
        return line
    return f"\u2068{line}\u2069"


@pass_eval_context
def isolated(context: EvalContext, text: object) -> str:
    """Return the text for the content of a template: in an element with `dir="auto"` in HTML, else like `isolate`."""
    if not context.autoescape:
        return isolate(text)
    return Markup('<span dir="auto">{}</span>').format(without_stray_controls(str(text)))
