"""A browser without pixels: follows redirects, keeps cookies, finds forms by what a person reads on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2
from starlette.applications import Starlette
from starlette.testclient import TestClient

REDIRECTS = {301, 302, 303, 307, 308}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Field:
    name: str
    value: str
    kind: str
    labels: list[str] = field(default_factory=list)
    id: str | None = None
    checked: bool = False


@dataclass
class Form:
    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[Field] = field(default_factory=list)

    def find(self, key: str) -> Field | None:
        """A field by its label or its name."""
        named = [each for each in self.fields if each.name == key or any(key in label for label in each.labels)]
        return named[0] if named else None

    def values(self) -> list[tuple[str, str]]:
        sent = [each for each in self.fields if each.kind not in {"checkbox", "radio"} or each.checked]
        return [(each.name, each.value) for each in sent if each.name]


class Page(HTMLParser):
    """What came back, read as a person would. Usually HTML; anything else has no forms."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.response = response
        self.status = response.status_code
        self.url = str(response.url)
        self.path = urlsplit(self.url).path
        self.html = response.text
        self.title = ""
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._words: list[str] = []
        self._open: list[tuple[str, dict[str, str | None], int]] = []
        self._labels: dict[str, str] = {}
        if "html" in response.headers.get("content-type", ""):
            self.feed(self.html)
            self.close()
        self._attach_labels()

    @property
    def text(self) -> str:
        """All the words on the page, one space apart."""
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.forms.append(Form(attributes.get("action") or self.url, (attributes.get("method") or "get").lower()))
        if (
            tag in {"input", "select", "textarea", "button"}
            and self.forms
            and any(t == "form" for t, _, _ in self._open)
        ):
            self._add_field(tag, attributes)
        if tag not in _VOID:
            self._open.append((tag, attributes, len(self._words)))

    def _add_field(self, tag: str, attributes: dict[str, str | None]) -> None:
        kind = attributes.get("type") or ("submit" if tag == "button" else "text")
        one = Field(
            name=attributes.get("name") or "",
            value=attributes.get("value") or ("on" if kind in {"checkbox", "radio"} else ""),
            kind=kind,
            id=attributes.get("id"),
            checked="checked" in attributes,
        )
        if kind in {"submit", "image"}:
            one.labels = [one.value] if tag == "input" else []
            self.forms[-1].buttons.append(one)
        else:
            self.forms[-1].fields.append(one)

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            opened, attributes, start = self._open.pop()
            words = " ".join(" ".join(self._words[start:]).split())
            if opened == "title":
                self.title = words
            elif opened == "a" and attributes.get("href"):
                self.links[words] = attributes["href"] or ""
            elif opened == "label" and attributes.get("for"):
                self._labels[attributes["for"] or ""] = words
            elif opened == "button" and self.forms and self.forms[-1].buttons:
                self.forms[-1].buttons[-1].labels = [words]
            if opened == tag:
                return

    def handle_data(self, data: str) -> None:
        if not any(tag in {"script", "style"} for tag, _, _ in self._open):
            self._words.append(data)

    def _attach_labels(self) -> None:
        for form in self.forms:
            for one in form.fields:
                if one.id in self._labels:
                    one.labels.append(self._labels[one.id])

    def form(self, *fields: str, button: str | None = None, action: str | None = None) -> Form:
        """The form with these fields (by label or name), this button (by its words) and this action."""
        for form in self.forms:
            has_button = button is None or any(button in label for each in form.buttons for label in each.labels)
            if has_button and action in {None, form.action} and all(form.find(name) for name in fields):
                return form
        raise AssertionError(f"no form with {fields}, button {button!r}, action {action!r} on {self}")

    def __str__(self) -> str:
        return f"{self.status} {self.url}: {self.text[:1500]}"


class Browser:
    """One person's browser. Stops at the first URL of another site, which is then `page.url` with status 0."""

    def __init__(self, app: Starlette, issuer: str) -> None:
        self.client = TestClient(app, base_url=issuer, follow_redirects=False, client=("127.0.0.1", 50000))
        self.issuer = issuer
        self.page: Page | None = None
        self.left_to: str | None = None
        """The URL of another site that the last request was redirected to."""

    @property
    def cookies(self) -> httpx2.Cookies:
        return self.client.cookies

    def open(self, url: str, **headers: str) -> Page:
        """Type a URL (or press a link in a letter)."""
        return self._send("GET", url, headers={"sec-fetch-site": "none", **headers})

    def follow(self, link: str) -> Page:
        """Press the link that reads `link`."""
        assert self.page is not None
        found = [target for words, target in self.page.links.items() if link in words]
        assert found, f"no link {link!r} on {self.page}; there are {list(self.page.links)}"
        return self._send("GET", urljoin(self.page.url, found[0]), headers={"sec-fetch-site": "same-origin"})

    def submit(
        self,
        values: Mapping[str, str] | None = None,
        *,
        button: str | None = None,
        action: str | None = None,
    ) -> Page:
        """Fill in the form that has these fields (label or name -> value) and press `button` (or its first one)."""
        assert self.page is not None
        values = values or {}
        form = self.page.form(*values, button=button, action=action)
        for key, value in values.items():
            one = form.find(key)
            assert one is not None
            one.value, one.checked = value, True
        pressed = next(
            (each for each in form.buttons if button is None or any(button in label for label in each.labels)), None
        )
        data = form.values() + ([(pressed.name, pressed.value)] if pressed is not None and pressed.name else [])
        # Our pages send no referrer, so a browser writes `Origin: null` for their own forms.
        headers = {"sec-fetch-site": "same-origin", "origin": "null"}
        target = urljoin(self.page.url, form.action)
        if form.method == "get":
            return self._send("GET", target, headers=headers, params=dict(data))
        body = urlencode(data).encode()
        headers["content-type"] = "application/x-www-form-urlencoded"
        return self._send("POST", target, headers=headers, content=body)

    def _send(self, method: str, url: str, *, headers: dict[str, str], **options: Any) -> Page:
        headers = {"accept": "text/html,*/*;q=0.8", "user-agent": "Mozilla/5.0 (test)", **headers}
        self.left_to = None
        response = self.client.request(method, url, headers=headers, **options)
        for _ in range(20):
            if response.status_code not in REDIRECTS:
                break
            target = urljoin(str(response.url), response.headers["location"])
            if not target.startswith(f"{self.issuer}/"):
                self.left_to = target
                break
            headers = {name: value for name, value in headers.items() if name not in {"content-type", "origin"}}
            response = self.client.get(target, headers=headers)
        else:
            raise AssertionError(f"too many redirects, last to {response.headers['location']}")
        self.page = Page(response)
        return self.page
