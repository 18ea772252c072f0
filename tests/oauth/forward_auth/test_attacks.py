"""Attacks on the answers to a proxy: paths that are read differently, hosts, headers and methods of clients."""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.oauth.explanations import find_explanation, find_latest
from tests.oauth.forward_auth.conftest import PAGE, PATHS, PROXY, WIKI, Protect, Visitor, join
from tests.support.installation import ISSUER, Work

Visit = Callable[..., Visitor]

UNCLEAR = (
    *("/health/../admin", "/health/%2e%2e/admin", "/health/..%2fadmin", "/health//admin", "/health/%252e%252e/admin"),
    *(
        "/health/..;/admin",
        "/health/..;",
        "/health/..%3b/admin",
        "/health%3bx",
        "/health;x=1",
        "/admin%3b",
        "/admin;/x",
    ),
    *("/health\\..\\admin", "/health/%5c..", "/health/%00", "/health/#", "/admin%23/x", "/admin%3f", "/health%3fx/y"),
    *(
        "/admin%0a",
        "/admin%0d%0a",
        "/admin%09",
        "/health/%7f",
        "/admin.",
        "/admin%20",
        "/admin%20/x",
        "/health/..%20/x",
    ),
    *("/health/%c0%ae%c0%ae/admin", "/%c0%af", "/health/%u002e%u002e/admin", "/health/%2", "/health/%zz", "/caf%e9"),
    *(
        "/%ef%bd%81dmin",
        "/health%ef%bc%8fx",
        "/health/%e2%80%a5/admin",
        "/health/%ef%bc%bc..",
        "/h\u00e9",
        "//evil.test",
    ),
)


def test_an_ambiguous_path_is_rejected_where_paths_have_rules(
    protect: Protect, visitor: Visit, ada: str, work: Work
) -> None:
    """N-478: what the site may read as another path than we do, also for a user who may see both."""
    protect(protected_paths=PATHS)
    join(work, ada, "admins")
    stranger, user = visitor(), visitor(ada)
    user.sign_in()
    for uri in UNCLEAR:
        for answer in (stranger.ask(uri.encode()), user.ask(uri.encode())):
            assert (answer.status_code, "ambiguous" in answer.text) == (403, True), uri
    for uri in ("/page;v=1", "/What%3F", "/C%23/x", "/a.b/c-d_e~f", "/%E6%97%A5", "/admin/x;v=1", "/admin/Is%20it%3F"):
        assert user.ask(uri).status_code == 200, uri


@pytest.mark.parametrize(
    "site", ["https://b\u00fccher.example.test", "https://[2001:db8:0::1]:8443", "https://LONG.test:443"]
)
def test_a_host_is_the_site_in_each_spelling_and_with_its_port_only(
    protect: Protect, visitor: Visit, site: str
) -> None:
    """N-547."""
    host = site.removeprefix("https://")
    known = protect(host).metadata.protected_sites[0].removeprefix("https://")
    visit = visitor()
    for spelled in (known, known.upper(), known.replace("2001:db8::1", "2001:0DB8::0001")):
        assert visit.ask(host=spelled).status_code == 302, spelled
    port = "" if known.count(":") in {0, 8} else known.rpartition(":")[2]
    bare = known.removesuffix(f":{port}")
    around = ("www.{}", "{}@evil.test", "evil.test/{}", "{0}, {0}", "{}%2eevil.test", "{}..", "{}\\.evil.test")
    for other in (f"{bare}:81", *(form.format(known) for form in around)):
        assert visit.ask(host=other).status_code == 403, other


IGNORED = (
    *({name: "/health"} for name in ("x-original-uri", "x-original-url", "x-rewrite-url")),
    *({name: "OPTIONS"} for name in ("x-http-method-override", "x-original-method")),
    *({"forwarded": "host=public.test;proto=https"}, {"x-forwarded-prefix": "/x"}),
    *({"remote-user": "root", "remote-groups": "admins"}, {"x-forwarded-port": "81"}, {"authorization": "Basic eDp4"}),
)
"""What a client can send that no proxy of ours sets, replaces or removes."""


