"""A tab whose every page is judged: a person can read it and go on from it, and nobody gets in unshown."""

from copy import copy
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from provider.web.csrf import FIELD
from tests.support.browser import Browser, Link, Page, Press
from tests.support.people import key_on, recovery_codes_on
from tests.support.relying_party import AUTHORIZE, Answer
from tests.walks.world import Human, Shown, Typed, World

SECOND = timedelta(seconds=1)
NEEDS_RECENT = {"/account/email", "/account/two-factor", "/account/two-factor/set-up", "/account/delete"}
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Tab(Browser):
    """Each request takes a second."""

    def __init__(self, world: World, browser: int) -> None:
        super().__init__(world.app, world.settings.issuer)
        self.app = None  # requests every page
        self.client = world.new_client()  # type: ignore[assignment]  # speaks alike, without a server
        self.world = world
        self.browser = browser
        self.seen: list[Page] = []
        """Pages that may still be on the screen somewhere, with forms filled in."""

    @property
    def human(self) -> Human:
        """Who sits there."""
        memory = self.world.memory
        return memory.people[memory.sits_at[self.browser]]

    @property
    def shown(self) -> Shown:
        return self.world.memory.shown.setdefault(self.browser, Shown())

    @property
    def typed(self) -> Typed:
        return self.world.memory.typed.setdefault(self.browser, [])

    def new_tab(self) -> "Tab":
        tab = copy(self)
        tab.page, tab.left_to, tab.history, tab.seen = None, None, [], []
        return tab

    def ghost(self) -> "Tab":
        """A tab like this one, to be used inside `world.as_if`."""
        tab = copy(self)
        tab.history, tab.seen = list(self.history), []
        tab.page = None if self.page is None else Page(self.page.response)
        return tab

    def ask(self, app: int, **manner: str) -> Page:
        """An application sends them here to sign in."""
        request, verifier = self.world.apps[app].request(**manner)
        self.world.memory.asked[request["state"]] = (app, request, verifier)
        return self.open(f"{AUTHORIZE}?{urlencode(request)}", **{"sec-fetch-site": "cross-site"})

    def _send(self, method: str, url: str, *, headers: dict[str, str], **options: Any) -> Page:
        self.world.clock.advance(SECOND)
        if method == "POST":
            self.world.note_what_is_shown(self, self.shown, self.typed, url, options["content"])
        page = super()._send(method, url, headers=headers, **options)
        if self.left_to is None:
            self._judge(page)
            self._remember(page)
        else:
            self._arrive(self.left_to)
        return page

    @property
    def is_at_an_app(self) -> bool:
        return self.left_to is not None

    # What holds for every page

    def _judge(self, page: Page) -> None:
        assert page.status < 500, page
        if page.response.headers.get("content-disposition", "").startswith("attachment"):
            return
        assert page.response.headers["content-type"].startswith("text/html"), page
        assert page.title, page
        assert page.heading, page
        for name, value in HEADERS.items():
            assert value in page.response.headers.get(name, ""), (name, page)
        assert self.ways_on(page), f"a dead end: {page}"
        for target in [*page.links.values(), *(form.action for form in page.forms)]:
            scheme = urlsplit(urljoin(page.url, target)).scheme
            is_outside = scheme in {"mailto", "otpauth"} or target == self.world.settings.terms_url
            assert is_outside or self._is_ours(page, target), (target, page)
        for form in page.forms:
            harmless = form.method == "get" or urlsplit(form.action).path == "/language"
            assert harmless or form.find(FIELD), page
        if page.path in NEEDS_RECENT and page.status == 200:
            session = self.world.session_at(self)
            assert session is not None, page
            user_id, shown = session.user_id, self.shown
            proved = [
                at
                for at in (self.world.password_shown_at(shown, self.typed, user_id), shown.code.get(user_id))
                if at is not None
            ]
            assert self.world.clock.now - max(proved) <= self.world.settings.recent_sign_in, page

    def ways_on(self, page: Page) -> list[Link | Press]:
        """What leads on, the first first: not the help, not the policies of an application."""
        return [
            way for way in page.ways if self._is_ours(page, way.target if isinstance(way, Link) else way.form.action)
        ]

    def _is_ours(self, page: Page, target: str) -> bool:
        url = urljoin(page.url, target)
        return url.startswith(f"{self.issuer}/") or url in self.world.exits

    # What a page or an application learns

    def _remember(self, page: Page) -> None:
        self.seen = [*self.seen[-5:], page]
        session = self.world.session_at(self)
        if session is None:
            return
        if 'id="key"' in page.html:
            self.world.memory.keys.setdefault(session.user_id, []).append(key_on(page))
        codes = recovery_codes_on(page)
        if codes:
            self.owner(page).recovery_codes[:] = codes

    def owner(self, page: Page) -> Human:
        """Whose page it is: of whom it speaks, or who is signed in, or who sits there."""
        people, text, session = self.world.memory.people, page.text, self.world.session_at(self)
        for human in people:
            if any(mailbox in text for mailbox in human.mailboxes):
                return human
        for human in [] if session is None else people:
            user = self.world.account_of(human)
            if user is not None and session is not None and user.id == session.user_id:
                return human
        return self.human

    def _arrive(self, url: str) -> None:
        """Browsers are sent to what the applications registered; what arrives with a code is who showed a password."""
        target, _, query = url.partition("?")
        assert target in self.world.exits, f"sent to {url}"
        answer = dict(parse_qsl(query))
        if "iss" not in answer:
            return  # signed out
        assert answer["iss"] == self.issuer
        which, asked, verifier = self.world.memory.asked[answer["state"]]
        app = self.world.apps[which]
        assert target == asked["redirect_uri"]
        if "error" in answer:
            return
        assert self.page is not None
        tokens = app.redeem(Answer(self.page.response, asked, verifier))
        claims = app.verify(tokens)
        assert self.world.password_shown_at(self.shown, self.typed, claims["sub"]), "nobody showed the password"
        assert claims["acr"] == "aal1" or claims["sub"] in self.shown.code, "nobody showed a code"
        self.world.memory.id_tokens.append((which, tokens.id_token, claims["sub"]))
