"""A browser without scripts: it keeps cookies as browsers do, submits forms, and follows redirects of the issuer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urljoin, urlsplit

from provider.doctor.attack.forms import Form, read_forms
from provider.doctor.attack.wire import Unclear, Wire
from provider.doctor.examination import REDIRECTS
from provider.doctor.transport import Response

MOST_REDIRECTS = 8
NAVIGATION = {
    "Accept": "text/html",
    "Accept-Language": "en",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
SESSION, BROWSER = "signet", "signet-browser"
"""The names of cookies, without the prefix."""


@dataclass(frozen=True)
class Page:
    """A response, and its URL."""

    url: str
    response: Response

    @property
    def forms(self) -> list[Form]:
        return read_forms(self.response.body)

    @property
    def location(self) -> str | None:
        """The absolute URL that the response redirects to, or None."""
        to = self.response.header("location")
        return urljoin(self.url, to) if to is not None and self.response.status in REDIRECTS else None

    def form_with(self, kind: str) -> Form | None:
        """Return the first form that has a field of this type."""
        return next((form for form in self.forms if form.find(kind)), None)

    def form_to_allow(self) -> Form | None:
        """Return the form of the consent page."""
        return next((form for form in self.forms if ("decision", "allow") in form.buttons), None)


@dataclass
class Visitor:
    """A browser of its own, with its cookies."""

    wire: Wire
    cookies: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    """The Set-Cookie line of each cookie."""

    def open(self, url: str, *, headers: Mapping[str, str] | None = None) -> Page:
        """Open a URL, without following a redirect."""
        return self._send("GET", url, {"Sec-Fetch-Site": "none", **(headers or {})})

    def visit(self, url: str) -> Page:
        """Open a URL and follow the redirects of the issuer. One that leads elsewhere is returned, not followed."""
        return self.follow(self.open(url))

    def follow(self, page: Page) -> Page:
        for _ in range(MOST_REDIRECTS):
            to = page.location
            if to is None or not self.wire.is_ours(to):
                return page
            page = self.open(to, headers={"Sec-Fetch-Site": "same-origin"})
        raise Unclear("Pages redirect in a circle.")

    def submit(
        self,
        page: Page,
        form: Form,
        typed: Mapping[str, str | None],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Submit a form of a page with what is typed; None leaves a field out. Does not follow a redirect."""
        values = {name: value for name, value in (form.values() | dict(typed)).items() if value is not None}
        own = {"Origin": _origin(self.wire.case.url), "Sec-Fetch-Site": "same-origin"}
        return self._send("POST", urljoin(page.url, form.action), own | dict(headers or {}), form=values)

    def session(self) -> str | None:
        """Return the value of the session cookie."""
        return self.cookies.get(self.name_of(SESSION))

    def name_of(self, cookie: str) -> str:
        """Return the full name of a cookie of Signet."""
        if not self.wire.case.secure:
            return cookie
        return ("__Secure-" if urlsplit(self.wire.case.url).path else "__Host-") + cookie

    def _send(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None) -> Page:
        if not self.wire.is_ours(url):
            raise Unclear(f"A form of the issuer goes to {url[:200]}.")
        sent = NAVIGATION | dict(headers)
        sent = {name: value for name, value in sent.items() if value}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = self.wire.send(method, url, headers=sent, form=form)
        for line in response.lines("set-cookie"):
            self._keep(line)
        return Page(url, response)

    def _keep(self, line: str) -> None:
        """Keep a cookie if a browser would (RFC 6265bis section 5.7)."""
        try:
            name, morsel = next(iter(SimpleCookie(line).items()))
        except (CookieError, StopIteration):
            return
        host, secure = self.wire.case.host, self.wire.case.secure
        domain = morsel["domain"].lstrip(".").lower()
        if domain and domain != host and not host.endswith(f".{domain}"):
            return
        if (morsel["secure"] or name.startswith(("__Host-", "__Secure-"))) and not (secure and morsel["secure"]):
            return
        if name.startswith("__Host-") and (domain or morsel["path"] != "/"):
            return
        if morsel["max-age"] in {"0", "-1"}:
            self.cookies.pop(name, None)
        else:
            self.cookies[name], self.lines[name] = morsel.value, line


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
