"""signet doctor on pages and cookies as a browser gets them: break them, and it is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from provider.doctor.browser import BROWSER
from provider.doctor.examination import Case
from provider.doctor.transport import Response
from tests.support.cases import in_one_world
from tests.support.doctor import Proxy, found_by, respond, with_header, without

Change = Callable[[Response], Response]
PAGE = "/login"


def found(case: Case) -> dict[str, str]:
    return {name: each.severity for name, each in found_by(case, BROWSER).items()}


def cookie(old: str, new: str) -> Change:
    def change(response: Response) -> Response:
        lines = tuple(
            (name, value.replace(old, new) if name == "set-cookie" else value) for name, value in response.headers
        )
        return replace(response, headers=lines)

    return change


def added(name: str, value: str) -> Change:
    return lambda response: replace(response, headers=(*response.headers, (name, value)))


def test_fit_pages_have_no_finding(case: Case) -> None:
    assert found(case) == {}


@in_one_world(
    ("change", "name"),
    [
        (lambda _: respond(403), "browser.no-sign-in-page"),
        (lambda response: without(response, "set-cookie"), "browser.cookie-is-lost"),
        (cookie("; Secure", ""), "browser.cookie-is-changed"),
        (cookie("HttpOnly; ", ""), "browser.cookie-is-changed"),
        (cookie("Path=/", "Path=/auth"), "browser.cookie-is-changed"),
        (cookie("Path=/", "Path=/; Domain=example.test"), "browser.cookie-is-changed"),
        (cookie("SameSite=lax", "SameSite=None"), "browser.cookie-is-changed"),
        (cookie("__Host-", ""), "browser.cookie-is-changed"),
        (lambda response: without(response, "content-security-policy"), "browser.security-headers-are-lost"),
        (lambda response: without(response, "x-frame-options"), "browser.security-headers-are-lost"),
        (
            lambda response: with_header(response, "content-security-policy", "default-src *"),
            "browser.security-headers-are-lost",
        ),
        (added("X-Frame-Options", "SAMEORIGIN"), "browser.security-headers-are-doubled"),
        (added("Content-Security-Policy", "default-src 'self'"), "browser.security-headers-are-doubled"),
        (added("X-Cache", "HIT"), "browser.pages-are-cached"),
        (added("CF-Cache-Status", "HIT"), "browser.pages-are-cached"),
        (added("Age", "30"), "browser.pages-are-cached"),
        (lambda response: with_header(response, "x-request-id", "0123"), "browser.pages-are-cached"),
        (lambda response: without(response, "cache-control"), "browser.cache-control-is-lost"),
        (lambda response: with_header(response, "cache-control", "max-age=60"), "browser.cache-control-is-lost"),
        (
            lambda response: replace(response, body=response.body + b'<script src="//cdn.example/x.js"></script>'),
            "browser.pages-are-changed",
        ),
        (added("Content-Encoding", "gzip"), "browser.pages-are-compressed"),
        (added("Access-Control-Allow-Origin", "*"), "browser.pages-are-open-to-other-sites"),
    ],
)
def test_a_page_that_a_proxy_changes_is_named(case: Case, proxy: Proxy, change: Change, name: str) -> None:
    proxy.change = lambda path, response: change(response) if path == PAGE else response
    severity = "warning" if name == "browser.pages-are-compressed" else "problem"
    assert found(case) == {name: severity}


@pytest.mark.parametrize("answer", [respond(404), respond(200, b"<h1>Hello</h1>", content_type="text/html")])
def test_missing_files_of_pages_are_named(case: Case, proxy: Proxy, answer: Response) -> None:
    proxy.answer = lambda request: answer if request[1].startswith("/static/") else None
    assert found(case) == {"browser.files-are-missing": "problem"}
