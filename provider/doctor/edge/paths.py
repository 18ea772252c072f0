"""Examinations of paths and methods: whether each reaches Signet, as it was sent, and not something else."""

from collections.abc import Iterator
from urllib.parse import unquote

from provider.doctor.echoes import ask_app
from provider.doctor.edge.answerer import DEPLOY, explain, finding_about, is_signet
from provider.doctor.examination import BAD_GATEWAY, REDIRECTS, Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem
from provider.doctor.transport import Response, Unreachable

PATHS = (
    "/",
    "/login/second-factor",
    "/account/security",
    "/device",
    "/signed-out",
    "/oauth2/token",
    "/oauth2/par",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/device_authorization",
    "/oauth2/authorize/cancel",
    "/oauth2/authorize-challenge",
    "/login/upstream/doctor/start",
    "/.well-known/oauth-authorization-server",
    "/.well-known/change-password",
)
"""One path of each kind that users and apps need. Asked with GET, all of them change nothing."""
USER_AGENTS = (
    "python-requests/2.32.3",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "Java-http-client/21.0.4",
    "curl/8.9.1",
    "axios/1.7.7",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
)
"""How apps, APIs and browsers call themselves."""
ESCAPED = "/https%3A%2F%2Fapp.example%2Fclient%20id/"

MISSING = problem(
    "proxy.paths-are-missing",
    why="Something else answers at these paths, so what needs them fails: sign-ins, tokens, or apps that look for "
    "metadata.",
    fix="Pass all paths below the issuer on to Signet. Look for other rules (`location`) and apps at these paths.",
    section=DEPLOY,
)
REDIRECTED = problem(
    "proxy.paths-are-redirected",
    why="A redirect loses the form that was sent, and many apps do not follow it. Signet sends none for these paths.",
    fix="Remove the rule that adds or removes a final slash, or www, for Signet.",
    section="RFC 9110 section 15.4; " + DEPLOY,
)
CHANGED = problem(
    "proxy.paths-are-changed",
    why="IDs of apps can be URLs, which are escaped in paths of the APIs. A changed path names another app, or none.",
    fix="Pass the path on as it came: no decoding, no merging of slashes, no slash removed "
    "(`proxy_pass http://signet;` without a path, `AllowEncodedSlashes NoDecode`).",
    section="RFC 3986 section 6.2; " + DEPLOY,
)
NO_HEAD = problem(
    "proxy.head-is-blocked",
    why="Monitors and link checkers ask with HEAD, and report an outage.",
    fix="Allow HEAD wherever GET is allowed.",
    section="RFC 9110 section 9.3.2",
)
NO_OPTIONS = problem(
    "proxy.options-is-blocked",
    why="Before a single-page app gets tokens, the browser asks with OPTIONS. Without an answer the sign-in fails.",
    fix="Pass OPTIONS on to Signet, and answer it nowhere else. Signet allows the origins of registered apps.",
    section="Fetch standard, CORS preflight; " + DEPLOY,
)
AGENTS_BLOCKED = problem(
    "proxy.apps-are-blocked",
    why="Apps and APIs fetch keys and tokens with such programs. Some of them cannot sign users in.",
    fix="Exempt Signet from the rule of the firewall that blocks bots and programs by their User-Agent.",
    section=DEPLOY,
)


def _paths(case: Case) -> Iterator[Finding]:
    lost, moved, answered = [], [], 0
    others: dict[str, Finding] = {}
    shows_itself = is_signet(case.ask("GET", "/login"))
    for path in PATHS:
        answer = case.transport.send("GET", case.url + path)
        if (is_signet(answer) if shows_itself else _may_be_signet(answer)) or answer.status in BAD_GATEWAY:
            answered += 1
        elif (other := finding_about(answer, path)) is not None:
            others.setdefault(other.id, other)
        elif answer.status in REDIRECTS:
            moved.append(f"{path} to {answer.header('location')}")
        else:
            lost.append(f"{path} ({answer.status})")
    yield from others.values()
    if moved:
        yield REDIRECTED.found(f"The proxy redirects {', '.join(moved)}.")
    if lost:
        yield MISSING.found(f"Not Signet answers at {', '.join(lost)}.")
    if answered == len(PATHS):
        yield fine("proxy.paths", f"Signet answers at {len(PATHS)} paths that users and apps need.")


