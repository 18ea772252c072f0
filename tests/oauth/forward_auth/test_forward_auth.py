"""Forward authentication: what a proxy is told about a request to a protected site."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts.groups.members import remove_member
from provider.accounts.store import users
from provider.accounts.suspension import suspend
from provider.database.engine import OUTAGES
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.protected_sites.sites import OF_NEW_CLIENT
from provider.oauth.tokens.store import active_grants, token_grants
from provider.sessions.lifecycle import end_all_sessions
from tests.oauth.forward_auth.conftest import PAGE, PATHS, PROXY, WIKI, Protect, Visitor, join, query_of
from tests.support.installation import ISSUER, Work

Visit = Callable[..., Visitor]
EMPTY = {"remote-user": "", "remote-name": "", "remote-email": "", "remote-groups": ""}


def identity(answer: object) -> dict[str, str]:
    return {name: answer.headers[name] for name in EMPTY}  # type: ignore[attr-defined]


@pytest.mark.both_databases
def test_a_user_signs_in_and_the_site_learns_who_it_is(protect: Protect, visitor: Visit, ada: str, work: Work) -> None:
    client = protect()
    join(work, ada, "staff", "a,b")
    visit = visitor(ada)
    back = visit.sign_in("/page?q=1&r=%2F")
    assert (back.status_code, back.headers["location"]) == (302, f"https://{WIKI}/page?q=1&r=%2F")
    answer = visit.ask("/page")
    assert answer.status_code == 200
    assert identity(answer) == {
        "remote-user": ada,
        "remote-name": "Ada Lovelace",
        "remote-email": "ada@example.test",
        "remote-groups": "a%2Cb,staff",
    }
    with work() as w:  # users see it among their apps, and can end it there
        held = active_grants.find_held(w.read, ada, now=w.now)
    assert held.keys() == {client.client_id}


def test_the_cookie_of_the_site_is_host_only_and_not_for_scripts(protect: Protect, visitor: Visit, ada: str) -> None:
    protect()
    line = visitor(ada).sign_in().headers["set-cookie"]
    assert line.startswith("__Host-signet-site=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(line.split("; "))
    assert "Domain" not in line
    assert "Max-Age" not in line


def test_a_name_that_is_no_ascii_cannot_break_the_headers(
    protect: Protect, visitor: Visit, ada: str, work: Work
) -> None:
    """N-461: RFC 9110 section 5.5."""
    protect()
    with work() as w:
        users.set_claims(w.db, ada, {"name": "Zoë 50%\r\nRemote-User: root"}, now=w.now)
    visit = visitor(ada)
    visit.sign_in()
    answer = visit.ask()
    assert answer.headers["remote-name"] == "Zo%C3%AB 50%25%0D%0ARemote-User: root"
    assert answer.headers["remote-user"] == ada


def test_the_scope_of_the_client_decides_what_the_site_learns(protect: Protect, visitor: Visit, ada: str) -> None:
    protect(scope="openid email")
    visit = visitor(ada)
    visit.sign_in()
    assert identity(visit.ask()) == EMPTY | {"remote-user": ada, "remote-email": "ada@example.test"}


@pytest.mark.parametrize(
    "sent",
    [
        {"method": "POST", "accept": "text/html"},
        {"method": "GET", "accept": "application/json"},
        {"method": "GET", "accept": "text/html", "x_requested_with": "XMLHttpRequest"},
        {"method": "GET", "accept": "text/html", "sec_fetch_mode": "cors"},
        {"method": "GET", "accept": "text/html", "sec_websocket_key": "x", "upgrade": "websocket"},
    ],
)
def test_what_is_no_navigation_gets_401_instead_of_a_redirect(
    protect: Protect, visitor: Visit, sent: dict[str, str]
) -> None:
    """N-462: a redirect would lose the body, and a script cannot follow it."""
    protect()
    answer = visitor().ask("/save", **sent)
    assert answer.status_code == 401
    assert "location" not in answer.headers


def test_nginx_is_answered_401_and_then_gets_the_redirect(protect: Protect, visitor: Visit) -> None:
    protect()
    visit = visitor()
    assert visit.ask(redirect="?redirect=no").status_code == 401
    assert visit.ask().status_code == 302


def test_only_a_trusted_proxy_may_ask(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-463."""
    protect()
    visit = visitor(ada)
    visit.sign_in()
    visit.http.come_from("203.0.113.9")
    assert visit.ask().status_code == 403
    assert visit.go("/.signet/callback?code=x&state=y").status_code == 403
    assert visit.go("/.signet/sign-out").status_code == 403