def test_no_header_or_method_of_a_client_changes_the_answer(
    app: Starlette, protect: Protect, visitor: Visit, ada: str
) -> None:
    """N-551: header injection, method overrides, preflights and long paths."""
    protect(protected_paths=PATHS)
    stranger, user = visitor(), visitor(ada)
    user.sign_in()
    for sent in IGNORED:
        answer = user.ask("/admin", accept="*/*", **sent)
        assert (answer.status_code, "remote-user" in answer.headers) == (403, False), sent
        assert stranger.ask("/page", accept="*/*", **sent).status_code == 401, sent
    for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "GET\t", ""):
        assert user.ask("/admin", method=method, accept="*/*").status_code == 403, method
        assert stranger.ask("/page", method=method, accept="*/*").status_code in {401, 403}, method
    preflight = {"origin": "https://evil.test", "access-control-request-method": "GET"}
    answer = stranger.ask("/page", method="OPTIONS", **preflight)
    assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (401, False)
    asked = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/health"), ("x-forwarded-proto", "https")]
    asked.append(("x-forwarded-host", WIKI))
    assert user.http.get("/forward-auth", headers=asked).status_code == 200
    for name, value in asked:  # the proxy appended its own to what the client sent
        assert user.http.get("/forward-auth", headers=[*asked, (name, value)]).status_code == 403, name
    asked[1] = ("x-forwarded-uri", "/admin")
    for name, value in (("x_forwarded_uri", "/health"), ("x_forwarded_host", "public.test"), ("remote_user", "root")):
        assert user.http.get("/forward-auth", headers=[*asked, (name, value)]).status_code == 401, name
    long = stranger.ask("/page?q=" + "x" * 8000)
    assert (long.status_code, len(long.headers["location"]) < 2000) == (302, True)
    envoy = TestClient(app, base_url=ISSUER, follow_redirects=False, client=(PROXY, 1))
    for path in ("/forward-auth%2f@evil.test/", "/forward-auth%2fhealth"):
        answer = envoy.get(path, headers={"host": WIKI, "x-forwarded-proto": "https", **PAGE})
        assert answer.status_code in {403, 404}, path


def test_a_rejected_request_is_explained_by_the_id_on_its_page(
    protect: Protect, visitor: Visit, ada: str, work: Work
) -> None:
    """N-549: nginx asks twice, and only the second question, for the page, is stored."""
    client = protect(protected_paths=PATHS)
    visit = visitor(ada)
    visit.sign_in()
    for uri, expected in (("/admin/x", "admins"), ("/health/..;/admin", "a path without")):
        assert visit.ask(uri, redirect="?redirect=no").status_code == 403
        answer = visit.ask(uri)
        error_id = answer.text.strip().rpartition("Error ID: ")[2]
        with work() as w:
            found = find_explanation(w, error_id)
            assert len(find_latest(w, client_id=client.client_id, after=None, limit=9)) == 1 + (expected != "admins")
        assert found is not None
        assert (found.endpoint, found.client_id, found.error) == ("forward auth", client.client_id, "access_denied")
        assert str(found.checks[-1]["expected"]).startswith(expected)


@pytest.mark.parametrize(
    ("method", "sent", "status"),
    [
        ("GET", PAGE, 302),
        ("GET", {"accept": "text/html", "sec-websocket-key": "x", "sec-websocket-version": "13"}, 401),
        ("POST", {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"}, 401),
    ],
)
def test_traefik_is_answered(
    app: Starlette, protect: Protect, visitor: Visit, ada: str, method: str, sent: dict[str, str], status: int
) -> None:
    """What its ForwardAuth sends: GET without a body and without hop-by-hop headers, `Upgrade` included."""
    protect()
    visit = visitor(ada)
    traefik = TestClient(app, base_url=ISSUER, follow_redirects=False, client=(PROXY, 1))
    about = {
        "for": "203.0.113.7",
        "method": method,
        "proto": "https",
        "port": "443",
        "host": WIKI,
        "uri": "/page?q=%2F",
    }
    asked = {f"x-forwarded-{name}": value for name, value in about.items()} | {"user-agent": "", **sent}
    assert traefik.get("/forward-auth", headers=asked).status_code == status
    visit.sign_in()
    asked["cookie"] = "; ".join(f"{name}={value}" for name, value in visit.cookies[WIKI].items())
    answer = traefik.get("/forward-auth", headers=asked)
    assert (answer.status_code, answer.headers["remote-user"]) == (200, ada)
