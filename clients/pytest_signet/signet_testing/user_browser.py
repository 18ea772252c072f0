"""A user's browser without scripts: it goes through Signet's real pages, in process, until it is back at the app."""

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2

from signet_testing.pages import Form, Page
from signet_testing.records import path_of
from signet_testing.rejections import FAULTS_OF_APPS, Explain
from signet_testing.serving.middleware import NOT_THE_APP
from signet_testing.serving.server import Dropped, Server, scope_of

MOST_STEPS = 30
LOCATION = "location"


class Redirect(str):
    """The URL that leads back to the app, as text, with the parameters of Signet's answer."""

    __slots__ = ("form",)
    form: dict[str, str] | None
    """What the browser posts there, with `response_mode=form_post`; else None."""

    def __new__(cls, url: str, form: dict[str, str] | None = None) -> Self:
        made = super().__new__(cls, url)
        made.form = form
        return made

    @property
    def parameters(self) -> dict[str, str]:
        """`code` and `state`, or `error`, wherever they are."""
        parts = urlsplit(self)
        return self.form or dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True))

    @property
    def code(self) -> str | None:
        return self.parameters.get("code")

    @property
    def error(self) -> str | None:
        return self.parameters.get("error")

    @property
    def path(self) -> str:
        """The path and the query, for a test client that takes no whole URL."""
        return path_of(self)


class SignInFailed(AssertionError):
    """Signet showed a page from which `sign_in` does not know a way to the app."""

    def __init__(self, status: int, url: str, page: Page, why: str, explained: str | None) -> None:
        shown = f"{why}. Signet answered {status} at {url}: {page.title.strip()}: {page.text[:600]}"
        super().__init__(f"{shown}\n{explained}" if explained else shown)


class RequestRejected(AssertionError):
    """Signet sent the user back to the app with an error, because of what the app asked for.

    `redirect` is that redirect, for a test of what the app does with it.
    """

    def __init__(self, redirect: Redirect, explained: str) -> None:
        self.redirect = redirect
        described = redirect.parameters.get("error_description", "")
        super().__init__(f"Signet rejected what the app sent: {redirect.error}: {described}\n{explained}")


class UserBrowser:
    """One user's browser with its cookies. Two sign-ins in the same one are single sign-on."""

    def __init__(self, server: Server, issuer: str, explain: Explain) -> None:
        self._server, self._issuer, self._explain = server, issuer, explain
        self._cookies: dict[str, str] = {}

    def sign_in(
        self,
        url: str,
        *,
        email: str,
        password: str,
        consent: bool = True,
        code: Callable[[], str] | None = None,
    ) -> Redirect:
        """Follow an app's authorization URL, answer each page, and return the redirect to the app.

        `consent` is the answer to the consent page. `code` returns that of an authenticator app or of an email.
        Raises SignInFailed, and RequestRejected if Signet rejects what the app asked for.
        """
        url = urljoin(f"{self._issuer}/", url)
        if not url.startswith(f"{self._issuer}/"):
            raise ValueError(
                f"{url} is not a URL of Signet, which is at {self._issuer}. Pass the URL that the app redirects to."
            )
        typed: set[str] = set()
        answer = self._send("GET", url)
        for _ in range(MOST_STEPS):
            if answer.status_code in {301, 302, 303, 307, 308}:
                target = urljoin(str(answer.url), answer.headers[LOCATION])
                if not target.startswith(f"{self._issuer}/"):
                    return self._back_at_app(Redirect(target))
                answer = self._send("GET", target)
                continue
            page = Page(answer.text)
            form = page.form_with()
            posted = next((one for one in page.forms if urlsplit(one.action).netloc), None)
            if posted is not None and not posted.action.startswith(f"{self._issuer}/"):
                return self._back_at_app(Redirect(posted.action, posted.fields))
            form, step = self._answer_to(page, email, password, code, consent=consent)
            if form is None or (step in typed and step != "choose"):
                why = f"The page {step!r} came again" if form is not None else "This page is not part of a sign-in"
                raise SignInFailed(answer.status_code, str(answer.url), page, why, self._explain(page.text))
            typed.add(step)
            answer = self._submit(str(answer.url), form)
        raise SignInFailed(answer.status_code, str(answer.url), Page(answer.text), "There were too many pages", None)

    def _back_at_app(self, redirect: Redirect) -> Redirect:
        """Return the redirect. Raises RequestRejected for an error that the app caused, and that no fault put there."""
        if redirect.error in FAULTS_OF_APPS:
            explained = self._explain(redirect.parameters.get("error_description", ""))
            if explained is not None:
                raise RequestRejected(redirect, explained)
        return redirect

    def _answer_to(
        self, page: Page, email: str, password: str, code: Callable[[], str] | None, *, consent: bool
    ) -> tuple[Form | None, str]:
        """Return the form to send, filled in, and the name of the step."""
        if (form := page.form_with("username", "password")) is not None:
            form.fields |= {"username": email, "password": password}
            return form, "sign in"
        if (form := page.form_with("decision")) is not None and form.button("allow") is not None:
            form.fields["decision"] = "allow" if consent else "deny"
            return form, "consent"
        if (form := page.form_with("password")) is not None:
            form.fields["password"] = password
            return form, "password"
        if code is not None and (form := page.form_with("code")) is not None:
            form.fields["code"] = code()
            return form, "code"
        return None, ""

    def _submit(self, at: str, form: Form) -> httpx2.Response:
        url = urljoin(at, form.action or at)
        return self._send("POST", url, urlencode(form.fields).encode())

    def _send(self, method: str, url: str, body: bytes = b"") -> httpx2.Response:
        headers = {
            "host": urlsplit(self._issuer).netloc,
            "accept": "text/html,*/*;q=0.8",
            "accept-language": "en",
            "user-agent": "Mozilla/5.0 (signet_testing)",
            "sec-fetch-site": "same-origin" if method == "POST" else "none",
            NOT_THE_APP.decode(): "1",
        }
        if self._cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if method == "POST":
            headers |= {"content-type": "application/x-www-form-urlencoded", "origin": "null"}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        request = httpx2.Request(method, url)
        head, *parts = self._messages(method, request.url, encoded, body)
        answer = httpx2.Response(
            head["status"],
            headers=head["headers"],
            content=b"".join(part.get("body", b"") for part in parts),
            request=request,
        )
        for line in answer.headers.get_list("set-cookie"):
            for name, cookie in SimpleCookie(line).items():
                if cookie["max-age"] == "0" or not cookie.value:
                    self._cookies.pop(name, None)
                else:
                    self._cookies[name] = cookie.value
        return answer

    def _messages(self, method: str, url: Any, headers: list[tuple[bytes, bytes]], body: bytes) -> Any:
        try:
            return self._server.call(scope_of(method, url, headers), body)
        except Dropped:
            raise ConnectionError(f"a fault lost the answer to {method} {url}") from None
