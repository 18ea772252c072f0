"""signet doctor on firewalls, CDNs, gateways and nodes: break them as operators do, and it names the cause."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from provider.config.settings import Settings
from provider.doctor.address import ADDRESS
from provider.doctor.edge import nodes
from provider.doctor.edge.nodes import EDGE_NODES
from provider.doctor.edge.paths import EDGE_PATHS
from provider.doctor.edge.responses import EDGE_RESPONSES
from provider.doctor.examination import Case
from provider.doctor.transport import Response
from provider.installation import open_installation
from provider.web.health import settings_digests
from tests.support.doctor import FakeResolver, FakeTransport, Proxy, Request, forward, found_by, respond, with_header

EDGE = (*EDGE_PATHS, *EDGE_RESPONSES, *EDGE_NODES)
ANSWER = tuple(each for each in ADDRESS if each.name in {"answer", "each-address"})
CHALLENGE = respond(403, b"<html><title>Just a moment...</title>", cf_mitigated="challenge", server="cloudflare")

Answer = Callable[[Request], Response | None]
Change = Callable[[str, Response], Response]


def found(case: Case, name: str) -> dict[str, str]:
    """Run the examinations that can find this, and no others."""
    chosen = [each for each in EDGE if name.startswith((f"{each.group}.", "doctor."))]
    return {each: finding.severity for each, finding in found_by(case, chosen).items()}


def at(*paths: str, answer: Response) -> Answer:
    return lambda request: answer if request[1].partition("?")[0] in paths else None


def of_method(*methods: str, answer: Response) -> Answer:
    return lambda request: answer if request[0] in methods else None


def of_agent(word: str, answer: Response) -> Answer:
    return lambda request: answer if word in request[2].get("User-Agent", "") else None


def path_becoming(old: str, new: str) -> Callable[[Request], Request]:
    def send(request: Request) -> Request:
        method, path, headers, body = forward(request)
        return method, path.replace(old, new), headers, body

    return send


def of(path: str, change: Callable[[Response], Response]) -> Change:
    return lambda at, response: change(response) if at == path else response


def setting(name: str, value: str) -> Callable[[Response], Response]:
    return lambda response: with_header(response, name, value)


def merged(response: Response) -> Response:
    """As a gateway does it that keeps headers in a map."""
    cookies = ", ".join(response.lines("set-cookie"))
    return with_header(response, "set-cookie", cookies) if cookies else response


MISSING_PATH = respond(404, b"<h1>Not Found</h1>", server="nginx")
ADDED_SLASH = respond(301, location="/oauth2/token/")
BROKEN_ANSWERS: Mapping[str, tuple[Answer, str]] = {
    "the proxy passes only some paths on": (at("/device", answer=MISSING_PATH), "proxy.paths-are-missing"),
    "another app has /.well-known/": (
        at("/.well-known/oauth-authorization-server", answer=respond(200, b"{}", content_type="application/json")),
        "proxy.paths-are-missing",
    ),
    "the proxy adds a slash": (at("/oauth2/token", answer=ADDED_SLASH), "proxy.paths-are-redirected"),
    "a rule needs a password": (
        at("/account/security", answer=respond(401, www_authenticate='Basic realm="staging"')),
        "address.password-in-front",
    ),
    "HEAD is blocked": (of_method("HEAD", answer=respond(405)), "proxy.head-is-blocked"),
    "OPTIONS is answered by the proxy": (of_method("OPTIONS", answer=respond(200)), "proxy.options-is-blocked"),
    "a firewall blocks programs": (of_agent("python-requests", respond(403)), "proxy.apps-are-blocked"),
    "a firewall challenges one language": (of_agent("Go-http-client", CHALLENGE), "proxy.apps-are-blocked"),
    "escaped slashes are rejected": (
        lambda request: respond(404) if "%2F" in request[1] and "/echo" in request[1] else None,
        "proxy.paths-are-changed",
    ),
}
BROKEN_PATHS: Mapping[str, tuple[str, str]] = {
    "slashes are merged": ("%2F%2F", "/"),
    "the final slash is removed": ("client%20id/", "client%20id"),
    "escapes are encoded twice": ("%2F", "%252F"),
}
BROKEN_RESPONSES: Mapping[str, tuple[Change, str]] = {
    "Location names the host behind": (
        of("/account", setting("location", "http://127.0.0.1:8001/login")),
        "browser.redirects-are-changed",
    ),
    "Location loses TLS": (
        of("/account", setting("location", "http://id.example.test/login")),
        "browser.redirects-are-changed",
    ),
    "cookies are merged": (of("/health/echo", merged), "browser.cookies-are-merged"),
    "scripts are minified": (
        lambda path, response: replace(response, body=b"x" + response.body) if "/static/" in path else response,
        "browser.files-are-changed",
    ),
    "passkeys are forbidden": (
        of("/login", setting("permissions-policy", "publickey-credentials-get=(), camera=()")),
        "browser.passkeys-are-forbidden",
    ),
    "pages clear cookies": (of("/login", setting("clear-site-data", '"cookies"')), "browser.cookies-are-cleared"),
    "userinfo is cached": (
        of("/oauth2/userinfo", setting("x-request-id", "0123456789abcdef")),
        "browser.answers-are-cached",
    ),
    "the cache policy of accounts is replaced": (
        of("/account", setting("cache-control", "max-age=600")),
        "browser.answers-are-cached",
    ),
    "401 becomes 403": (
        of("/oauth2/userinfo", lambda response: replace(response, status=403)),
        "proxy.status-is-changed",
    ),
}


def test_what_proxies_firewalls_and_gateways_break_is_named(case: Case, proxy: Proxy) -> None:
    """Each of these breakages alone, with the one finding that names it."""
    assert found_by(case, EDGE) == {}
    named: dict[str, dict[str, str]] = {}
    for breakage, (answer, _) in BROKEN_ANSWERS.items():
        proxy.answer = answer
        named[breakage] = {each: finding.severity for each, finding in found_by(case, EDGE_PATHS).items()}
    proxy.answer = lambda _: None
    for breakage, (old, new) in BROKEN_PATHS.items():
        proxy.forward = path_becoming(old, new)
        named[breakage] = found(case, "proxy.paths-are-changed")
    proxy.forward = forward
    for breakage, (change, name) in BROKEN_RESPONSES.items():
        proxy.change = change
        named[breakage] = found(case, name)
    expected = {breakage: name for breakage, (_, name) in (*BROKEN_ANSWERS.items(), *BROKEN_RESPONSES.items())}
    expected |= dict.fromkeys(BROKEN_PATHS, "proxy.paths-are-changed")
    assert named == {breakage: {name: "problem"} for breakage, name in expected.items()}


BROKEN_BEHIND: Mapping[str, tuple[Response | None, str]] = {
    "a challenge for browsers": (CHALLENGE, "address.firewall-answers"),
    "an old challenge with 503": (
        respond(503, b'<script src="/cdn-cgi/challenge-platform/x.js">'),
        "address.firewall-answers",
    ),
    "a rejected request": (
        respond(200, b"The requested URL was rejected. Please consult with your administrator."),
        "address.firewall-answers",
    ),
    "a password of the test site": (respond(401, www_authenticate="Basic realm=x"), "address.password-in-front"),
    "an access service": (
        respond(302, location="https://team.cloudflareaccess.com/cdn-cgi/access/login"),
        "address.sign-in-in-front",
    ),
    "a sign-in proxy": (respond(302, location="/oauth2/start?rd=x"), "address.sign-in-in-front"),
    "a page for maintenance": (respond(503, b"<h1>Down for maintenance</h1>"), "address.maintenance-page"),
    "www is added": (respond(301, location="https://www.id.example.test/"), "address.is-redirected"),
    "Signet without its database": (respond(503, b"{}", x_request_id="0123456789abcdef"), "address.not-ready"),
    "no node": (respond(502, b"<h1>Bad Gateway</h1>"), "address.no-node"),
}


def test_who_answers_instead_of_signet_is_named(case: Case, proxy: Proxy) -> None:
    named = {}
    for breakage, (answer, _) in BROKEN_BEHIND.items():
        proxy.answer = at("/.well-known/openid-configuration", answer=answer or respond(500))
        named[breakage] = list(found_by(case, ANSWER))
    assert named == {breakage: [name] for breakage, (_, name) in BROKEN_BEHIND.items()}


def test_an_address_that_leads_to_another_site_is_named(case: Case, proxy: Proxy) -> None:
    """IPv6 often ends at the default site of the proxy."""
    hosts = FakeResolver({"id.example.test": ["198.51.100.7", "2001:db8::7"]})

    def answers(method: str, url: str, headers: Mapping[str, str], body: bytes | None, to: str | None) -> Response:
        if to == "2001:db8::7":
            return respond(301, location="https://www.example.test/")
        return proxy(method, url, headers, body, to)

    broken = replace(case, resolver=hosts, transport=FakeTransport(answers))
    assert list(found_by(broken, ANSWER)) == ["address.is-redirected"]


def test_a_node_that_says_why_it_is_not_ready_is_repeated(case: Case, proxy: Proxy) -> None:
    said = respond(503, b'{"status":"not ready","reasons":{"database":"unavailable"}}')
    proxy.answer = at("/health/ready", answer=said)
    (finding,) = found_by(case, ANSWER).values()
    assert (finding.id, "database: unavailable" in finding.what) == ("address.not-ready", True)


def test_processes_with_other_settings_and_keys_are_named(
    case: Case, proxy: Proxy, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was not restarted, and a node that sticky sessions hide from the doctor."""
    chosen = [each for each in EDGE_NODES if each.name == "settings-of-nodes"]
    other = replace(case, installation=open_installation(settings.model_copy(update={"languages": ("en",)})))
    (finding,) = found_by(replace(other, nodes=("https://id.example.test",)), chosen).values()
    assert finding.id == "installation.other-settings"
    assert "SIGNET_LANGUAGES" in finding.what
    proxy.answer = lambda request: (
        respond(404, b'{"error":"not_found"}') if request[2].get("Host") == "id.example.test" else None
    )
    monkeypatch.setattr(nodes, "TRIES", 0)
    with_node = replace(case, nodes=("https://id.example.test",))
    assert {each: one.severity for each, one in found_by(with_node, chosen).items()} == {
        "installation.node-has-another-key": "problem"
    }


