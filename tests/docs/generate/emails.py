"""The emails: when each is sent, and its subject."""

from provider.config.settings import Settings
from provider.languages.catalogs import ENGLISH
from provider.mail.samples import NAMES, sent_when
from tests.docs.generate.markdown import table
from tests.support.emails import rendered


def emails() -> str:
    """List the emails: the comment at the top of a template says when it is sent."""
    settings = Settings(brand="Acme")
    rows = [(f"`{name}`", sent_when(name), rendered(settings, ENGLISH, name).subject) for name in NAMES]
    return table(("email", "sent", "subject"), rows)
