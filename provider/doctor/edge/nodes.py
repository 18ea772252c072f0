"""Examinations of the processes behind the proxy: their settings, their keys, and how the proxy connects to them."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from provider.config.settings import PREFIX
from provider.doctor.echoes import Echo, ask_app
from provider.doctor.edge.answerer import DEPLOY, is_signet
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, Severity, fine, problem, warning
from provider.doctor.resolver import NoSuchName
from provider.doctor.transport import Unreachable
from provider.urls import is_loopback
from provider.web.health import settings_digests

TRIES = 4
SHORT = 2.0
APP_PORTS = (8000, 8001, 8080)
"""Ports at which Signet, or a container of it, usually listens behind the proxy."""
HINT = " This machine can reach it. To see whether others can, run `signet doctor --url` elsewhere."
STORE_PORTS = {5432: "PostgreSQL", 6379: "Redis"}
OF_ONE_NODE = frozenset(
    {"metrics_address", "log_level", "outbound_ca", "threads", "password_threads", "doctor_nightly"}
)
"""Settings that may differ from machine to machine."""
MUST_BE_THE_SAME = frozenset({"issuer", "secret_key", "env", "features"})
"""Settings that cannot differ for a good reason. URLs of servers can: from here, the database may have another name."""

OTHER_SETTINGS = warning(
    "installation.other-settings",
    why="The process was not restarted after a change, has other environment variables, or the doctor has.",
    fix="Give every process and the doctor the same environment, and restart the processes.",
    section="docs/operate/configure.md",
)
NODE_WITH_OTHER_KEY = problem(
    "installation.node-has-another-key",
    why="Users lose their sign-in whenever the balancer sends them to this node.",
    fix="Give the node the same SIGNET_SECRET_KEY, the same version and a right clock, and restart it.",
    section="docs/operate/scale.md",
)
OLD_HTTP = warning(
    "proxy.http-1.0",
    why="The proxy opens a new connection for every request, which is slow and uses up ports under load.",
    fix='Set `proxy_http_version 1.1; proxy_set_header Connection "";` and `keepalive` in nginx.',
    section=DEPLOY,
)
TRANSLATED = warning(
    "proxy.client-address-is-translated",
    why="The network in front of Signet or of the proxy replaces addresses, so all users share one rate limit.",
    fix="In Kubernetes set externalTrafficPolicy: Local. With Docker, publish ports without the userland proxy or run "
    "the proxy in the host's network. Balancers can send the address with the PROXY protocol.",
    section=DEPLOY,
)
APP_PORT = problem(
    "address.app-port-is-open",
    why="Requests can go around the proxy: without TLS, and past its limits and its firewall.",
    fix="Bind the port to 127.0.0.1 (`-p 127.0.0.1:8000:8000`), or close it in the firewall. Docker opens published "
    "ports in spite of ufw.",
    section=DEPLOY,
)
STORE_PORT = problem(
    "address.database-port-is-open",
    why="Anyone can guess passwords of the database. Signet is the only one that needs it.",
    fix="Bind it to a private address, or close the port. Docker opens published ports in spite of ufw.",
    section=DEPLOY,
)


def _nodes(case: Case) -> Iterator[Finding]:
    """Whether each node accepts our key, and runs with our settings."""
    differing: dict[str, set[str]] = {}
    asked = 0
    for name, node in [("the issuer", None)] * TRIES + [(node, node) for node in case.nodes]:
        try:
            echo = ask_app(case, node=node)
        except Unreachable:
            continue  # the examination of the metadata says so
        if echo.seen is None:
            if node is not None and echo.is_refused:
                yield NODE_WITH_OTHER_KEY.found(f"{name} does not accept a token that was sealed with our secret key.")
            continue
        asked += 1
        for setting in _differing(case, echo):
            differing.setdefault(setting, set()).add(name)
    for setting, names in sorted(differing.items()):
        severity = Severity.PROBLEM if setting in MUST_BE_THE_SAME else None
        said = f"{PREFIX}{setting.upper()} of a process behind {', '.join(sorted(names))} is not that of the doctor."
        yield OTHER_SETTINGS.found(said, severity=severity)
    if asked and not differing:
        yield fine("installation.same-settings", f"{asked} requests reached processes with the settings of the doctor.")


def _differing(case: Case, echo: Echo) -> list[str]:
    """Return the names of settings that differ. Those that only one version has are left out."""
    there = dict((echo.seen or {}).get("settings", {}))
    here = settings_digests(case.settings, echo.token)
    return [name for name in here if name in there and there[name] != here[name] and name not in OF_ONE_NODE]


def _connection(case: Case) -> Iterator[Finding]:
    echo = ask_app(case)
    if echo.seen is None:
        return
    if echo.seen["http_version"] == "1.0":
        yield OLD_HTTP.found("The proxy connects to Signet with HTTP/1.0.")
    if not is_loopback(case.host):
        yield from _translated(case, str(echo.seen["client"]))


def _translated(case: Case, client: str) -> Iterator[Finding]:
    """Compare the address that Signet sees with ours, if the issuer is at a public address."""
    try:
        addresses = case.resolver.addresses(case.host)
    except NoSuchName:
        return
    public = [each for each in addresses if ip_address(each.partition("%")[0]).is_global]
    seen = ip_address(client.partition("/")[0]) if client else None
    if public and seen is not None and seen.is_private and str(seen) not in {*_own_addresses(public), *addresses}:
        yield TRANSLATED.found(f"Signet sees {client} for this machine, which asked {public[0]} from another address.")


def _own_addresses(public: list[str]) -> set[str]:
    """Return the addresses with which this machine would connect to these. Sends nothing."""
    found = set()
    for address in public:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((address, 9))
                found.add(str(sock.getsockname()[0]))
        except OSError:
            continue
    return found


def _open_ports(case: Case) -> Iterator[Finding]:
    """Whether ports that only the proxy should reach are open at the public address of the issuer."""
    if is_loopback(case.host):
        return
    try:
        addresses = case.resolver.addresses(case.host)
    except NoSuchName:
        return
    from_outside = case.installation is None
    severity = None if from_outside else Severity.WARNING
    hint = "" if from_outside else HINT
    found = False
    for port in APP_PORTS:
        if port == case.port:
            continue
        try:
            host = f"[{case.host}]" if ":" in case.host else case.host
            asked = f"http://{host}:{port}{urlsplit(case.url).path}/health/live"
            answer = case.transport.send(
                "GET", asked, headers={"Host": case.authority}, address=addresses[0], timeout=SHORT
            )
        except Unreachable:
            continue
        if answer.status == 200 and is_signet(answer):
            found = True
            yield APP_PORT.found(f"Signet answers without the proxy at {asked}.{hint}", severity=severity)
    for port, name in STORE_PORTS.items():
        try:
            case.transport.connect(case.host, port, addresses[0])
        except Unreachable:
            continue
        found = True
        yield STORE_PORT.found(f"Port {port} ({name}) is open at {addresses[0]}.{hint}", severity=severity)
    if not found:
        yield fine("address.ports", "Ports of Signet and of databases are closed at the address of the issuer.")


EDGE_NODES = (
    Examination(
        "settings-of-nodes",
        Group.INSTALLATION,
        "Asks the processes behind the issuer, and each node, for digests of their settings, and compares.",
        _nodes,
        Needs.INSTALLATION,
        seconds=30.0,
    ),
    Examination(
        "connection", Group.PROXY, "Asks Signet how the proxy connects, and as whom.", _connection, Needs.INSTALLATION
    ),
    Examination(
        "ports",
        Group.ADDRESS,
        "Tries ports of Signet, PostgreSQL and Redis at the address of the issuer.",
        _open_ports,
        seconds=45.0,
    ),
)
