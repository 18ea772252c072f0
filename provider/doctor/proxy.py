"""Examinations of what a proxy does to requests: the client's address, host, headers, methods, queries and bodies."""

from collections.abc import Iterator, Mapping
from typing import Any

from provider.doctor.echoes import Echo, ask_app
from provider.doctor.examination import BAD_GATEWAY, REDIRECTS, Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem, unknown
from provider.doctor.transport import Unreachable
from provider.web.forwarded import parse_address, read_forwarded, read_x_forwarded_for
from provider.web.health import digest_of
from provider.web.hosts import KnownHosts
from provider.web.network import is_trusted_proxy

DEPLOY = "docs/operate/deploy.md"
CLAIMED = "203.0.113.77"
"""An address that no client has (RFC 5737): if Signet takes it for ours, anyone could claim any address."""
TRIES = 4
HEADERS: Mapping[str, str] = {
    "Authorization": "Basic c2lnbmV0OmRvY3Rvcg==",
    "Cookie": "signet-doctor=a-cookie-of-the-doctor",
    "DPoP": "eyJ0eXAiOiJkcG9wK2p3dCJ9.eyJqdGkiOiJkb2N0b3IifQ.c2lnbmF0dXJl",
    "Origin": "https://doctor.example",
    "If-None-Match": '"doctor"',
    "Idempotency-Key": "doctor",
    "Accept-Language": "de-CH, fr;q=0.5",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "signet-doctor",
}
"""Headers on which Signet depends, with values of no meaning."""
QUERY = "state=a%2Bb%20c%2Fd%3D&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fx%3D1%262&name=%C3%A9"
METHODS = ("POST", "PUT", "PATCH", "DELETE")

NOT_PASSED = unknown(
    "proxy.echo-is-not-passed",
    why="Without it, the doctor cannot see what arrives at Signet, so the proxy is examined only from outside.",
    fix="Let the proxy pass on /health/echo. It answers only to the doctor.",
    section="docs/operate/doctor.md",
)
OTHER_KEY = problem(
    "proxy.token-is-not-accepted",
    why="What one process encrypts, another must be able to read: signing keys, sessions in forms, codes.",
    fix="Give every process the same SIGNET_SECRET_KEY, the same version and a right clock, also where you run the "
    "doctor.",
    section="docs/operate/scale.md",
)
SOME_OTHER_KEY = problem(
    "proxy.nodes-have-other-keys",
    why="Users lose their sign-in whenever the balancer sends them to the other node.",
    fix="Give every node the same SIGNET_SECRET_KEY and version, and restart it.",
    section="docs/operate/scale.md",
)
HOST_CHANGED = problem(
    "proxy.host-is-changed",
    why="Signet answers only for its own host (status 421).",
    fix="Configure the proxy to pass the Host header on: `proxy_set_header Host $http_host`.",
    section=DEPLOY,
)
NO_ADDRESS = problem(
    "proxy.client-address-is-missing",
    why="All users seem to have the address of the proxy. They share one rate limit, and the audit log is of no use.",
    fix="Configure the proxy to send X-Forwarded-For: `proxy_set_header X-Forwarded-For $remote_addr`.",
    section=DEPLOY,
)
UNREADABLE_ADDRESS = problem(
    "proxy.client-address-is-unreadable",
    why="Signet uses the address of the proxy instead, so all users share one rate limit.",
    fix="Configure the proxy to send the address of the client in X-Forwarded-For, or in Forwarded.",
    section="RFC 7239 section 6; " + DEPLOY,
)
NOT_TRUSTED = problem(
    "proxy.is-not-trusted",
    why="Signet ignores the client's address that the proxy sends. All users share one rate limit.",
    fix="Add the address of the proxy to SIGNET_TRUSTED_PROXIES.",
    section=DEPLOY,
)
FAKED_ADDRESS = problem(
    "proxy.client-address-can-be-claimed",
    why="An attacker avoids every rate limit by claiming another address with each request.",
    fix="Configure the proxy to replace what clients send: `proxy_set_header X-Forwarded-For $remote_addr`. With "
    "Forwarded, set SIGNET_FORWARDED_HEADER to forwarded.",
    section="RFC 7239 section 8.1; " + DEPLOY,
)
WE_ARE_TRUSTED = unknown(
    "proxy.examined-from-a-proxy",
    why="The address of this machine is in SIGNET_TRUSTED_PROXIES, so it may claim other addresses. Others may not.",
    fix="Run `signet doctor` on a machine that is not a trusted proxy to examine this.",
    section=DEPLOY,
)
CERTIFICATE_CLAIMED = problem(
    "proxy.client-certificate-can-be-claimed",
    why="Anyone can pretend to have the certificate of an app, and so authenticate as this app.",
    fix="Configure the proxy to remove the header of SIGNET_CLIENT_CERTIFICATE_HEADER from requests.",
    section="docs/guides/mutual-tls.md",
)
HEADER_LOST = problem(
    "proxy.headers-are-lost",
    why="Apps authenticate with Authorization and DPoP, browsers with cookies. Others keep requests apart and fast.",
    fix="Remove the rule of the proxy that drops or changes these request headers.",
    section=DEPLOY,
)
QUERY_CHANGED = problem(
    "proxy.query-is-changed",
    why="Redirect URIs and state are compared byte for byte, so sign-ins of some apps fail.",
    fix="Configure the proxy to pass the URL on as it came, for example `proxy_pass http://signet;` without a path.",
    section="RFC 6749 section 4.1.1",
)
METHOD_BLOCKED = problem(
    "proxy.methods-are-blocked",
    why="Forms use POST. The admin API, SCIM and client registration use PUT, PATCH and DELETE too.",
    fix="Allow these methods in the proxy or its firewall.",
    section="docs/reference/admin-api.md",
)
BODY_CHANGED = problem(
    "proxy.bodies-are-changed",
    why="Signatures over a body fail, and forms lose fields.",
    fix="Remove the rule of the proxy that changes request bodies.",
    section=DEPLOY,
)


