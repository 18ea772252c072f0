"""Probes of pages: forged forms, frames, caches, sessions, markup."""

from collections.abc import Mapping

from provider.doctor.attack.forms import Form
from provider.doctor.attack.probe import PROXY, probe
from provider.doctor.attack.visitor import Page, Visitor
from provider.doctor.attack.wire import Unclear
from provider.doctor.attack.world import ACCOUNT, AUTHORIZE, EVIL, LOGIN, World, parameters_of

TOKEN = "csrf_token"  # noqa: S105  # the name of a field
FOREIGN: tuple[Mapping[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site", "Origin": f"https://{EVIL}"},
    {"Sec-Fetch-Site": "", "Origin": f"https://{EVIL}"},
)
"""What a browser sends with a form of another site; the second one is an old browser."""


def _form(page: Page, kind: str) -> Form:
    form = page.form_with("password") if kind == "sign-in" else page.form_to_allow()
    if form is None:
        raise Unclear(f"There is no {kind} form on a page with status {page.response.status}.")
    return form


def _token_of(form: Form) -> str:
    return form.values().get(TOKEN, "")


@probe(
    "forged-sign-in",
    tries="The sign-in form with the right password: without token, with that of another browser, from another site",
    must="rejected, and no one is signed in",
    why="An attacker signs a user in to the attacker's account (login CSRF).",
    section="RFC 6749 section 10.12",
)
def forged_sign_in(world: World) -> str | None:
    other = _token_of(_form(world.new_visitor().visit(world.case.url + LOGIN), "sign-in"))
    attempts: list[tuple[str, dict[str, str | None], Mapping[str, str]]] = [
        ("without its token", {TOKEN: None}, {}),
        ("with the token of another browser", {TOKEN: other}, {}),
        *(("from another site", {}, headers) for headers in FOREIGN),
    ]
    for how, changes, headers in attempts:
        visitor = world.new_visitor()
        page = visitor.visit(world.case.url + LOGIN)
        form = _form(page, "sign-in")
        _, typed = world.next_form(page)
        answer = visitor.submit(page, form, typed | changes, headers=headers)
        if visitor.session() is not None:
            return f"The form {how} signs the user in."
        if answer.response.status < 400:
            raise Unclear(f"The form {how} is answered with status {answer.response.status}, not 403.")
    return None


@probe(
    "forged-consent",
    tries="The consent form: without token, with that of another browser, from another site",
    must="rejected, and the app gets no code",
    why="An app gives itself access to the account of a user who opens its page.",
    section="RFC 6749 section 10.12",
)
def forged_consent(world: World) -> str | None:
    other = _token_of(_form(world.new_visitor().visit(world.case.url + LOGIN), "sign-in"))
    attempts: list[tuple[str, dict[str, str | None], Mapping[str, str]]] = [
        ("without its token", {TOKEN: None}, {}),
        ("with the token of another browser", {TOKEN: other}, {}),
        *(("from another site", {}, headers) for headers in FOREIGN),
    ]
    page = world.visitor.visit(world.request(prompt="consent").url)
    form = _form(page, "consent")
    for how, changes, headers in attempts:
        answer = world.visitor.submit(page, form, {"decision": "allow", **changes}, headers=headers)
        end = world.visitor.follow(answer)
        if "code" in parameters_of(end):
            return f"The form {how} gives the app a code."
        if answer.response.status < 400 and end.form_to_allow() is None:  # else the user is asked again
            raise Unclear(f"The form {how} is answered with status {answer.response.status}, not 403.")
    return None


@probe(
    "session-fixation",
    tries="A browser whose session cookie was chosen by someone else before the sign-in",
    must="the sign-in sets another one",
    why="The attacker who planted the cookie is signed in as the user.",
    section="OWASP ASVS 5.0 section 7.2.4",
)
def session_fixation(world: World) -> str | None:
    planted = "A" * 43
    visitor = world.new_visitor()
    visitor.cookies[visitor.name_of("signet")] = planted
    world.enter(visitor, world.request())
    if visitor.session() in {None, planted}:
        return "The planted cookie is the session after the sign-in."
    attacker = world.new_visitor()
    attacker.cookies[attacker.name_of("signet")] = planted
    return "The planted cookie is signed in." if _is_signed_in(world, attacker) else None


@probe(
    "session-after-sign-out",
    tries="The session cookie after the user signed out",
    must="no one is signed in with it",
    why="A copy of the cookie, from a shared device or a log, keeps access.",
    section="OWASP ASVS 5.0 section 7.4.1",
)
def after_sign_out(world: World) -> str | None:
    visitor = world.new_visitor()
    world.enter(visitor, world.request())
    page = visitor.visit(world.case.url + ACCOUNT)
    kept = dict(visitor.cookies)
    form = next((each for each in page.forms if each.action.partition("?")[0].endswith("/sign-out")), None)
    if form is None or not _is_signed_in(world, visitor):
        raise Unclear("The account page has no form to sign out.")
    visitor.follow(visitor.submit(page, form, {}))
    copy = world.new_visitor()
    copy.cookies = kept
    return "The copied cookie is still signed in." if _is_signed_in(world, copy) else None


def _is_signed_in(world: World, visitor: Visitor) -> bool:
    page = visitor.open(world.case.url + ACCOUNT)
    if page.response.status not in {200, 302, 303}:
        raise Unclear(f"The account page answers {page.response.status}.")
    return page.response.status == 200


@probe(
    "session-cookie",
    tries="The attributes of the session cookie",
    must="HttpOnly, SameSite, Secure with https, without Domain",
    why="Scripts, other sites, or someone in the same network get the session.",
    section="RFC 6265bis section 4.1.2",
    fix=PROXY,
)
def session_cookie(world: World) -> str | None:
    line = world.visitor.lines.get(world.visitor.name_of("signet"), "")
    if not line:
        raise Unclear("The sign-in set no session cookie.")
    given = {part.partition("=")[0].strip().lower(): part.partition("=")[2].lower() for part in line.split(";")[1:]}
    missing = [name for name in ("httponly", "samesite") if name not in given or given[name] == "none"]
    if world.case.secure and "secure" not in given:
        missing.append("secure")
    if missing or "domain" in given:
        return f"The cookie arrives without {', '.join(missing)}." if missing else "The cookie arrives with a Domain."
    return None


def _pages(world: World) -> list[tuple[str, Page]]:
    """Return pages of each kind, by name."""
    stranger = world.new_visitor()
    return [
        ("the sign-in page", stranger.visit(world.case.url + LOGIN)),
        ("the consent page", world.visitor.visit(world.request(prompt="consent").url)),
        ("the account page", world.visitor.visit(world.case.url + ACCOUNT)),
        ("an error page", stranger.visit(f"{world.case.url}{AUTHORIZE}?client_id=signet-doctor-nobody")),
    ]


@probe(
    "framing",
    tries="The sign-in, consent, account and error pages, framed by another site",
    must="frame-ancestors 'none' and X-Frame-Options: DENY",
    why="A user clicks on Allow without seeing it (clickjacking).",
    section="RFC 9700 section 4.16",
    fix=PROXY,
)
def framing(world: World) -> str | None:
    for name, page in _pages(world):
        policies = page.response.lines("content-security-policy")
        if not any("frame-ancestors 'none'" in policy or "frame-ancestors 'self'" in policy for policy in policies):
            return f"{name.capitalize()} has no Content-Security-Policy with frame-ancestors 'none'."
        if (page.response.header("x-frame-options") or "").upper() not in {"DENY", "SAMEORIGIN"}:
            return f"{name.capitalize()} has no X-Frame-Options: DENY."
    return None


@probe(
    "caches-of-pages",
    tries="The headers of the sign-in, consent, account and error pages",
    must="Cache-Control: no-store and Referrer-Policy: no-referrer",
    why="Another user of the device or a cache reads them; a Referer takes codes to other sites.",
    section="RFC 9700 section 4.2.4",
    fix=PROXY,
)
def caches(world: World) -> str | None:
    for name, page in _pages(world):
        for header, wanted in (("cache-control", "no-store"), ("referrer-policy", "no-referrer")):
            said = page.response.header(header) or "(none)"
            if wanted not in said.lower():
                return f"{name.capitalize()} has {header}: {said}."
    return None


@probe(
    "markup",
    tries="Markup in login_hint, client_id, and the path",
    must="shown as text, or not at all",
    why="A script in the sign-in page reads passwords (cross-site scripting).",
    section="OWASP ASVS 5.0 section 1.2.1",
)
def markup(world: World) -> str | None:
    evil = "\"'><svg/onload=doctor()>"
    stranger = world.new_visitor()
    pages = [
        stranger.visit(world.request(login_hint=evil).url),
        stranger.visit(world.request(client_id=evil).url),
        stranger.visit(world.request(ui_locales=evil, prompt=evil).url),
        stranger.visit(f"{world.case.url}/%3Csvg/onload=doctor()%3E"),
    ]
    for page in pages:
        if b"<svg/onload" in page.response.body:
            return f"{page.url.partition('?')[0]} has markup of the request."
    return None
