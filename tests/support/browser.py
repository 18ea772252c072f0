"""A browser without pixels: follows redirects, keeps cookies, finds forms by what a person reads on them."""

import re
from collections import Counter
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2
from lxml import etree
from starlette.applications import Starlette
from starlette.testclient import TestClient

REDIRECTS = {301, 302, 303, 307, 308}
SIGNED_IN = ("/account", "/admin")
"""How the paths of pages begin that change nothing when they are opened."""
_READ_AT_END = {"title", "h1", "a", "label", "textarea", "button"}
_FIELDS = {"input", "select", "textarea", "button"}
_CODE = re.compile(r"`[^`]+`")
_RAW = {"script", "style", "pre", "code", "textarea"}
"""Elements whose text is not prose. Names that users typed are in a `span` with a direction, and are not either."""
_NAME = "span with a direction"


def _kind(tag: str, attributes: Mapping[str, str]) -> str:
    return _NAME if tag == "span" and "dir" in attributes else tag


def resolve(base: str, reference: str) -> str:
    """The URL that a reference leads to from an http(s) page, by the rules browsers follow (URL Standard section 4.4).

    Unlike in RFC 3986, a backslash before the query is a slash, two or more of them begin a host, and tabs and line
    breaks count for nothing.
    """
    plain = re.sub(r"[\t\n\r]", "", reference.strip("".join(map(chr, range(0x21)))))
    before_query = re.split("[?#]", plain, maxsplit=1)[0]
    slashed = re.sub("^//+", "//", before_query.replace("\\", "/"))
    return urljoin(base, slashed + plain[len(before_query) :])


def attributes_of(html: str) -> str:
    """The values of all attributes of a page: what a browser may follow, load or send. Text only tells a person."""
    page = etree.HTML(html)
    return "\n".join(page.xpath("//@*")) if page is not None else ""


@dataclass
class Field:
    name: str
    value: str
    kind: str
    labels: list[str] = field(default_factory=list)
    id: str | None = None
    checked: bool = False
    readonly: bool = False
    autocomplete: str = ""


@dataclass
class Form:
    action: str
    method: str
    is_hidden: bool = False
    """Whether only a script shows it: a person without scripts cannot use it."""
    fields: list[Field] = field(default_factory=list)
    buttons: list[Field] = field(default_factory=list)

    def find(self, key: str) -> Field | None:
        """A field by its label or its name."""
        named = [each for each in self.fields if each.name == key or any(key in label for label in each.labels)]
        return named[0] if named else None

    def values(self) -> list[tuple[str, str]]:
        sent = [each for each in self.fields if each.kind not in {"checkbox", "radio"} or each.checked]
        return [(each.name, each.value) for each in sent if each.name]


@dataclass(frozen=True)
class Link:
    words: str
    target: str


@dataclass(frozen=True)
class Press:
    """A form, and which of its buttons."""

    form: Form
    button: Field