def _arriving(case: Case) -> Iterator[Finding]:
    """Whether the echo answers, each time, and what arrives of host and address."""
    echoes = [ask_app(case, headers={"X-Forwarded-For": CLAIMED, "Forwarded": f"for={CLAIMED}"}) for _ in range(TRIES)]
    refused = sum(each.is_refused for each in echoes)
    if 0 < refused < len(echoes):
        yield SOME_OTHER_KEY.found(f"{refused} of {len(echoes)} requests came to a node with another secret key.")
    elif refused:
        yield OTHER_KEY.found("The service does not accept a token that was sealed with the secret key used here.")
    seen = next((each for each in echoes if each.seen is not None), None)
    if seen is None:
        if not refused and echoes[0].response.status not in BAD_GATEWAY | REDIRECTS:
            yield NOT_PASSED.found(f"{case.url}/health/echo answers {echoes[0].response.status}, not as Signet.")
        return
    yield from _host(case, seen)
    yield from _client_address(case, seen.seen or {})


def _host(case: Case, echo: Echo) -> Iterator[Finding]:
    hosts = list((echo.seen or {}).get("host", []))
    if len(hosts) == 1 and hosts[0].encode() in KnownHosts(case.settings):
        yield fine("proxy.host", f"The host {hosts[0]} arrives.")
    else:
        yield HOST_CHANGED.found(f"The host {', '.join(hosts) or '(none)'} arrives instead of {case.authority}.")


def _client_address(case: Case, seen: Mapping[str, Any]) -> Iterator[Finding]:
    settings, peer, client = case.settings, str(seen["peer"]), str(seen["client"])
    sent: Mapping[str, list[str]] = seen["proxy_headers"]
    if not seen["trusts_peer"]:
        if _added_by_proxy(sent):
            yield NOT_TRUSTED.found(f"Requests come from {peer}, a proxy that is not in SIGNET_TRUSTED_PROXIES.")
        else:
            yield fine("proxy.none", f"Requests come from {peer}, without a proxy in front.")
        return
    hops = [*read_x_forwarded_for(sent.get("x-forwarded-for", [])), *read_forwarded(sent.get("forwarded", []))]
    if client == CLAIMED:
        others = [hop for hop in hops if (address := parse_address(hop)) is not None and str(address) != CLAIMED]
        if others and all(is_trusted_proxy(str(parse_address(hop)), settings) for hop in others):
            yield WE_ARE_TRUSTED.found(f"The proxy was asked from {others[0]}, which is a trusted proxy.")
        else:
            yield FAKED_ADDRESS.found(f"Signet took {CLAIMED} for the client, which the doctor had claimed to be.")
    elif client == peer:
        if hops and all(parse_address(hop) is None for hop in hops[:1]):
            yield UNREADABLE_ADDRESS.found(f"The proxy {peer} sends {hops[0][:60]!r}, which is not an address.")
        elif hops and all(is_trusted_proxy(str(parse_address(hop)), settings) for hop in hops):
            yield WE_ARE_TRUSTED.found(f"The proxy was asked from {hops[0]}, which is a trusted proxy.")
        else:
            yield NO_ADDRESS.found(f"Signet sees the address of the proxy, {peer}, and none of the client.")
    else:
        yield fine("proxy.client-address", f"Signet sees the client's address {client}, sent by the proxy {peer}.")


