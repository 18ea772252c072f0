"""Examinations of pages as a browser gets them through the proxy: cookies, security headers, caches, and files."""

import re
from collections.abc import Iterator
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from provider.doctor.examination import Case, Examination, Group
from provider.doctor.findings import Finding, fine, problem, warning
from provider.doctor.transport import Response

PAGE = "/login"
COOKIE = "signet-browser"
CACHED = re.compile(r"\bhit\b", re.IGNORECASE)
CACHE_HEADERS = ("x-cache", "x-cache-status", "x-proxy-cache", "cf-cache-status", "x-varnish-cache")
SCRIPT = re.compile(rb"<script\b([^>]*)>", re.IGNORECASE)
NONCE = re.compile(r"'nonce-([0-9A-Za-z+/_=-]+)'")
FILE = re.compile(rb'(?:href|src)="([^"]*/static/[^"]+\.(css|js)[^"]*)"')
TYPES = {"css": ("text/css",), "js": ("text/javascript", "application/javascript")}
DEPLOY = "docs/operate/deploy.md"

NO_PAGE = problem(
    "browser.no-sign-in-page",
    why="Users sign in on this page.",
    fix="Check that the proxy passes all paths below the issuer on, and that its firewall does not block browsers.",
    section=DEPLOY,
)
NO_COOKIE = problem(
    "browser.cookie-is-lost",
    why="Without this cookie every form is rejected, so no one can sign in.",
    fix="Remove the rule of the proxy that drops Set-Cookie (proxy_hide_header, or a cache in front of pages).",
    section=DEPLOY,
)
COOKIE_CHANGED = problem(
    "browser.cookie-is-changed",
    why="Browsers reject the cookie, or send it where it does not belong, so no one can sign in or sessions leak.",
    fix="Remove the rules of the proxy that rewrite cookies (proxy_cookie_domain, proxy_cookie_path), or "
    "check SIGNET_ISSUER.",
    section="RFC 6265bis section 4.1.3",
)
HEADERS_LOST = problem(
    "browser.security-headers-are-lost",
    why="These headers keep other sites from framing pages, and injected scripts from running.",
    fix="Remove the rule of the proxy that drops them. Signet sends them with every page.",
    section="RFC 9700 section 4.16; docs/operate/security.md",
)
HEADERS_DOUBLED = problem(
    "browser.security-headers-are-doubled",
    why="Browsers apply the strictest of several policies, which breaks pages, or ignore contradictory ones.",
    fix="Remove the headers that the proxy adds. Signet sends its own, with a new nonce for each page.",
    section="Content Security Policy Level 3 section 8.1",
)
PAGE_CACHED = problem(
    "browser.pages-are-cached",
    why="One user gets the page, or even the cookie, of another. Forms of a cached page are rejected.",
    fix="Turn off the cache of the proxy or the CDN for Signet, except for /static/.",
    section="RFC 9111 section 5.2.2.5",
)
CACHE_HEADER_LOST = problem(
    "browser.cache-control-is-lost",
    why="Browsers and proxies may store pages with personal data.",
    fix="Remove the rule of the proxy that drops or replaces Cache-Control.",
    section="RFC 9111 section 5.2.2.5",
)
PAGE_CHANGED = problem(
    "browser.pages-are-changed",
    why="The browser runs only the scripts of Signet, so others fail. They also could read passwords.",
    fix="Turn off features of the proxy or CDN that add scripts to pages or rewrite them.",
    section="docs/operate/security.md",
)
NO_FILES = problem(
    "browser.files-are-missing",
    why="Pages have no style, and passkeys do not work.",
    fix="Configure the proxy to pass /static/ on to Signet.",
    section=DEPLOY,
)
COMPRESSED = warning(
    "browser.pages-are-compressed",
    why="The size of a compressed page can reveal its secrets to someone who watches the network (BREACH).",
    fix="Turn off compression for text/html in the proxy. Style, scripts and JSON may be compressed.",
    section="RFC 9325 section 3.3",
)
CORS_ON_PAGES = problem(
    "browser.pages-are-open-to-other-sites",
    why="Scripts of other sites can read pages of a signed-in user.",
    fix="Remove Access-Control-Allow-Origin from the proxy. Signet sends it where it belongs.",
    section="RFC 9700 section 2.6",
)


def _cookies(case: Case) -> Iterator[Finding]:
    page = case.ask("GET", PAGE)
    if page.status != 200 or b"<form" not in page.body:
        yield NO_PAGE.found(f"{case.url}{PAGE} answers {page.status}{'' if page.status != 200 else ' without a form'}.")
        return
    base = urlsplit(case.url).path
    prefix = "" if not case.secure else "__Secure-" if base else "__Host-"
    line = next((each for each in page.lines("set-cookie") if COOKIE in each.partition("=")[0]), None)
    if line is None:
        yield NO_COOKIE.found(f"The sign-in page sets no cookie {prefix}{COOKIE}.")
        return
    wrong = _wrong_with(line, prefix + COOKIE, path=base or "/", secure=case.secure)
    if wrong:
        yield COOKIE_CHANGED.found(f"The cookie {line.partition('=')[0]} arrives {', '.join(wrong)}.")
    else:
        yield fine("browser.cookie", f"A browser keeps the cookie {prefix}{COOKIE}.")


