"""An honest person at a tab: reads the page, does what it asks, and presses what is first. Never types a URL."""

import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from provider.login.pages.email_code import ENTER
from tests.accounts.test_proof_of_work import puzzle_on, solve
from tests.support.browser import Form, Link, Page, Press
from tests.support.people import code_of, key_on
from tests.support.several_accounts import CHOOSER
from tests.walks.tabs import Tab
from tests.walks.world import Human

SIGN_IN_CODE = re.compile(r"^(\d{6})$", re.MULTILINE)


def walk(tab: Tab, *, there: Callable[[Tab], bool], hops: int) -> None:
    """On from wherever the tab is, until it is `there`. A page that only leads back to itself is a dead end."""
    tried: Counter[tuple[str, str]] = Counter()
    trail = [str(tab.page)]
    while not there(tab):
        page = tab.page
        assert page is not None
        which = (page.path, page.heading)
        in_circles = tried[which] and page.status >= 400 and isinstance(tab.ways_on(page)[0], Link)
        if len(trail) > hops or in_circles:
            raise AssertionError("\n".join(["in circles:", *trail]))
        go_on(tab, tried[which])
        tried[which] += 1
        trail.append(tab.left_to or str(tab.page))


def go_on(tab: Tab, tried: int = 0) -> None:
    """One step. What was tried in vain on this page is not tried again: the next way it shows is."""
    page = tab.page
    assert page is not None
    if page.status == 429:
        tab.world.clock.advance(seconds=int(page.response.headers["retry-after"]))
        tried = 0
    letter = None if tried else _letter_asked_for(tab, page)  # a suspended user gets no new one
    if letter is not None:
        tab.open(letter)
        return
    ways = tab.ways_on(page)
    if _is_sign_in(page):
        take(tab, _at_sign_in(tab, page, ways), page)
        return
    if page.path == CHOOSER and page.status == 200 and page.forms:  # not an error page there
        take(tab, _at_chooser(tab, ways), page)
        return
    assert tried < len(ways), f"every way leads back here: {page}"
    take(tab, ways[tried], page)


def take(tab: Tab, way: Link | Press, page: Page) -> None:
    """Press it; a form with everything filled in as it should be."""
    if isinstance(way, Press):
        fill(tab, page, way.form)
    tab.take(way, page)


def fill(tab: Tab, page: Page, form: Form) -> None:
    """What each field asks for, by its `autocomplete`."""
    owner = tab.owner(page)
    for field in form.fields:
        if field.name == "proof" and tab.world.has_scripts:
            field.value = solve(puzzle_on(page))
        if field.name == "can_create_passkeys" and tab.world.has_scripts:
            field.value = "yes"
        if field.readonly or field.kind == "hidden":
            continue
        if field.kind == "checkbox":
            field.checked = True
        elif field.name == "code":
            field.value = _code(tab, page, owner, by_phone=field.autocomplete == "one-time-code")
        elif field.autocomplete.startswith("username"):
            field.value = tab.world.address_of(tab.human)
        elif field.name == "email":
            others = [mailbox for mailbox in owner.mailboxes if mailbox != tab.world.address_of(owner)]
            field.value = (others or list(owner.mailboxes))[0]
        elif field.autocomplete == "current-password":
            asked = tab.human if _is_sign_in(page) else owner
            field.value = tab.world.password_of(asked) or asked.passwords[0]
        elif field.autocomplete == "new-password":
            choosing = tab.human if page.path == "/signup" else owner
            field.value = f"{choosing.passwords[0]} {len(choosing.passwords)}"
            choosing.passwords.append(field.value)


def _at_sign_in(tab: Tab, page: Page, ways: list[Link | Press]) -> Link | Press:
    """People know whether they have an account and a password, and whose address a page asks to confirm."""
    fixed = [field.value for form in page.forms for field in form.fields if field.name == "username" and field.readonly]
    if fixed and fixed[0] != tab.world.address_of(tab.human):
        return next(way for way in ways if isinstance(way, Link) and _leads_to_another_account(way.target))
    if tab.world.account_of(tab.human) is None:
        return _leading_to(ways, "/signup")
    if tab.world.password_of(tab.human) is None:
        return _leading_to(ways, "/login/email-code" if tab.world.settings.email_code_sign_in else "/forgot-password")
    return next(way for way in ways if isinstance(way, Press))


def _at_chooser(tab: Tab, ways: list[Link | Press]) -> Press:
    """People take their own account, or sign in with it if it is not offered."""
    presses = [way for way in ways if isinstance(way, Press)]
    address = tab.world.address_of(tab.human)
    own = [
        way for way in presses if way.button.name == "account" and any(address in label for label in way.button.labels)
    ]
    return own[0] if own else next(way for way in presses if way.button.value == "other")


def _leads_to_another_account(target: str) -> bool:
    return "prompt=select_account" in target or urlsplit(target).path == CHOOSER


def _is_sign_in(page: Page) -> bool:
    """In whatever language: somebody may have pressed one."""
    return page.path == "/login" and any(form.find("username") for form in page.forms)


def _leading_to(ways: list[Link | Press], path: str) -> Link | Press:
    return next(way for way in ways if isinstance(way, Link) and urlsplit(way.target).path == path)


def _code(tab: Tab, page: Page, owner: Human, *, by_phone: bool) -> str:
    world = tab.world
    if page.path.startswith(("/verify-email", "/account/email")):
        letters = [letter for letter in world.letters(list(owner.mailboxes)) if letter.to in page.text]
        asking = "/verify-email/confirm" if page.path.startswith("/verify-email") else "/account/email/confirm"
        with_code = [letter for letter in letters if urlsplit(letter.link).path == asking]
        return with_code[0].code if with_code else "000000"
    if page.path == ENTER:
        letters = [letter for letter in world.letters(list(owner.mailboxes)) if letter.to in page.text]
        codes = [
            found[1] for letter in letters if (found := SIGN_IN_CODE.search(letter.text)) and "http" not in letter.text
        ]
        return codes[0] if codes else "000000"
    if not by_phone:
        return owner.recovery_codes.pop() if owner.recovery_codes else "none left"
    world.clock.advance(seconds=30)  # each code counts once: they wait for the next one
    if 'id="key"' in page.html:
        return code_of(key_on(page), world.clock.now)
    session = world.session_at(tab)
    return "000000" if session is None else world.code_of(session.user_id)


def _letter_asked_for(tab: Tab, page: Page) -> str | None:
    if page.path != "/forgot-password/sent":
        return None
    links = [letter.link for letter in tab.world.letters(list(tab.human.mailboxes))]
    to_reset = [link for link in links if urlsplit(link).path == "/reset-password"]
    return to_reset[0] if to_reset else None