class Reader:
    """Reads a page: its headings, forms, links and words. libxml2 parses it and calls `start`, `data` and `end`."""

    def __init__(self, url: str, html: str) -> None:
        self.url = url
        self.title = ""
        self.heading = ""
        self.forms: list[Form] = []
        """The forms of the page. Those of the navigation come last."""
        self.links: dict[str, str] = {}
        self.pressable: dict[str, list[Link | Press]] = {"main": [], "nav": []}
        self.words: list[str] = []
        self.raw_code: list[str] = []
        """Sentences that show code between backticks, instead of in an element (macros/prose.html)."""
        self._is_joined = False
        self._open: list[tuple[str, Mapping[str, str], int]] = []
        self._around: Counter[str] = Counter()
        """How many elements of each tag are open, those with names apart: looked up for each of hundreds of options."""
        self._labels: dict[str, str] = {}
        self._in_nav: list[Form] = []
        self._text = ""
        if html:
            etree.HTML(html, etree.HTMLParser(target=self))
        self.forms = [form for form in self.forms if form not in self._in_nav] + self._in_nav
        self._attach_labels()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._text:
            self._add_text()
        # A name stands in an element of its own, within words that go on.
        is_name = tag == "span" and "dir" in attributes and len(self.words) > self._open[-1][2]
        self._is_joined = is_name or tag == "wbr"
        if tag == "form":
            method = (attributes.get("method") or "get").lower()
            self.forms.append(Form(attributes.get("action") or self.url, method, is_hidden="hidden" in attributes))
            if self._around["nav"]:
                self._in_nav.append(self.forms[-1])
        if tag in _FIELDS and self.forms and self._around["form"]:
            self._add_field(tag, attributes)
        if tag == "option" and self.forms and self.forms[-1].fields and self._around["select"]:
            chosen = self.forms[-1].fields[-1]
            if "selected" in attributes or not chosen.checked:  # the first one, until one says that it is chosen
                chosen.value, chosen.checked = attributes.get("value") or "", True
        self._open.append((tag, attributes, len(self.words)))
        self._around[_kind(tag, attributes)] += 1

    def _add_field(self, tag: str, attributes: Mapping[str, str]) -> None:
        kind = attributes.get("type") or ("submit" if tag == "button" else "text")
        one = Field(
            name=attributes.get("name") or "",
            value=attributes.get("value") or ("on" if kind in {"checkbox", "radio"} else ""),
            kind=kind,
            id=attributes.get("id"),
            checked="checked" in attributes,
            readonly="readonly" in attributes,
            autocomplete=attributes.get("autocomplete") or "",
        )
        if kind in {"submit", "image"}:
            one.labels = [one.value] if tag == "input" else []
            self.forms[-1].buttons.append(one)
            if not self.forms[-1].is_hidden:
                self._add_way(Press(self.forms[-1], one))
        else:
            self.forms[-1].fields.append(one)

    def end(self, tag: str) -> None:
        if self._text:
            self._add_text()
        while self._open:
            opened, attributes, start = self._open.pop()
            self._around[_kind(opened, attributes)] -= 1
            if opened in _READ_AT_END:
                self._take(opened, attributes, start)
            if opened == tag:
                self._is_joined = tag == "wbr" or (tag == "span" and "dir" in attributes)
                return

    def _take(self, opened: str, attributes: Mapping[str, str], start: int) -> None:
        words = " ".join(" ".join(self.words[start:]).split())
        if opened == "title":
            self.title = words
        elif opened == "h1":
            self.heading = words
        elif opened == "a" and attributes.get("href"):
            self.links[words] = target = attributes["href"]
            if not target.startswith("#"):
                self._add_way(Link(words, target))
        elif opened == "label" and attributes.get("for"):
            self._labels[attributes["for"]] = words
        elif opened == "textarea" and self.forms and self.forms[-1].fields:
            self.forms[-1].fields[-1].value = "".join(self.words[start:]).removeprefix("\n")
        elif opened == "button" and self.forms and self.forms[-1].buttons:
            self.forms[-1].buttons[-1].labels = [words]

    def _add_way(self, way: Link | Press) -> None:
        for part in self.pressable:
            if self._around[part]:
                self.pressable[part].append(way)

    def data(self, text: str) -> None:
        self._text += text

    def close(self) -> None:
        self._add_text()

    def _add_text(self) -> None:
        """All text between two tags at once: the parser hands out what stands before and after an entity separately."""
        text, self._text = self._text, ""
        if not text:
            return
        if "`" in text and _CODE.search(text) and not any(self._around[kind] for kind in (*_RAW, _NAME)):
            self.raw_code.append(text)
        if self._is_joined and self.words:
            self.words[-1] += text
        elif not self._around["script"] and not self._around["style"]:
            self.words.append(text)
        self._is_joined = False

    def _attach_labels(self) -> None:
        for form in self.forms:
            for one in form.fields:
                if one.id in self._labels:
                    one.labels.append(self._labels[one.id])


