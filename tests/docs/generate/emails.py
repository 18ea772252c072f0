"""The emails: when each is sent, and its subject."""

import re

from provider.config.settings import Settings
from provider.languages.catalogs import ENGLISH
from provider.mail.rendering import FOLDER
from provider.mail.samples import NAMES
from tests.docs.generate.markdown import table
from tests.support.emails import rendered


def emails() -> str:
    """List the emails: the comment at the top of a template says when it is sent."""
    settings = Settings(brand="Acme")
    rows = [(f"`{name}`", _sent_when(name), rendered(settings, ENGLISH, name).subject) for name in NAMES]
    return table(("email", "sent", "subject"), rows)


def _sent_when(name: str) -> str:
    comment = re.match(r"\{# Sent (.*?) #\}", (FOLDER / f"{name}.jinja").read_text("utf-8"), re.DOTALL)
    assert comment is not None, f"{name}.jinja begins with no comment that says when it is sent"
    return comment[1][:1].upper() + comment[1][1:]