def _may_be_signet(answer: Response) -> bool:
    return answer.status not in {403, 404, 501} and answer.status not in REDIRECTS | {401}


def _methods(case: Case) -> Iterator[Finding]:
    blocked = []
    for path in ("/login", "/.well-known/openid-configuration"):
        plain = case.ask("GET", path)
        try:
            head = case.transport.send("HEAD", case.url + path)
        except Unreachable as failed:
            blocked.append(f"{path} ({failed.reason})")
            continue
        if plain.status == 200 and head.status != 200:
            blocked.append(f"{path} ({head.status})")
    if blocked:
        yield NO_HEAD.found(f"HEAD is not answered at {', '.join(blocked)}.")
    asked = {"Origin": "https://doctor.example", "Access-Control-Request-Method": "POST"}
    preflight = case.transport.send("OPTIONS", f"{case.url}/oauth2/token", headers=asked)
    allowed = (preflight.header("allow") or "").replace(" ", "").split(",")
    if preflight.status in REDIRECTS:
        return  # the examination of the paths says so
    if preflight.status != 204 or "POST" not in allowed:
        yield NO_OPTIONS.found(f"OPTIONS at /oauth2/token is answered with {preflight.status}, and not by Signet.")
    if not blocked and preflight.status == 204:
        yield fine("proxy.methods", "HEAD and OPTIONS reach Signet.")


def _programs(case: Case) -> Iterator[Finding]:
    """Whether programs get the metadata, whatever they call themselves."""
    blocked = []
    for agent in USER_AGENTS:
        headers = {"User-Agent": agent, "Accept": "text/html,*/*" if agent.startswith("Mozilla") else "*/*"}
        try:
            answer = case.transport.send("GET", f"{case.url}/.well-known/openid-configuration", headers=headers)
        except Unreachable as failed:
            blocked.append(f"{agent} ({failed.reason})")
            continue
        if answer.status in {401, 403, 406, 429} or explain(answer) is not None:
            blocked.append(f"{agent} ({answer.status})")
    if len(blocked) == len(USER_AGENTS):
        return  # the examination of the address says so
    if blocked:
        yield AGENTS_BLOCKED.found(f"The discovery document is not given to {', '.join(blocked)}.")
    else:
        yield fine("proxy.programs", f"{len(USER_AGENTS)} kinds of programs get the discovery document.")


def _escaped(case: Case) -> Iterator[Finding]:
    if ask_app(case).seen is None:
        return  # the examination of what arrives says why
    try:
        echo = ask_app(case, path=ESCAPED)
    except Unreachable as failed:
        yield CHANGED.found(f"A path with escaped slashes is not answered: {failed.reason}.")
        return
    if echo.seen is None:
        said = echo.response.header("location")
        how = f"redirected to {said}" if said is not None else f"answered with {echo.response.status}"
        yield CHANGED.found(f"A path with escaped slashes and a final slash is {how}.")
        return
    arrived = str(echo.seen["path"])
    if unquote(arrived.partition("?")[0]).endswith(unquote(ESCAPED)):
        yield fine("proxy.path", "Paths arrive as they were sent.")
    else:
        yield CHANGED.found(f"The path {ESCAPED} arrives as {arrived[-100:]}.")


EDGE_PATHS = (
    Examination("paths", Group.PROXY, f"Asks {len(PATHS)} paths with GET and looks who answers.", _paths, seconds=40.0),
    Examination("methods", Group.PROXY, "Asks with HEAD and OPTIONS.", _methods, seconds=20.0),
    Examination(
        "programs", Group.PROXY, "Asks for the discovery document as apps and browsers do.", _programs, seconds=30.0
    ),
    Examination("escaped-path", Group.PROXY, "Asks Signet which path arrived.", _escaped, Needs.INSTALLATION),
)