class Page:
    """What came back, read as a person would. Usually HTML; anything else has no forms."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.status = response.status_code
        assert self.status != 429 or int(response.headers["retry-after"]) > 0, response.url  # RFC 6585 section 4
        self.url = str(response.url)
        self.path = urlsplit(self.url).path
        self.html = response.text
        assert "`" not in self.html or not self._read.raw_code, f"{self.url} shows backticks: {self._read.raw_code}"
        if "error-summary-title" in self.html:
            _, _, after = self.html.partition("error-summary-title")
            led_to = set(re.findall(r'href="#([^"]+)"', after.partition("</ul>")[0]))
            nowhere = {name for name in led_to if f' id="{name}"' not in self.html}
            assert not nowhere, f"{self.url} has errors that lead to nothing: {nowhere}"  # WCAG 2.2 criterion 3.3.1

    @cached_property
    def _read(self) -> "Reader":
        """What stands on the page. Read when somebody looks: most tests look at few of the pages they pass."""
        is_page = "html" in self.response.headers.get("content-type", "")
        return Reader(self.url, self.html if is_page else "")

    @property
    def title(self) -> str:
        return self._read.title

    @property
    def heading(self) -> str:
        return self._read.heading

    @property
    def forms(self) -> list[Form]:
        return self._read.forms

    @property
    def links(self) -> dict[str, str]:
        return self._read.links

    @property
    def ways(self) -> list[Link | Press]:
        """What a person can press in the main part, from top to bottom, then in the navigation."""
        return [*self._read.pressable["main"], *self._read.pressable["nav"]]

    @property
    def text(self) -> str:
        """All the words on the page, one space apart."""
        return " ".join(" ".join(self._read.words).split())

    def form(self, *fields: str, button: str | None = None, action: str | None = None) -> Form:
        """The form with these fields (by label or name), this button (by its words) and this action."""
        for form in self.forms:
            has_button = button is None or any(button in label for each in form.buttons for label in each.labels)
            if has_button and action in {None, form.action} and all(form.find(name) for name in fields):
                return form
        raise AssertionError(f"no form with {fields}, button {button!r}, action {action!r} on {self}")

    def __str__(self) -> str:
        return f"{self.status} {self.url}: {self.text[:1500]}"


class PageToCome(Page):
    """The page of the account or the console that a form led to, requested when somebody looks at it.

    Most tests never look. The home page of the account takes longer than the sign-in that leads to it.
    """

    def __init__(self, browser: "Browser", target: str) -> None:
        self._browser, self._target = browser, target

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there yet: what `Page` sets."""
        assert self._browser.page is self, f"look at {self._target} before the browser requests another page"
        self._browser.history.pop()
        self.__dict__.update(self._browser.open(self._target, **{"sec-fetch-site": "same-origin"}).__dict__)
        self._browser.page = self
        return getattr(self, name)


@dataclass(frozen=True)
class Visit:
    """What a browser asks again on Back and Reload: our pages may not be stored."""

    method: str
    url: str
    body: bytes = b""


