"""Back, reload, second tab, expired step, lost cookie: at every step of every flow there is a way on.

A state machine walks the pages without scripts, with two browsers and three people. WALKS=1000 makes it walk that
often, with other walks each time; without it the walks are the same in every run.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from provider.accounts import suspension
from provider.accounts.factors.totp_enrolment import ENROLMENT_LIFETIME
from provider.accounts.store.users import Status
from provider.oauth.clients import clients
from provider.sessions.lifecycle import end_all_sessions
from provider.sessions.store import Session
from provider.worker.jobs import purge
from tests.support.effort import effort
from tests.support.relying_party import LOGOUT
from tests.support.several_accounts import CHOOSER
from tests.walks.honest import go_on, take, walk
from tests.walks.tabs import Tab
from tests.walks.world import World

WALKS = int(os.environ.get("WALKS", effort(0, 60)))
MANNERS: list[dict[str, str]] = [
    {},
    {"prompt": "login"},
    {"prompt": "consent"},
    {"prompt": "select_account"},
    {"prompt": "select_account login consent"},
    {"prompt": "none"},
    {"max_age": "0"},
    {"max_age": "600"},
    {"acr_values": "aal2"},
    {"claims": '{"id_token":{"acr":{"essential":true,"values":["aal2"]}}}'},
    {"scope": "openid offline_access", "prompt": "consent"},
    {"login_hint": "bob@example.test"},
    {"redirect_uri": "https://evil.example.test/"},
]
"""What applications ask for beyond a plain sign-in."""
LIFETIMES = [
    "second_factor_lifetime",
    "recent_sign_in",
    "request_lifetime",
    "session_idle_lifetime",
    "session_absolute_lifetime",
    "verify_code_lifetime",
    "verify_link_lifetime",
    "reset_link_lifetime",
    "undo_link_lifetime",
    "deletion_grace",
]
KEPT = 30
"""The days for which users stay signed in, if they choose to."""
COOKIES = ["__Host-signet", "__Host-signet-accounts", "__Host-signet-browser", "__Host-signet-device"]

numbers = st.integers(0, 7)
people = st.integers(0, 2)


def is_home(tab: Tab) -> bool:
    """At the sign-in page, at a page of the account, or at an application."""
    page = tab.page
    if tab.is_at_an_app or page is None:
        return True
    return page.status == 200 and (page.path in {"/login", "/account"} or page.path.startswith("/account/"))


def has_a_code(tab: Tab) -> bool:
    return tab.left_to is not None and "code=" in tab.left_to


class Walk(RuleBasedStateMachine):
    """What people do, and what happens to them. Every page that comes back is judged by its tab."""

    template: Path
    folder: Path
    more: ClassVar[dict[str, object]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.folder, self.template, **self.more)
        self.tabs = [Tab(self.world, 0), Tab(self.world, 1)]
        self.at = 0

    @property
    def tab(self) -> Tab:
        return self.tabs[self.at]

    # What people do

    @initialize(app=st.integers(0, 1))
    def begin(self, app: int) -> None:
        self.ask(app, {})

    @rule(page=numbers)
    def type_an_address(self, page: int) -> None:
        pages = self.world.pages
        self.tab.open(pages[page % len(pages)])

    @rule(app=st.integers(0, 1), manner=st.sampled_from(MANNERS))
    def ask(self, app: int, manner: dict[str, str]) -> None:
        """The application sends them."""
        self.tab.ask(app, **manner)

    @precondition(lambda self: self.world.memory.id_tokens)
    @rule(which=numbers, tell_who=st.booleans())
    def ask_to_sign_out(self, which: int, tell_who: bool) -> None:
        tokens = self.world.memory.id_tokens
        app, id_token, _ = tokens[which % len(tokens)]
        back = self.world.apps[app].client.metadata.post_logout_redirect_uris[0]
        hint = {"id_token_hint": id_token, "post_logout_redirect_uri": back, "state": "bye"} if tell_who else {}
        self.tab.open(f"{LOGOUT}?{urlencode(hint)}", **{"sec-fetch-site": "cross-site"})

    @rule(steps=st.integers(1, 4))
    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            if not self.tab.is_at_an_app:
                go_on(self.tab)

    @precondition(lambda self: not self.tab.is_at_an_app)
    @rule(which=numbers)
    def press_something(self, which: int) -> None:
        page = self.tab.page
        assert page is not None
        ways = self.tab.ways_on(page)
        take(self.tab, ways[which % len(ways)], page)

    @precondition(lambda self: not self.tab.is_at_an_app)
    @rule(which=numbers, text=st.sampled_from(["", "wrong", "000000", "eve@example.test"]))
    def mistype(self, which: int, text: str) -> None:
        page = self.tab.page
        assert page is not None
        forms = [form for form in page.forms if form.buttons and not form.is_hidden]
        if forms:
            form = forms[which % len(forms)]
            for field in form.fields:
                if field.kind in {"text", "email", "password"}:
                    field.value = text
            self.tab._submit(page, form, form.buttons[0])

    @rule(which=numbers, older=st.integers(0, 4))
    def press_something_on_an_older_page(self, which: int, older: int) -> None:
        seen = self.tab.seen
        if len(seen) > older:
            page = seen[-1 - older]
            ways = self.tab.ways_on(page)
            take(self.tab, ways[which % len(ways)], page)

    @rule()
    def go_back(self) -> None:
        self.tab.back()

    @precondition(lambda self: not self.tab.is_at_an_app)
    @rule()
    def reload(self) -> None:
        self.tab.reload()

    @precondition(lambda self: len(self.tabs) < 5)
    @rule()
    def open_the_page_in_a_new_tab(self) -> None:
        tab = self.tab.new_tab()
        self.tabs.append(tab)
        tab.open(self.tab.history[-1].url)
        self.at = len(self.tabs) - 1

    @rule(which=numbers)
    def look_at_another_tab(self, which: int) -> None:
        self.at = which % len(self.tabs)
        if self.tab.page is None:
            self.begin(0)

    @rule(who=people)
    def somebody_sits_down(self, who: int) -> None:
        self.world.memory.sits_at[self.tab.browser] = who

    @rule(older=st.integers(0, 3))
    def open_a_letter(self, older: int) -> None:
        letters = self.world.letters(list(self.tab.human.mailboxes))
        if letters:
            self.tab.open(letters[older % len(letters)].link)

    # What happens

    @rule(lifetime=st.sampled_from([*LIFETIMES, ENROLMENT_LIFETIME]))
    def time_passes(self, lifetime: Any) -> None:
        self.world.clock.advance(getattr(self.world.settings, lifetime) if isinstance(lifetime, str) else lifetime)

    @rule(name=st.sampled_from([*COOKIES, None]))
    def cookies_are_lost(self, name: str | None) -> None:
        for cookie in list(self.tab.cookies.jar):
            if name in {None, cookie.name}:
                self.tab.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)

    @rule(who=people)
    def sessions_are_ended_elsewhere(self, who: int) -> None:
        with self.world.work() as w:
            user = self.world.account_of(self.world.memory.people[who])
            if user is not None:
                end_all_sessions(w, user_id=user.id, reason="elsewhere")

    @rule(who=people)
    def an_operator_suspends_or_restores(self, who: int) -> None:
        user = self.world.account_of(self.world.memory.people[who])
        if user is not None:
            with self.world.work() as w:
                if user.status == Status.SUSPENDED:
                    suspension.restore(w, user_id=user.id)
                else:
                    suspension.suspend(w, user_id=user.id, reason=None)

    @rule(app=st.integers(0, 1), disabled=st.booleans())
    def an_operator_disables_or_enables_an_application(self, app: int, disabled: bool) -> None:
        with self.world.work() as w:
            (clients.disable if disabled else clients.enable)(w, self.world.apps[app].client_id)

    @rule()
    def what_has_expired_is_purged(self) -> None:
        purge(self.world.installation)

    @rule(app=st.integers(0, 1))
    def sign_in_at_an_app(self, app: int) -> None:
        sign_in_at_an_app(self.world, self.tab, app)

    # What must be so, whatever happened

    @invariant()
    def the_page_leads_on(self) -> None:
        if not is_home(self.tab):
            with self.world.as_if(self.tab):
                walk(self.tab.ghost(), there=is_home, hops=8)

    @invariant()
    def nobody_is_in_who_did_not_show_what_it_takes(self) -> None:
        browsers = {tab.browser: tab for tab in self.tabs}.values()
        with self.world.as_if(*browsers):
            found = [(browser, who_is_in(browser.ghost())) for browser in browsers]
        for browser, current in found:
            others = self.world.other_sessions_at(browser)
            if current is None and not others:
                self.world.memory.shown.pop(browser.browser, None)
            for who in [*others, *([] if current is None else [current])]:
                since = self.world.password_shown_at(browser.shown, browser.typed, who.user_id)
                assert since is not None, f"nobody showed a password: {who}"
                longest = timedelta(days=KEPT) if who.kept else self.world.settings.session_absolute_lifetime
                assert self.world.clock.now - since <= longest, who
                done = who.pending is None and self.world.has_two_factor(who.user_id)
                assert not done or who.user_id in browser.shown.code, f"nobody showed a code: {who}"

    @precondition(lambda self: WALKS > 0)
    @invariant()
    def whoever_sits_there_can_sign_in_at_an_app(self) -> None:
        with self.world.as_if(self.tab):
            sign_in_at_an_app(self.world, self.tab.ghost(), 0)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                for which, tab in enumerate(self.tabs[:2]):
                    sign_in_at_an_app(self.world, tab, which)
        finally:
            self.world.close()


class WalkWithEverything(Walk):
    """The same where operators turned on what is off by default, in browsers with scripts and passkeys."""

    more: ClassVar[dict[str, object]] = {
        "keep_signed_in_days": KEPT,
        "email_code_sign_in": True,
        "proof_of_work": 10,
        "terms_version": "1",
        "terms_url": "https://example.test/terms",
    }

    @rule()
    def the_browser_is_closed(self) -> None:
        self.tab.cookies.jar.clear_session_cookies()

    @rule(version=st.sampled_from(["1", "2"]))
    def the_terms_change(self, version: str) -> None:
        settings = self.world.installation.settings.model_copy(update={"terms_version": version})
        object.__setattr__(self.world.installation, "settings", settings)


def who_is_in(tab: Tab) -> Session | None:
    """What the pages make of this browser: a session that they ask for a code, or let in."""
    session = tab.world.session_at(tab)
    if session is None:
        assert tab.open("/account").path == (CHOOSER if tab.world.other_sessions_at(tab) else "/login")
    elif session.pending is None:
        assert tab.open("/account").path == "/account"
    elif tab.open("/login/second-factor").path == "/login":
        return None
    return session


def sign_in_at_an_app(world: World, tab: Tab, app: int) -> None:
    """From whatever state the browser and the account are in. Only operators could prevent it."""
    user = world.account_of(tab.human)
    with world.work() as w:
        clients.enable(w, world.apps[app].client_id)
        if user is not None and user.status == Status.SUSPENDED:
            suspension.restore(w, user_id=user.id)
    tab.ask(app, prompt="login")
    walk(tab, there=has_a_code, hops=20)
    user = world.account_of(tab.human)
    assert user is not None
    assert world.memory.id_tokens[-1][2] == user.id


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "walks"), [(Walk, 5), (WalkWithEverything, 2)])
def test_every_walk_leads_on(machine: type[Walk], walks: int, sqlite_template: Path, tmp_path: Path) -> None:
    how = settings(
        max_examples=WALKS or walks,
        stateful_step_count=50 if WALKS else 30,
        derandomize=not WALKS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to find a shorter walk that fails takes minutes
    )
    run_state_machine_as_test(type("Walk", (machine,), {"template": sqlite_template, "folder": tmp_path}), settings=how)