def _wrong_with(line: str, name: str, *, path: str, secure: bool) -> list[str]:
    """Return what is wrong with a Set-Cookie line, in words."""
    found = line.partition("=")[0].strip()
    try:
        morsel = next(iter(SimpleCookie(line).values()))
    except (CookieError, StopIteration):
        return ["in a form that cannot be read"]
    wrong = [f"as {found} instead of {name}"] if found != name else []
    if morsel["domain"]:
        wrong.append(f"with Domain={morsel['domain']}")
    if morsel["path"] != path:
        wrong.append(f"with Path={morsel['path'] or '(none)'} instead of {path}")
    if secure and not morsel["secure"]:
        wrong.append("without Secure")
    if not morsel["httponly"]:
        wrong.append("without HttpOnly")
    if str(morsel["samesite"]).lower() != "lax":
        wrong.append(f"with SameSite={morsel['samesite'] or '(none)'} instead of Lax")
    return wrong


SECURITY_HEADERS = ("content-security-policy", "x-frame-options", "x-content-type-options", "referrer-policy")


def _security_headers(case: Case) -> Iterator[Finding]:
    page = case.ask("GET", PAGE)
    if page.status != 200:
        return
    policy = page.header("content-security-policy") or ""
    lost = [name for name in SECURITY_HEADERS if page.header(name) is None]
    if policy and ("frame-ancestors" not in policy or not NONCE.search(policy)):
        lost.append("content-security-policy (another one arrives)")
    if lost:
        yield HEADERS_LOST.found(f"The sign-in page arrives without {', '.join(lost)}.")
    doubled = [name for name in SECURITY_HEADERS if len(page.lines(name)) > 1]
    if doubled:
        yield HEADERS_DOUBLED.found(f"The sign-in page arrives with several lines of {', '.join(doubled)}.")
    if not lost and not doubled:
        yield fine("browser.security-headers", "The security headers of pages arrive.")


def _caches(case: Case) -> Iterator[Finding]:
    first, second = case.ask("GET", PAGE), case.ask("GET", PAGE)
    if first.status != 200 or second.status != 200:
        return
    why = _cached(first, second)
    if why is not None:
        yield PAGE_CACHED.found(f"The sign-in page comes from a cache: {why}.")
    if "no-store" not in (second.header("cache-control") or "").lower():
        said = second.header("cache-control") or "no Cache-Control"
        yield CACHE_HEADER_LOST.found(f"The sign-in page arrives with {said} instead of no-store.")
    elif why is None:
        yield fine("browser.not-cached", "Each request for a page reaches Signet.")


def _cached(first: Response, second: Response) -> str | None:
    for name in CACHE_HEADERS:
        if CACHED.search(second.header(name) or ""):
            return f"{name} is {second.header(name)}"
    if (age := second.header("age")) not in {None, "0"}:
        return f"its age is {age} seconds"
    request_id = first.header("x-request-id")
    if request_id is not None and request_id == second.header("x-request-id"):
        return f"two requests have the same X-Request-Id {request_id}"
    return None


def _content(case: Case) -> Iterator[Finding]:
    page = case.ask("GET", PAGE, headers={"Accept-Encoding": "gzip, br", "Origin": "https://doctor.example"})
    if page.status != 200:
        return
    if page.header("access-control-allow-origin") is not None:
        said = page.header("access-control-allow-origin")
        yield CORS_ON_PAGES.found(f"The sign-in page arrives with Access-Control-Allow-Origin: {said}.")
    if (coding := page.header("content-encoding")) not in {None, "identity"}:
        yield COMPRESSED.found(f"The sign-in page arrives compressed with {coding}.")
    plain = case.ask("GET", PAGE)
    nonce = NONCE.search(plain.header("content-security-policy") or "")
    scripts = [found[1] for found in SCRIPT.finditer(plain.body)]
    if nonce is not None:
        mark = f'nonce="{nonce[1]}"'.encode()
        foreign = [script for script in scripts if mark not in script]
        if foreign:
            text = foreign[0].decode("utf-8", "replace").strip()[:100] or "a script in the page"
            yield PAGE_CHANGED.found(f"The sign-in page has a script that Signet did not send: {text}.")
        elif scripts:
            yield fine("browser.page", "The sign-in page arrives as Signet sent it.")
    yield from _files(case, plain)


def _files(case: Case, page: Response) -> Iterator[Finding]:
    root = f"{urlsplit(case.url).scheme}://{case.authority}"
    seen = set()
    for found in FILE.finditer(page.body):
        path, kind = found[1].decode("ascii", "replace"), found[2].decode()
        if kind in seen or not path.startswith("/"):
            continue
        seen.add(kind)
        answer = case.transport.send("GET", root + path)
        said = (answer.header("content-type") or "").partition(";")[0]
        if answer.status != 200 or said not in TYPES[kind]:
            yield NO_FILES.found(f"{path} answers {answer.status} as {said or 'no type'}.")
        else:
            yield fine("browser.files", f"{path.partition('?')[0]} arrives.")


BROWSER = (
    Examination("cookies", Group.BROWSER, "Asks for the sign-in page and reads its cookies.", _cookies),
    Examination(
        "security-headers", Group.BROWSER, "Asks for the sign-in page and reads its headers.", _security_headers
    ),
    Examination("page-cache", Group.BROWSER, "Asks for the sign-in page twice and compares.", _caches),
    Examination(
        "page-content", Group.BROWSER, "Asks for the sign-in page, its style and its script.", _content, seconds=20.0
    ),
)