@pytest.mark.parametrize("host", ["other.example.test", f"{WIKI}, evil.test", f"evil.test@{WIKI}", f"{WIKI}:8443", ""])
def test_a_host_that_no_client_protects_is_403(protect: Protect, visitor: Visit, ada: str, host: str) -> None:
    """N-464: host confusion."""
    protect()
    visit = visitor(ada)
    visit.sign_in()
    visit.cookies[host] = visit.cookies[WIKI]
    answer = visit.ask(host=host)
    assert answer.status_code == 403
    assert "remote-user" not in answer.headers


@pytest.mark.parametrize("host", [WIKI.upper(), f"{WIKI}:443", f"{WIKI}."])
def test_another_spelling_of_the_host_is_the_same_site(protect: Protect, visitor: Visit, ada: str, host: str) -> None:
    protect()
    visit = visitor(ada)
    visit.sign_in()
    visit.cookies[host] = visit.cookies[WIKI]
    assert visit.ask(host=host).status_code == 200


def test_two_values_of_the_host_are_not_believed(protect: Protect, visitor: Visit) -> None:
    """N-465: the proxy passed on a header that the client sent, beside its own."""
    protect()
    visit = visitor()
    both = [("x-forwarded-host", WIKI), ("x-forwarded-host", "public.example.test"), ("x-forwarded-proto", "https")]
    asked = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/")]
    assert visit.http.get("/forward-auth", headers=both + asked).status_code == 403


