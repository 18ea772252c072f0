"""Examinations of responses on their way back: redirects, cookies, files, headers that break pages, and caches."""

import hashlib
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from provider.doctor.browser import FILE, PAGE
from provider.doctor.echoes import ask_app
from provider.doctor.edge.answerer import DEPLOY, is_signet
from provider.doctor.examination import MISDIRECTED, Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem
from provider.doctor.transport import Response
from provider.web.health import Wish

VERSION = re.compile(r"\?v=([0-9a-f]{12})")
"""The beginning of the SHA-256 digest of a file, in its URL."""
PRIVATE = ("/oauth2/userinfo", "/account", "/login/second-factor")
"""Paths whose answers are for one user or app. Without credentials, they say so."""
COOKIES = 3

REDIRECT_CHANGED = problem(
    "browser.redirects-are-changed",
    why="In the middle of a sign-in, browsers end up at an address that is not there for them, or without encryption.",
    fix="Pass Location on as Signet sends it: `proxy_redirect off;`, or remove ProxyPassReverse.",
    section="RFC 9110 section 10.2.2; " + DEPLOY,
)
COOKIES_MERGED = problem(
    "browser.cookies-are-merged",
    why="A sign-in sets several cookies. Browsers read a merged line as one cookie, so users are not signed in.",
    fix="Pass every Set-Cookie header on as its own line. A gateway may need another format of its responses for that.",
    section="RFC 6265 section 3; RFC 9110 section 5.3",
)
FILES_CHANGED = problem(
    "browser.files-are-changed",
    why="Style and scripts are of another version, or rewritten on the way. Pages look broken, or passkeys fail.",
    fix="Empty the cache of the proxy or CDN, turn off its minification, and serve no copies of /static/.",
    section=DEPLOY,
)
NO_PASSKEYS = problem(
    "browser.passkeys-are-forbidden",
    why="Browsers refuse to create and use passkeys on these pages.",
    fix="Remove the Permissions-Policy of the proxy. Signet sends its own.",
    section="Web Authentication Level 3 section 5.9",
)
CLEARED = problem(
    "browser.cookies-are-cleared",
    why="Browsers delete all cookies with each page, so no one stays signed in.",
    fix="Remove Clear-Site-Data from the proxy.",
    section="Clear Site Data section 3.1",
)
ANSWERS_CACHED = problem(
    "browser.answers-are-cached",
    why="One user gets the answer that was meant for another, with personal data, or the sign-in form of someone else.",
    fix="Turn off the cache of the proxy or CDN for Signet, except for /static/.",
    section="RFC 9111 section 5.2.2.5",
)
ERROR_STATUS = problem(
    "proxy.status-is-changed",
    why="Apps refresh a token after 401 and report an error after 400. With another status they do neither.",
    fix="Pass the status of Signet on, and remove error pages of the proxy for Signet.",
    section="RFC 6749 section 5.2; RFC 6750 section 3.1",
)


def _redirects(case: Case) -> Iterator[Finding]:
    asked = f"{case.url}/account"
    answer = case.transport.send("GET", asked)
    to = answer.header("location")
    if to is None or not is_signet(answer):
        return  # the examination of the paths says who answers
    target = urlsplit(urljoin(asked, to))
    here = urlsplit(case.url)
    if (target.scheme, target.netloc) != (here.scheme, here.netloc) or not target.path.startswith(f"{here.path}/login"):
        yield REDIRECT_CHANGED.found(f"{asked} sends browsers to {to[:200]} instead of {case.url}/login.")
    else:
        yield fine("browser.redirects", "Redirects arrive as Signet sends them.")


def _cookies(case: Case) -> Iterator[Finding]:
    echo = ask_app(case, wish=Wish(cookies=COOKIES))
    if echo.seen is None:
        return
    lines = [line for line in echo.response.lines("set-cookie") if line.startswith("signet-doctor-")]
    if not lines:
        return  # the examination of the sign-in page says that cookies are lost
    if len(lines) == COOKIES and not any("," in line for line in lines):
        yield fine("browser.several-cookies", f"{COOKIES} cookies of one response arrive.")
    else:
        yield COOKIES_MERGED.found(f"A response with {COOKIES} cookies arrives with {len(lines)} lines of Set-Cookie.")


