"""Reading a page's forms, without scripts, as `sign_in` needs them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Button:
    name: str
    value: str


@dataclass
class Form:
    """A form and what it would send: the values of its fields, and one button's."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)

    def button(self, value: str) -> Button | None:
        return next((button for button in self.buttons if button.value == value), None)


class Page(HTMLParser):
    """The forms, the title and the words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.title = ""
        self._words: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def form_with(self, *names: str) -> Form | None:
        """Return the form with these fields or buttons."""
        for form in self.forms:
            if all(name in form.fields or any(button.name == name for button in form.buttons) for name in names):
                return form
        return None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"script", "style", "title", "main"}:
            self._inside.append(tag)
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms and tag in {"input", "button"}:
            form, kind = self.forms[-1], given.get("type", "submit" if tag == "button" else "text")
            if kind == "submit":
                form.buttons.append(Button(given.get("name", ""), given.get("value", "")))
            elif kind not in {"checkbox", "radio"} or "checked" in given:
                form.fields[given.get("name", "")] = given.get("value", "on" if kind == "checkbox" else "")
                form.kinds[given.get("name", "")] = kind

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if "title" in self._inside:
            self.title += data
        elif "main" in self._inside and not {"script", "style"} & set(self._inside):
            self._words.append(data)
