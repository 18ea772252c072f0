"""Examinations of the issuer's address: names, connections, the redirect from http, and who answers."""

import errno
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from provider.doctor.edge.answerer import finding_about, is_signet, reasons_of
from provider.doctor.examination import BAD_GATEWAY, MISDIRECTED, REDIRECTS, Case, Examination, Group
from provider.doctor.findings import Finding, fine, problem, unknown, warning
from provider.doctor.resolver import NoSuchName
from provider.doctor.transport import Response, Unreachable
from provider.urls import is_loopback

NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""Errors that say that this machine has no network of that kind, such as IPv6."""
DOES_NOT_RESOLVE = problem(
    "address.does-not-resolve",
    why="Browsers and apps find the issuer by this name. Without an address, nothing works.",
    fix="Add an A or AAAA record for the name, or correct SIGNET_ISSUER.",
    section="docs/operate/deploy.md",
)
ONE_DOWN = problem(
    "address.one-is-down",
    why="Browsers try the addresses of a name in any order, so some users wait or cannot sign in.",
    fix="Start what should answer at this address, or remove its A or AAAA record.",
    section="docs/operate/deploy.md",
)
ALL_DOWN = unknown(
    "address.no-connection",
    why="From here no one can sign in. It can be an outage, or a firewall between this machine and the proxy.",
    fix="Check that the proxy runs and listens at this port. Compare with `signet doctor --url` elsewhere.",
    section="docs/operate/troubleshoot.md",
)
PRIVATE = warning(
    "address.private",
    why="Only machines in the same network can reach such an address. It is also what a wrong hosts file looks like.",
    fix="If users come from the internet, publish the public address of the proxy.",
    section="docs/operate/deploy.md",
)
NO_NODE = problem(
    "address.no-node",
    why="The proxy answers, but reaches no node of Signet. All requests fail.",
    fix="Check that `signet serve` runs, and the address and port of it in the configuration of the proxy.",
    section="docs/operate/deploy.md",
)
NOT_READY = problem(
    "address.not-ready",
    why="Signet runs and cannot serve: most requests fail with 503.",
    fix="Start what is named, and check that the nodes reach it. `signet doctor --only database` says more.",
    section="docs/operate/troubleshoot.md",
)
OTHER_HOST = problem(
    "address.host-is-changed",
    why="Signet answers only for the host of SIGNET_ISSUER and of SIGNET_ALLOWED_HOSTS (status 421).",
    fix="Configure the proxy to pass the Host header on, for example `proxy_set_header Host $http_host`, or correct "
    "SIGNET_ISSUER.",
    section="docs/operate/deploy.md",
)
NOT_SIGNET = problem(
    "address.not-signet",
    why="Apps read the discovery document at this URL before anything else.",
    fix="Check that SIGNET_ISSUER has the path at which the proxy serves Signet, and that the proxy passes on "
    "all paths below it.",
    section="RFC 8414 section 3; docs/operate/deploy.md",
)
REDIRECTED = problem(
    "address.is-redirected",
    why="The issuer must be the URL at which Signet answers itself. Many clients do not follow a redirect, and tokens "
    "name the other URL.",
    fix="Set SIGNET_ISSUER to the URL that users end up at, or remove the redirect.",
    section="OpenID Connect Discovery section 4",
)
NO_REDIRECT = warning(
    "address.http-is-not-redirected",
    why="A user who types the name, or follows an old link, ends up nowhere, or stays without encryption.",
    fix="Configure the proxy to redirect port 80 to the https URL with status 301.",
    section="docs/operate/deploy.md",
)
HTTP_SERVED = problem(
    "address.served-without-tls",
    why="Passwords, cookies and tokens could be read on the way.",
    fix="Configure the proxy to redirect port 80 to the https URL, and to serve nothing else there.",
    section="RFC 6749 section 3.1; docs/operate/deploy.md",
)
WRONG_REDIRECT = warning(
    "address.http-redirect-is-wrong",
    why="Users who come without https are sent to another place than the issuer.",
    fix="Redirect to the https URL of the same host, with the same path.",
    section="docs/operate/deploy.md",
)
DISCOVERY = "/.well-known/openid-configuration"


def _names(case: Case) -> Iterator[Finding]:
    try:
        found = case.resolver.addresses(case.host)
    except NoSuchName:
        yield DOES_NOT_RESOLVE.found(f"The name {case.host} does not resolve.")
        return
    yield fine("address.resolves", f"{case.host} has {_several(found)}.")
    hidden = [each for each in found if ip_address(each.partition("%")[0]).is_private]
    if hidden and not is_loopback(case.host):
        yield PRIVATE.found(f"{case.host} resolves to {', '.join(hidden)}, which the internet cannot reach.")


def _several(found: list[str]) -> str:
    return f"the address{'es' if len(found) > 1 else ''} {', '.join(found)}"


def _connections(case: Case) -> Iterator[Finding]:
    for host, port in case.hosts():
        yield from _connections_to(case, host, port)


def _connections_to(case: Case, host: str, port: int) -> Iterator[Finding]:
    try:
        addresses = case.resolver.addresses(host)
    except NoSuchName:
        if host != case.host:
            yield DOES_NOT_RESOLVE.found(f"The name {host} of SIGNET_MTLS_URL does not resolve.")
        return
    down: dict[str, Unreachable] = {}
    for address in addresses:
        try:
            case.transport.connect(host, port, address)
        except Unreachable as error:
            down[address] = error
    if len(down) == len(addresses):
        reasons = "; ".join(f"{address}: {failed.reason}" for address, failed in down.items())
        yield ALL_DOWN.found(f"No connection to {host} at port {port} ({reasons}).")
        return
    if is_loopback(host):
        down = {}  # localhost often has two addresses, and browsers try both
    for address, failed in down.items():
        number = failed.error.errno if failed.error is not None else None
        if number in NO_ROUTE and not _has_route(address, addresses, down):
            yield ALL_DOWN.found(f"This machine has no way to {address}, so it was not examined.")
        else:
            said = f"{address}, an address of {host}, does not answer at port {port}"
            yield ONE_DOWN.found(f"{said}: {failed.reason}.")
    if not down:
        yield fine("address.connects", f"{host} accepts connections at port {port}.")


def _has_route(address: str, addresses: list[str], down: dict[str, Unreachable]) -> bool:
    """Return whether another address of the same family can be reached from here."""
    family = ip_address(address.partition("%")[0]).version
    return any(each not in down and ip_address(each.partition("%")[0]).version == family for each in addresses)


def _answer(case: Case) -> Iterator[Finding]:
    live = case.transport.send("GET", f"{case.url}/health/live")
    if live.status in BAD_GATEWAY:
        yield finding_about(live, case.url) or NO_NODE.found(f"{case.url}/health/live answers {live.status}.")
        return
    answer = case.transport.send("GET", case.url + DISCOVERY)
    yield _judge(case, answer)
    if answer.status == 200:
        yield from _ready(case)


def _judge(case: Case, answer: Response, address: str = "") -> Finding:
    where = case.url + DISCOVERY + (f" at {address}" if address else "")
    if answer.status == MISDIRECTED:
        return OTHER_HOST.found(f"{where} answers 421, because another host arrives than {case.authority}.")
    if answer.status in BAD_GATEWAY and is_signet(answer):
        return NOT_READY.found(f"{where} answers {answer.status}, and it is Signet that says so.")
    if (other := finding_about(answer, where)) is not None:
        return other
    if answer.status in BAD_GATEWAY:
        return NO_NODE.found(f"{where} answers {answer.status}.")
    if answer.status in REDIRECTS:
        return REDIRECTED.found(f"{where} is redirected to {answer.header('location')}.")
    if answer.status != 200 or b'"issuer"' not in answer.body:
        return NOT_SIGNET.found(f"{where} answers {answer.status} without a discovery document.")
    return fine("address.answers", f"Signet answers at {where} in {answer.seconds * 1000:.0f} ms.")


def _ready(case: Case) -> Iterator[Finding]:
    """Whether Signet itself says that it can serve. A proxy may keep this path to itself."""
    ready = case.transport.send("GET", f"{case.url}/health/ready")
    if ready.status == 503 and (reasons := reasons_of(ready)) is not None:
        yield NOT_READY.found(f"{case.url}/health/ready names {reasons}.")


def _each_address(case: Case) -> Iterator[Finding]:
    """Whether every address of the name leads to Signet: one of IPv6 is often that of another site."""
    try:
        addresses = case.resolver.addresses(case.host)
    except NoSuchName:
        return
    if len(addresses) < 2:
        return
    for address in addresses:
        try:
            answer = case.transport.send("GET", case.url + DISCOVERY, address=address)
        except Unreachable:
            continue  # the examination of connections says so
        yield _judge(case, answer, address)


def _plain_http(case: Case) -> Iterator[Finding]:
    if not case.secure or case.port != 443 or is_loopback(case.host):
        return
    path = urlsplit(case.url).path
    url = f"http://{case.host}{path}/login"
    try:
        answer: Response = case.transport.send("GET", url)
    except Unreachable as failed:
        yield NO_REDIRECT.found(f"http://{case.host} does not answer ({failed.reason}).")
        return
    to = answer.header("location") or ""
    if answer.status in REDIRECTS:
        if to == f"{case.url}/login":
            yield fine("address.redirects-http", f"http is redirected to https with status {answer.status}.")
        elif to.startswith(f"https://{case.host}"):
            yield WRONG_REDIRECT.found(f"{url} is redirected to {to}, which loses its path.")
        else:
            yield WRONG_REDIRECT.found(f"{url} is redirected to {to}.")
    elif answer.status == 200:
        yield HTTP_SERVED.found(f"{url} answers 200 without encryption.")
    else:
        yield NO_REDIRECT.found(f"{url} answers {answer.status}.")


ADDRESS = (
    Examination("names", Group.ADDRESS, "Resolves the host of the issuer.", _names),
    Examination(
        "connections", Group.ADDRESS, "Opens a connection to each of its addresses.", _connections, seconds=30.0
    ),
    Examination("answer", Group.ADDRESS, "Asks for the health and the discovery document.", _answer),
    Examination(
        "each-address", Group.ADDRESS, "Asks each address for the discovery document.", _each_address, seconds=30.0
    ),
    Examination("http", Group.ADDRESS, "Asks port 80 for the sign-in page, without encryption.", _plain_http),
)