def test_a_network_that_hides_addresses_and_open_ports_are_named(
    case: Case, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "_own_addresses", lambda _: {"192.0.2.77"})
    chosen = [each for each in EDGE_NODES if each.name in {"connection", "ports"}]
    public = FakeResolver({"id.example.test": ["93.184.215.14"]})
    transport = FakeTransport(proxy, open_ports=frozenset({8000, 5432}))

    def send(request: Request) -> Request:
        method, path, headers, body = forward(request)
        return method, path, {**headers, "X-Forwarded-For": "10.42.0.1"}, body

    proxy.forward = send
    broken = replace(case, resolver=public, transport=transport)
    assert {name: each.severity for name, each in found_by(broken, chosen).items()} == {
        "proxy.client-address-is-translated": "warning",
        "address.app-port-is-open": "warning",
        "address.database-port-is-open": "warning",
    }
    outside = found_by(replace(broken, installation=None), chosen)
    assert {each.severity for each in outside.values()} == {"problem"}


def test_digests_of_settings_cannot_be_compared_between_requests(settings: Settings) -> None:
    """N-546."""
    one, two = settings_digests(settings, "one"), settings_digests(settings, "two")
    assert one.keys() == two.keys() >= {"issuer", "database_url", "secret_key"}
    assert not set(one.values()) & set(two.values())
    assert one == settings_digests(settings.model_copy(), "one")
    assert {len(each) for each in one.values()} == {12}