def test_a_cookie_is_worthless_at_another_site_of_the_same_client(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-466: cross-host replay."""
    protect(WIKI, "files.example.test")
    visit = visitor(ada)
    visit.sign_in()
    visit.cookies["files.example.test"] = dict(visit.cookies[WIKI])
    assert visit.ask(host="files.example.test").status_code == 302
    assert visit.ask().status_code == 200


def test_a_changed_or_foreign_cookie_is_no_sign_in(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-467."""
    protect()
    visit = visitor(ada)
    visit.sign_in()
    name = "__Host-signet-site"
    for value in (visit.cookies[WIKI][name][:-2] + "AA", visit.cookies[WIKI]["__Host-signet-site-browser"], "x" * 5000):
        visit.cookies[WIKI][name] = value
        assert visit.ask().status_code == 302


def test_a_sign_in_of_another_browser_is_not_finished(protect: Protect, visitor: Visit, ada: str, work: Work) -> None:
    """N-468: cookie fixation and login CSRF (RFC 6749 section 10.12). The code stays unused."""
    protect()
    attacker, victim = visitor(ada), visitor()
    victim.ask()
    callback = attacker.authorize(attacker.ask()).headers["location"].removeprefix(f"https://{WIKI}")
    before = dict(victim.cookies[WIKI])
    answer = victim.go(callback)
    assert answer.status_code == 403
    assert victim.cookies[WIKI] == before
    assert attacker.go(callback).status_code == 302


def test_a_code_is_used_once(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-469: a replay ends the access that the first use gave (RFC 6749 section 4.1.2)."""
    protect()
    visit = visitor(ada)
    callback = visit.authorize(visit.ask()).headers["location"].removeprefix(f"https://{WIKI}")
    assert visit.go(callback).status_code == 302
    assert visit.ask().status_code == 200
    assert visit.go(callback).status_code == 403
    assert visit.ask().status_code == 302


def test_a_sign_in_for_one_site_is_not_finished_at_another(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-470."""
    protect(WIKI, "files.example.test")
    visit = visitor(ada)
    callback = visit.authorize(visit.ask()).headers["location"].removeprefix(f"https://{WIKI}")
    visit.cookies["files.example.test"] = dict(visit.cookies[WIKI])
    assert visit.go(callback, host="files.example.test").status_code == 403


@pytest.mark.parametrize("uri", ["//evil.test/", "/\\evil.test", "/@evil.test", "/?next=https://evil.test"])
def test_users_return_to_the_site_only(protect: Protect, visitor: Visit, ada: str, uri: str) -> None:
    """N-471: no open redirect (RFC 9700 section 4.11)."""
    protect()
    back = visitor(ada).sign_in(uri)
    assert back.headers["location"] == f"https://{WIKI}{uri}".replace("\\", "%5C")


@pytest.mark.parametrize("uri", ["https://evil.test/", "evil.test", "", "*"])
def test_a_request_without_a_path_is_rejected(protect: Protect, visitor: Visit, uri: str) -> None:
    """N-472."""
    protect()
    assert visitor().ask(uri).status_code == 403


def test_a_request_to_signet_itself_cannot_name_a_page_to_return_to(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-473: the state is sealed, so that no one but Signet chooses where users return."""
    protect()
    visit = visitor(ada)
    visit.ask()
    query = urlencode({"code": "x", "state": "https://evil.test/", "return_to": "https://evil.test/"})
    answer = visit.go(f"/.signet/callback?{query}")
    assert answer.status_code == 403
    assert "location" not in answer.headers


def test_an_error_of_the_sign_in_is_shown_and_does_not_start_again(protect: Protect, visitor: Visit) -> None:
    protect()
    visit = visitor()
    state = query_of(visit.ask())["state"]
    answer = visit.go(f"/.signet/callback?{urlencode({'error': 'access_denied', 'state': state})}")
    assert answer.status_code == 403
    assert "access_denied" in answer.text
    evil = visit.go(f"/.signet/callback?{urlencode({'error': '<script>', 'state': state})}")
    assert "<script>" not in evil.text
    assert evil.headers["content-type"].startswith("text/plain")


def test_signing_out_reaches_every_site(protect: Protect, visitor: Visit, ada: str, work: Work) -> None:
    protect(WIKI)
    protect("files.example.test")
    visit = visitor(ada)
    visit.sign_in()
    visit.sign_in(host="files.example.test")
    with work() as w:
        end_all_sessions(w, user_id=ada, reason="signed out")
    assert visit.ask().status_code == 302
    assert visit.ask(host="files.example.test").status_code == 302


def test_signing_out_at_the_site_ends_its_access_and_leads_to_signets_page(
    protect: Protect, visitor: Visit, ada: str
) -> None:
    client = protect()
    visit = visitor(ada)
    visit.sign_in()
    copy = dict(visit.cookies[WIKI])
    answer = visit.go("/.signet/sign-out", sec_fetch_site="same-origin")
    assert answer.headers["location"] == f"{ISSUER}/oauth2/logout?client_id={client.client_id}"
    assert "__Host-signet-site" not in visit.cookies[WIKI]
    visit.cookies[WIKI] = copy
    assert visit.ask().status_code == 302
    assert "Wiki" in visit.signet.get(answer.headers["location"].removeprefix(ISSUER)).text


def test_a_link_of_another_site_does_not_sign_out(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-474."""
    protect()
    visit = visitor(ada)
    visit.sign_in()
    visit.go("/.signet/sign-out", sec_fetch_site="cross-site")
    assert visit.ask().status_code == 200


@pytest.mark.parametrize("end", ["suspend", "disable", "remove the site"])
def test_ended_access_ends_here_immediately(protect: Protect, visitor: Visit, ada: str, work: Work, end: str) -> None:
    """N-475: the one rule for ending access."""
    client = protect()
    visit = visitor(ada)
    visit.sign_in()
    with work() as w:
        if end == "suspend":
            suspend(w, user_id=ada, reason=None)
        elif end == "disable":
            clients.disable(w, client.client_id)
        else:
            moved = replace(client.metadata, protected_sites=("https://other.example.test",))
            clients.update_client(w, client.client_id, moved)
    assert visit.ask().status_code in {302, 403}


def test_who_leaves_the_group_loses_access_with_the_next_request(
    protect: Protect, visitor: Visit, ada: str, work: Work
) -> None:
    """N-476: the access policy of the client. Signet's page says why."""
    join(work, ada, "staff")
    protect(allowed_groups=["staff"])
    visit = visitor(ada)
    visit.sign_in()
    assert visit.ask().status_code == 200
    with work() as w:
        remove_member(w, "staff", user_id=ada)
    assert visit.authorize(visit.ask()).headers["location"].startswith("/access-denied?")
    assert visit.ask("/save", method="POST", accept="*/*").status_code == 403


def test_the_network_is_that_of_the_user_not_of_the_proxy(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-477."""
    protect(allowed_networks=["203.0.113.0/24"])
    visit = visitor(ada)
    visit.signet.come_from("203.0.113.7")
    visit.sign_in()
    assert visit.ask("/x", accept="*/*").status_code == 200
    assert visit.ask("/x", accept="*/*", x_forwarded_for="198.51.100.1").status_code == 403
    assert visit.ask("/x", **PAGE, x_forwarded_for="198.51.100.1").status_code == 403, "no redirect, which would loop"
    assert visit.ask("/x", accept="*/*", x_forwarded_for="203.0.113.7, 198.51.100.1").status_code == 403


def test_rules_of_paths(protect: Protect, visitor: Visit, ada: str, work: Work) -> None:
    protect(protected_paths=PATHS)
    visit = visitor(ada)
    for uri in ("/health", "/health/live?x=1", "/admin/public/logo.png"):
        answer = visit.ask(uri)
        assert (answer.status_code, identity(answer)) == (200, EMPTY), uri
    assert visit.ask("/healthy").status_code == 302
    visit.sign_in()
    for uri in ("/admin", "/admin/", "/ADMIN/x", "/%61dmin", "/admin;v=1/x", "/ADMIN/public", "/admin/public;/x"):
        assert visit.ask(uri).status_code == 403, uri
    assert visit.ask("/administration").status_code == 200
    join(work, ada, "admins")
    assert visit.ask("/admin/x").status_code == 200


def test_a_path_that_needs_two_factors_asks_for_them(protect: Protect, visitor: Visit, ada: str) -> None:
    protect(protected_paths=PATHS)
    visit = visitor(ada)
    visit.sign_in()
    answer = visit.ask("/vault")
    assert '"essential": true' in query_of(answer)["claims"]
    assert "unmet_authentication_requirements" in visit.authorize(answer).headers["location"]
    strong = visitor(ada, amr="pwd otp mfa")
    strong.sign_in("/vault")
    assert strong.ask("/vault").status_code == 200


def test_a_factor_that_the_client_requires_later_is_asked_for(
    protect: Protect, visitor: Visit, ada: str, work: Work
) -> None:
    """N-479."""
    client = protect()
    visit = visitor(ada)
    visit.sign_in()
    with work() as w:
        clients.update_client(w, client.client_id, replace(client.metadata, required_factor="two-factor"))
    assert visit.ask().status_code == 302


@pytest.mark.parametrize("uri", ["/health", "/page?x=1", "/admin"])
def test_envoy_is_answered_by_host_method_and_path(
    app: Starlette, protect: Protect, visitor: Visit, ada: str, uri: str
) -> None:
    """N-480: what a client sends as X-Forwarded-Host or X-Forwarded-Uri is not read. Methods of WebDAV are answered."""
    protect(protected_paths=PATHS)
    visit = visitor(ada)
    envoy = TestClient(app, base_url=ISSUER, follow_redirects=False, client=(PROXY, 1))
    sent = {"host": WIKI, "x-forwarded-proto": "https", "x-forwarded-host": "public.test", "x-forwarded-uri": "/health"}
    answer = envoy.get(f"/forward-auth{uri}", headers={**sent, **PAGE})
    assert answer.status_code == (200 if uri == "/health" else 302)
    for method in ("POST", "PROPFIND"):
        answer = envoy.request(method, f"/forward-auth{uri}", headers=sent)
        assert answer.status_code == (200 if uri == "/health" else 401)
    visit.sign_in()
    sent["cookie"] = "; ".join(f"{name}={value}" for name, value in visit.cookies[WIKI].items())
    for method in ("POST", "PROPFIND"):
        answer = envoy.request(method, f"/forward-auth{uri}", headers=sent)
        assert answer.status_code == (403 if uri == "/admin" else 200)


def test_a_site_of_two_clients_is_closed(protect: Protect, visitor: Visit, ada: str) -> None:
    """N-481."""
    protect(protected_paths={"/health": {"bypass": True}})
    protect()
    answer = visitor(ada).ask("/health")
    assert answer.status_code == 403
    assert "More than one application" in answer.text


def test_an_outage_is_503_and_not_a_verdict(
    protect: Protect, visitor: Visit, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-482: proxies reject the request, and the user is not signed out."""
    protect()
    visit = visitor(ada)
    visit.sign_in()

    def away(*_: object, **__: object) -> None:
        raise OUTAGES[0]("away")

    monkeypatch.setattr(token_grants, "find", away)
    visit.http.outage = True
    answer = visit.ask()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.undo()
    assert visit.ask().status_code == 200


@pytest.mark.parametrize(
    ("wrong", "about"),
    [
        ({"protected_sites": ["http://wiki.example.test"]}, "must be https"),
        ({"protected_sites": ["https://wiki.example.test/admin"]}, "without path"),
        ({"protected_sites": ["https://*.example.test"]}, "wildcard"),
        ({"protected_sites": ["capacitor://localhost"]}, "must begin with https"),
        ({"protected_sites": []}, "requires protected_sites"),
        ({"grant_types": ["client_credentials"]}, "authorization_code"),
        ({"response_modes": ["form_post"]}, "response mode query"),
        ({"protected_paths": {"admin": {"bypass": True}}}, "must be a path"),
        ({"protected_paths": {"/a/../b": {"bypass": True}}}, "must be a path"),
        ({"protected_paths": {"/%61": {"bypass": True}}}, "must be a path"),
        ({"protected_paths": {"/a": {}, "/b": "x"}}, "JSON object"),
        ({"protected_paths": {"/a": {"bypass": False}}}, "bypass must be true"),
        ({"protected_paths": {"/a": {"bypass": True, "allowed_roles": ["x"]}}}, "only member"),
        ({"protected_paths": {"/a": {"allowed_groups": "x"}}}, "list of strings"),
        ({"protected_paths": {"/a": {"allowed_networks": ["10.0.0.1/8"]}}}, "allowed_networks"),
        ({"protected_paths": {"/a": {"required_factor": "three"}}}, "required_factor"),
        ({"protected_paths": {"/a": {"groups": ["x"]}}}, "'groups' is not one of"),
    ],
)
def test_a_site_that_cannot_be_protected_is_not_registered(wrong: dict[str, Any], about: str) -> None:
    """N-483."""
    given = dict(OF_NEW_CLIENT) | {"protected_sites": [f"https://{WIKI}"], "protected_paths": PATHS} | wrong
    with pytest.raises(InvalidMetadata, match=about):
        parse_metadata(given)


def test_redirect_uris_follow_the_sites() -> None:
    given = dict(OF_NEW_CLIENT) | {"redirect_uris": ["https://app.test/cb"], "protected_sites": ["https://A.test/"]}
    parsed = parse_metadata(given)
    assert parsed.redirect_uris == ("https://app.test/cb", "https://a.test/.signet/callback")
    again = parse_metadata(parsed.as_json() | {"protected_sites": []})
    assert again.redirect_uris == ("https://app.test/cb",)