class Browser:
    """One person's browser. Stops at the first URL of another site, which is then `left_to`."""

    app: Starlette | None = None
    """Signet, if nothing is between it and the browser: then what no test looks at is left out. See `PageToCome`."""

    def __init__(self, app: Starlette, issuer: str) -> None:
        self.app = app if isinstance(app, Starlette) else None
        self.client = TestClient(app, base_url=issuer, follow_redirects=False, client=("127.0.0.1", 50000))
        self.issuer = issuer
        self.page: Page | None = None
        self.left_to: str | None = None
        """The URL of another site that the last request was redirected to."""
        self.history: list[Visit] = []

    @property
    def cookies(self) -> httpx2.Cookies:
        return self.client.cookies

    def new_tab(self) -> "Browser":
        """Another tab: the same cookies, nothing opened yet."""
        tab = copy(self)
        tab.page, tab.left_to, tab.history = None, None, []
        return tab

    def open(self, url: str, **headers: str) -> Page:
        """Type a URL (or press a link in a letter)."""
        return self._send("GET", url, headers={"sec-fetch-site": "none", **headers})

    def follow(self, link: str) -> Page:
        """Press the link that reads `link`."""
        assert self.page is not None
        found = [target for words, target in self.page.links.items() if link in words]
        assert found, f"no link {link!r} on {self.page}; there are {list(self.page.links)}"
        return self._follow(self.page, found[0])

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
        return self._submit(self.page, form, pressed)

    def take(self, way: Link | Press, page: Page | None = None) -> Page:
        """Press a link, or a button with the form as it is filled in; of an older `page` that is still on the screen
        too.
        """
        page = page or self.page
        assert page is not None
        if isinstance(way, Link):
            return self._follow(page, way.target)
        return self._submit(page, way.form, way.button)

    def reload(self) -> Page:
        """Also presses "send again" where the page was the answer to a form."""
        return self._visit(self.history.pop())

    def back(self) -> Page:
        """To the page before; from another site, to the page that led there."""
        if self.left_to is None and len(self.history) > 1:
            self.history.pop()
        return self.reload()

    def _visit(self, visit: Visit) -> Page:
        if visit.method == "GET":
            return self._send("GET", visit.url, headers={"sec-fetch-site": "same-origin"})
        return self._post(visit.url, visit.body)

    def _follow(self, page: Page, target: str) -> Page:
        return self._send("GET", resolve(page.url, target), headers={"sec-fetch-site": "same-origin"})

    def _submit(self, page: Page, form: Form, pressed: Field | None) -> Page:
        data = form.values() + ([(pressed.name, pressed.value)] if pressed is not None and pressed.name else [])
        target = resolve(page.url, form.action)
        if form.method == "get":
            return self._send("GET", target, headers={"sec-fetch-site": "same-origin"}, params=dict(data))
        return self._post(target, urlencode(data).encode())

    def post(self, url: str, values: Mapping[str, str]) -> Page:
        """Send a form of ours that was not opened."""
        return self._post(url, urlencode(values).encode())

    def _post(self, url: str, body: bytes) -> Page:
        # Our pages send no referrer, so a browser writes `Origin: null` for their own forms.
        headers = {"sec-fetch-site": "same-origin", "origin": "null"}
        headers["content-type"] = "application/x-www-form-urlencoded"
        return self._send("POST", url, headers=headers, content=body)

    @property
    def _may_wait(self) -> bool:
        from tests.support.effort import THOROUGH  # noqa: PLC0415  # a plugin, which pytest imports itself

        return self.app is not None and not THOROUGH

    def _send(self, method: str, url: str, *, headers: dict[str, str], **options: Any) -> Page:
        headers = {"accept": "text/html,*/*;q=0.8", "user-agent": "Mozilla/5.0 (test)", **headers}
        self.left_to = None
        response = self.client.request(method, url, headers=headers, **options)
        visit = Visit(method, str(response.url), options.get("content", b""))
        for _ in range(20):
            if response.status_code not in REDIRECTS:
                break
            target = resolve(str(response.url), response.headers["location"])
            if not target.startswith(f"{self.issuer}/"):
                self.left_to = target
                break
            if method == "POST" and self._may_wait and target.removeprefix(self.issuer).startswith(SIGNED_IN):
                self.history.append(Visit("GET", target))
                self.page = PageToCome(self, target)
                return self.page
            headers = {name: value for name, value in headers.items() if name not in {"content-type", "origin"}}
            response = self.client.get(target, headers=headers)
            visit = Visit("GET", target)
        else:
            raise AssertionError(f"too many redirects, last to {response.headers['location']}")
        page = Page(response)
        if self.page is not None and response.headers.get("content-disposition", "").startswith("attachment"):
            return page  # a download; the page stays where it is
        if self.left_to is None:
            self.history.append(visit)
        self.page = page
        return page
