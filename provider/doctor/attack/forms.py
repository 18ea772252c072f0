"""The forms of a page, read without running any script."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

CHOSEN = frozenset({"checkbox", "radio"})


@dataclass
class Form:
    """A form: where it goes, what is in it, and its buttons."""

    action: str
    method: str
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    """The type, name and value of each field."""
    buttons: list[tuple[str, str]] = field(default_factory=list)
    """The name and value of each button that submits the form."""

    def find(self, kind: str) -> str | None:
        """Return the name of the first field of this type."""
        return next((name for each, name, _ in self.fields if each == kind and name), None)

    def values(self) -> dict[str, str]:
        """Return what is sent if nothing is typed."""
        return {name: value for _, name, value in self.fields if name}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None and tag in {"input", "button"}:
            self._add(self._open, tag, given)

    def _add(self, form: Form, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text")
        if kind == "submit":
            form.buttons.append((given.get("name", ""), given.get("value", "")))
        elif kind not in CHOSEN or "checked" in given:
            form.fields.append((kind, given.get("name", ""), given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def read_forms(html: bytes) -> list[Form]:
    """Return the forms of a page, in their order."""
    reader = _Reader()
    reader.feed(html.decode("utf-8", "replace"))
    return reader.forms