def _added_by_proxy(sent: Mapping[str, list[str]]) -> bool:
    """Return whether there is a header that the doctor did not send, or not like this."""
    own = {"x-forwarded-for": [CLAIMED], "forwarded": [f"for={CLAIMED}"]}
    return any(own.get(name) != values for name, values in sent.items())


def _passed_on(case: Case) -> Iterator[Finding]:
    """Whether headers, queries, methods and bodies arrive as they were sent."""
    echo = ask_app(case, query=QUERY, headers=HEADERS)
    if echo.seen is None:
        return  # `arriving` says why
    lost = [name for name, value in HEADERS.items() if not echo.arrived(name, value)]
    if lost:
        yield HEADER_LOST.found(f"These request headers do not arrive as they were sent: {', '.join(lost)}.")
    if echo.seen["query"] != QUERY:
        yield QUERY_CHANGED.found(f"The query {QUERY} arrives as {echo.seen['query'][:200]}.")
    body = b"name=doctor&text=%C3%A9+%2B\r\n"
    blocked, changed = [], False
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for method in METHODS:
        try:
            answer = ask_app(case, method=method, headers=form, body=body)
        except Unreachable:
            blocked.append(method)
            continue
        if answer.seen is None or answer.seen["method"] != method:
            blocked.append(method)
        else:
            changed = changed or answer.seen["body"]["length"] != len(body) or not _same_body(answer, body)
    if blocked:
        yield METHOD_BLOCKED.found(f"Requests with {', '.join(blocked)} do not arrive.")
    if changed:
        yield BODY_CHANGED.found("A form arrives with another body than was sent.")
    if not lost and not blocked and not changed and echo.seen["query"] == QUERY:
        yield fine("proxy.requests", "Headers, query, methods and body arrive as they were sent.")


def _same_body(echo: Echo, body: bytes) -> bool:
    return bool((echo.seen or {})["body"]["digest"] == digest_of(body))


def _client_certificates(case: Case) -> Iterator[Finding]:
    name = case.settings.client_certificate_header
    if name is None:
        return
    claimed = "doctor-claims-a-certificate"
    for url in dict.fromkeys((case.url, case.settings.mtls_url or case.url)):
        if not url.startswith("http"):
            continue
        echo = ask_app(case, headers={name: claimed}, node=None if url == case.url else url)
        if echo.seen is not None and echo.arrived(name, claimed):
            yield CERTIFICATE_CLAIMED.found(f"The header {name} of a client arrives at Signet through {url}.")
        elif echo.seen is not None:
            yield fine("proxy.client-certificates", f"The proxy removes {name} from requests to {url}.")


PROXY = (
    Examination(
        "arriving",
        Group.PROXY,
        f"Asks Signet {TRIES} times which host and client it saw.",
        _arriving,
        Needs.INSTALLATION,
        seconds=25.0,
    ),
    Examination(
        "passed-on",
        Group.PROXY,
        "Sends known headers, a query and forms, and asks Signet what arrived.",
        _passed_on,
        Needs.INSTALLATION,
        seconds=30.0,
    ),
    Examination(
        "client-certificates",
        Group.PROXY,
        "Claims a client certificate in a header, and asks Signet whether it arrived.",
        _client_certificates,
        Needs.INSTALLATION,
    ),
)