def _files(case: Case) -> Iterator[Finding]:
    page = case.ask("GET", PAGE)
    root = f"{urlsplit(case.url).scheme}://{case.authority}"
    changed = []
    for path in dict.fromkeys(found[1].decode("ascii", "replace") for found in FILE.finditer(page.body)):
        version = VERSION.search(path)
        if version is None or not path.startswith("/"):
            continue
        answer = case.transport.send("GET", root + path)
        if answer.status == 200 and hashlib.sha256(answer.body).hexdigest()[:12] != version[1]:
            changed.append(path.partition("?")[0])
    if changed:
        yield FILES_CHANGED.found(f"{', '.join(changed)} arrives with another content than the page names.")


def _harmful_headers(case: Case) -> Iterator[Finding]:
    page = case.ask("GET", PAGE)
    for policy in page.lines("permissions-policy"):
        forbidden = re.findall(r"(publickey-credentials-(?:get|create))=\(\)", policy)
        if forbidden:
            yield NO_PASSKEYS.found(f"The sign-in page arrives with Permissions-Policy: {forbidden[0]}=().")
            break
    if (cleared := page.header("clear-site-data")) is not None:
        yield CLEARED.found(f"The sign-in page arrives with Clear-Site-Data: {cleared}.")


def _private_answers(case: Case) -> Iterator[Finding]:
    for path in PRIVATE:
        first, second = (case.transport.send("GET", case.url + path) for _ in range(2))
        if not is_signet(first) or first.status == MISDIRECTED:
            continue  # the examinations of the paths and the address say who answers
        why = _is_kept(first, second)
        if why is not None:
            yield ANSWERS_CACHED.found(f"{path} comes from a cache: {why}.")
        elif first.status < 500 and "no-store" not in (first.header("cache-control") or "").lower():
            said = first.header("cache-control") or "no Cache-Control"
            yield ANSWERS_CACHED.found(f"{path} arrives with {said} instead of no-store.")
        else:
            yield fine("browser.private-answers", f"{path} is answered anew each time.")


def _is_kept(first: Response, second: Response) -> str | None:
    same = first.header("x-request-id")
    if same is not None and same == second.header("x-request-id"):
        return f"two requests have the same X-Request-Id {same}"
    age = second.header("age")
    return None if age in {None, "0"} else f"its age is {age} seconds"


def _statuses(case: Case) -> Iterator[Finding]:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    token = case.ask("POST", "/oauth2/token", headers=form, body=b"grant_type=doctor")
    userinfo = case.ask("GET", "/oauth2/userinfo")
    changed = [
        f"{path} ({answer.status} instead of {right[0]})"
        for path, answer, right in (("/oauth2/token", token, (400, 401)), ("/oauth2/userinfo", userinfo, (401, 400)))
        if answer.status not in right and b'"error"' in answer.body
    ]
    if changed:
        yield ERROR_STATUS.found(f"The status of an error is changed: {', '.join(changed)}.")


EDGE_RESPONSES = (
    Examination("redirects", Group.BROWSER, "Asks for the account page and reads where it leads.", _redirects),
    Examination(
        "several-cookies",
        Group.BROWSER,
        f"Asks Signet for a response with {COOKIES} cookies that expire immediately.",
        _cookies,
        Needs.INSTALLATION,
    ),
    Examination("files", Group.BROWSER, "Compares style and scripts with their digests.", _files, seconds=20.0),
    Examination("harmful-headers", Group.BROWSER, "Reads headers of the sign-in page.", _harmful_headers),
    Examination(
        "private-answers",
        Group.BROWSER,
        "Asks userinfo and pages of the account twice, without credentials, and compares.",
        _private_answers,
        seconds=20.0,
    ),
    Examination("statuses", Group.PROXY, "Reads the status of errors.", _statuses),
)
