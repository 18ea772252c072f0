"""The settings in effect, in groups: search, values that were changed, and where each was set. Secrets are masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from starlette.responses import Response

from provider import __version__
from provider.accounts.roles.permissions import Permission
from provider.admin.filters import typed_text
from provider.admin.guards import require_operator
from provider.config.settings_in_force import Shown, Source, settings_in_force
from provider.languages.text import Text
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

SOURCES = {
    Source.DEFAULT: Text("default"),
    Source.ENVIRONMENT: Text("environment variable"),
    Source.FILE: Text("file"),
    Source.CONSOLE: Text("branding page"),
    Source.COMMAND: Text("command that started the server"),
}


@dataclass(frozen=True)
class Group:
    """A section of the settings, as in their reference."""

    title: str
    settings: Sequence[Shown]
    found: frozenset[str]
    """The names of those that match the search. The others are hidden."""

    @property
    def id(self) -> str:
        return "-".join(self.title.lower().split())


@endpoint
def show_settings(call: Call) -> Response:
    """Show the settings: GET /admin/settings?q=&changed=. They are read from the environment when the server starts.

    `q` are words to search for, and `changed` leaves out defaults.
    """
    require_operator(call, Permission.SETTINGS_READ)
    words, changed_only = typed_text(call, "q"), bool(call.query.text("changed"))
    groups = []
    for title, members in groupby(settings_in_force(call.settings), key=lambda setting: setting.group):
        settings = list(members)
        found = (each.name for each in settings if is_wanted(each, words, changed_only=changed_only))
        groups.append(Group(title, settings, frozenset(found)))
    return page(
        call,
        "admin/settings.html",
        groups=groups,
        count=sum(len(group.found) for group in groups),
        total=sum(len(group.settings) for group in groups),
        asked=words,
        changed_only=changed_only,
        sources=SOURCES,
        version=__version__,
    )


def is_wanted(setting: Shown, words: str, *, changed_only: bool) -> bool:
    """Return whether each of the words is in the name, value, group or description of the setting."""
    if changed_only and setting.is_default:
        return False
    value = "" if setting.is_secret else setting.value or ""
    text = f"{setting.name} {setting.group} {setting.about} {value}".lower()
    return all(word in text for word in words.lower().split())
