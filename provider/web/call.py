"""One HTTP request as an endpoint sees it, and the cookies and headers to set on the response."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from provider.config.settings import Settings
from provider.crypto.digests import new_opaque
from provider.languages.catalogs import LANGUAGES, Language
from provider.languages.negotiation import best, parse_accept_language, parse_ui_locales
from provider.parameters import NO_PARAMETERS, MalformedParameters, Parameters, parse_parameters
from provider.web import cookies, csrf
from provider.web.headers import RequestHeaders
from provider.web.network import network_of
from provider.web.services import Services
from provider.web.uploads import is_multipart, parse_multipart
from provider.work import Installation, Origin, UnitOfWork

FORM_TYPE = "application/x-www-form-urlencoded"


class Call:
    """One HTTP request as an endpoint sees it, and the cookies and headers to set on the response."""

    work: UnitOfWork

    def __init__(self, scope: Scope, body: bytes, installation: Installation) -> None:
        self.scope = scope
        self.body = body
        self.installation = installation
        self.settings: Settings = installation.effective_settings
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: RequestHeaders = scope["state"]["headers"]
        self.nonce: str = scope["state"]["nonce"]
        self.request_id: str = scope["state"]["request_id"]
        self.state: dict[str, Any] = {}
        """Values that packages store on this call. Only the typed keys of `web.call_values` read and write them."""
        self.page_values: dict[str, Any] = {}
        """Values that every template of this call gets, besides those of its page."""
        self._cookies: dict[str, str] | None = None
        self._query: Parameters | None = None
        self._form: Parameters | None = None
        self._files: Mapping[str, bytes] = {}
        self.takes_files = False
        """Whether the endpoint reads multipart forms; set by it."""
        self._set: list[tuple[str, str, int | None]] = []
        self._language: Language | None = None
        self._headers: dict[bytes, bytes] = {}

    @property
    def services(self) -> Services:
        """The functions that the composition root provides."""
        services: Services = self.scope["app"].state.services
        return services

    @property
    def path_params(self) -> dict[str, str]:
        params: dict[str, str] = self.scope.get("path_params", {})
        return params

    def header_list(self, name: str) -> str:
        """Return a header that is a list, all its lines joined (RFC 9110 section 5.3); empty if there is none."""
        return ", ".join(self.headers.getlist(name))

    @property
    def cookies(self) -> dict[str, str]:
        if self._cookies is None:
            # HTTP/2 sends each cookie by itself, and some proxies keep them apart (RFC 9113 section 8.2.3).
            self._cookies = cookie_parser("; ".join(self.headers.getlist("cookie")))
        return self._cookies

    @property
    def query(self) -> Parameters:
        """The parameters of the query string. Raises MalformedParameters."""
        if self._query is None:
            self._query = parse_parameters(self.scope["query_string"])
        return self._query

    @property
    def form(self) -> Parameters:
        """The urlencoded body, or the fields of a multipart one; empty if there is none.

        Raises MalformedParameters.
        """
        if self._form is None:
            if self.takes_files and is_multipart(self.headers.get("content-type")):
                self._form, self._files = parse_multipart(self.body, self.headers["content-type"])
            else:
                self._form = parse_parameters(self.body) if self.body and self.has_form else NO_PARAMETERS
        return self._form

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files of a multipart form, by the name of their field."""
        return self._files if self.form else {}

    @property
    def has_form(self) -> bool:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE

    @property
    def page_url(self) -> str:
        """The page that this request came from: this URL, or the one that its endpoint names (`form_on`)."""
        query = self.scope["query_string"].decode("ascii", "replace")
        path = getattr(self.scope.get("endpoint"), "form_on", None) or self.path
        return path + (f"?{query}" if query else "")

    @property
    def origin(self) -> Origin:
        """The origin of the request, as it came in."""
        return self.find_origin()

    def find_origin(self) -> Origin:
        """Return `origin`, for those who may not need it."""
        return Origin(
            network=network_of(self.scope, self.headers, self.settings),
            user_agent=self.headers.get("user-agent", "")[:300],
            request_id=self.request_id,
            language=self.language.tag,
        )

    @property
    def language(self) -> Language:
        """The language of the page: the app's request (`ui_locales`), else the one chosen here, else the browser's."""
        if self._language is None:
            self._language = language_of(self)
        return self._language

    def cookie(self, name: str, *, longest: int = 128) -> str | None:
        """Return the value of one of our cookies, or None if it is absent or too long to be ours."""
        value = self.cookies.get(cookies.cookie_name(self.settings, name))
        return value if value and len(value) <= longest else None

    def set_cookie(self, name: str, value: str, *, max_age: int | None = None) -> None:
        """Set a cookie on the later response. `max_age` is in seconds; 0 deletes it. Later reads see it."""
        self._set = [entry for entry in self._set if entry[0] != name]
        self._set.append((name, value, max_age))
        full = cookies.cookie_name(self.settings, name)
        if max_age == 0:
            self.cookies.pop(full, None)
        else:
            self.cookies[full] = value

    def set_header(self, name: str, value: str) -> None:
        """Set a header on the later response, whatever it will be."""
        self._headers[name.encode()] = value.encode("latin-1")

    @property
    def browser(self) -> str:
        """The value of this browser's cookie, which is set if there is none."""
        value = self.cookie(cookies.BROWSER)
        if value is None:
            value = new_opaque()
            self.set_cookie(cookies.BROWSER, value)
        return value

    @property
    def csrf_token(self) -> str:
        session = None if self._is_before_sign_in else self.cookie(cookies.SESSION)
        return csrf.csrf_token(self.installation.vault, session or self.browser)

    def require_csrf(self) -> None:
        csrf.require_same_site(self.headers, self.settings.origin)
        if not self.cookies:
            raise csrf.CookiesMissing
        session, browser = self.cookie(cookies.SESSION), self.cookie(cookies.BROWSER)
        accepted = (session, browser) if self._is_before_sign_in else (session or browser,)
        csrf.require_token(self.installation.vault, accepted, self.form.get(csrf.FIELD))

    @property
    def _is_before_sign_in(self) -> bool:
        """Whether the form belongs to the browser, whoever is signed in (`endpoint.before_sign_in`)."""
        return getattr(self.scope.get("endpoint"), "before_sign_in", False)

    def apply(self, response: Response) -> None:
        """Set the collected cookies and headers on the response."""
        if self._headers:
            kept = [line for line in response.raw_headers if line[0] not in self._headers]
            response.raw_headers[:] = [*kept, *self._headers.items()]
        for name, value, max_age in self._set:
            cookies.set_cookie(response, self.settings, name, value, max_age=max_age)


def language_of(call: Call) -> Language:
    """Return the language of the page. Never raises: the error page for a malformed request has a language too."""
    try:
        ui_locales = parse_ui_locales(call.query.get("ui_locales")) if call.scope["query_string"] else []
    except MalformedParameters:
        ui_locales = []
    chosen, accepted = call.cookie(cookies.LANGUAGE), call.header_list("accept-language")
    wanted = [*ui_locales, *([chosen] if chosen else []), *(parse_accept_language(accepted) if accepted else [])]
    offered = call.settings.languages
    return LANGUAGES[best(offered, wanted) or offered[0]]
