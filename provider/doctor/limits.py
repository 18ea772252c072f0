"""Examinations of a proxy's limits: sizes of bodies and headers in both directions, buffers and timeouts."""

from collections.abc import Iterator

from provider.doctor.echoes import Echo, ask_app
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem
from provider.doctor.transport import Unreachable
from provider.web.bodies import MAX_BODY
from provider.web.health import Wish

PICTURE = 2 * 1024 * 1024 + 4096
"""The largest profile picture with the form around it, in bytes (`accounts.pictures`)."""
LARGE_HEADER, LARGE_QUERY = 7000, 7000
"""Sizes that nginx lets through as it is installed, and that large authorization requests and cookies reach."""
RESPONSE_HEADER = 3000
"""The headers of a long redirect back to an app: its URI, state and code."""
RESPONSE_BODY = 300_000
PATIENCE = 12.0
"""How long a slow response takes, in seconds: a directory or mail server that answers late, after retries."""
DEPLOY = "docs/operate/deploy.md"

FORM_LIMIT = problem(
    "proxy.form-limit",
    why="Forms and token requests up to 64 KiB are valid. With a lower limit, long requests fail.",
    fix="Raise the limit of the proxy for bodies: `client_max_body_size 17m;`.",
    section=DEPLOY,
)
UPLOAD_LIMIT = problem(
    "proxy.upload-limit",
    why="Users cannot upload a profile picture, which may have 2 MiB.",
    fix="Raise the limit of the proxy for bodies: `client_max_body_size 17m;`.",
    section=DEPLOY,
)
HEADER_LIMIT = problem(
    "proxy.request-header-limit",
    why="Long authorization requests (request objects, state) and large cookies fail with 400, 414 or 431.",
    fix="Allow headers and URLs of 8 KB: `large_client_header_buffers 4 8k;`.",
    section=DEPLOY,
)
RESPONSE_HEADER_LIMIT = problem(
    "proxy.response-header-limit",
    why="Redirects to apps with a long state fail with 502.",
    fix="Raise the buffer of the proxy for response headers: `proxy_buffer_size 8k;`.",
    section=DEPLOY,
)
RESPONSE_CUT = problem(
    "proxy.responses-are-cut",
    why="Scripts, exports and lists arrive incomplete. Often the proxy cannot write its temporary files.",
    fix="Check the error log of the proxy, and the space and permissions of its folder for temporary files.",
    section=DEPLOY,
)
SHORT_TIMEOUT = problem(
    "proxy.timeout",
    why="Requests that wait for a slow directory, mail server or database fail with 504, although Signet answers.",
    fix="Give Signet 60 seconds: `proxy_read_timeout 60s;`.",
    section=DEPLOY,
)


def _bodies(case: Case) -> Iterator[Finding]:
    if ask_app(case).seen is None:
        return
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sizes = ((MAX_BODY, FORM_LIMIT, "A form"), (PICTURE, UPLOAD_LIMIT, "An upload"))
    for size, kind, name in sizes:
        said = _answer(case, size=size, headers=form)
        if said is not None:
            yield kind.found(f"{name} of {size // 1024} KiB does not arrive: {said}.")
        else:
            yield fine("proxy.body-size", f"{name} of {size // 1024} KiB arrives.")


def _answer(case: Case, *, size: int, headers: dict[str, str]) -> str | None:
    """Send a body of this size. Return what was answered instead, or None if it arrived."""
    try:
        echo = ask_app(case, method="POST", headers=headers, body=b"x" * size, timeout=20.0)
    except Unreachable as failed:
        return failed.reason
    if echo.seen is None:
        return f"status {echo.response.status}"
    return None if echo.seen["body"]["length"] == size else f"only {echo.seen['body']['length']} bytes arrived"


def _headers(case: Case) -> Iterator[Finding]:
    if ask_app(case).seen is None:
        return
    requests: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("A header of 7 KB", "", {"Cookie": "x" * LARGE_HEADER}),
        ("A URL of 7 KB", f"state={'x' * LARGE_QUERY}", {}),
    )
    limited = False
    for name, query, headers in requests:
        try:
            echo: Echo = ask_app(case, query=query, headers=headers)
        except Unreachable as failed:
            limited = True
            yield HEADER_LIMIT.found(f"{name} does not arrive: {failed.reason}.")
            continue
        if echo.seen is None:
            limited = True
            yield HEADER_LIMIT.found(f"{name} does not arrive: status {echo.response.status}.")
    if not limited:
        yield fine("proxy.header-size", "Headers and URLs of 7 KB arrive.")


def _responses(case: Case) -> Iterator[Finding]:
    if ask_app(case).seen is None:
        return
    echo = ask_app(case, wish=Wish(header=RESPONSE_HEADER))
    if echo.seen is None or len(echo.response.header("signet-filling") or "") != RESPONSE_HEADER:
        said = f"A response with {RESPONSE_HEADER} bytes of headers does not come back"
        yield RESPONSE_HEADER_LIMIT.found(f"{said}: status {echo.response.status}.")
    try:
        large = ask_app(case, wish=Wish(size=RESPONSE_BODY), timeout=15.0)
    except Unreachable as failed:
        yield RESPONSE_CUT.found(f"A response of {RESPONSE_BODY // 1000} KB does not come back: {failed.reason}.")
        return
    if large.seen is None:
        yield RESPONSE_CUT.found(f"A response of {RESPONSE_BODY // 1000} KB comes back incomplete or changed.")
    elif echo.seen is not None:
        yield fine("proxy.response-size", f"A response of {RESPONSE_BODY // 1000} KB comes back whole.")


def _timeout(case: Case) -> Iterator[Finding]:
    if ask_app(case).seen is None:
        return
    try:
        echo = ask_app(case, wish=Wish(wait=PATIENCE), timeout=PATIENCE + 10)
    except Unreachable as failed:
        yield SHORT_TIMEOUT.found(f"A response that takes {PATIENCE:g} seconds does not come back: {failed.reason}.")
        return
    if echo.seen is None:
        what = f"A response that takes {PATIENCE:g} seconds is answered with {echo.response.status} by the proxy."
        yield SHORT_TIMEOUT.found(what)
    else:
        yield fine("proxy.patience", f"The proxy waits for a response that takes {PATIENCE:g} seconds.")


LIMITS = (
    Examination(
        "bodies", Group.PROXY, "Sends a form of 64 KiB and one of 2 MiB.", _bodies, Needs.INSTALLATION, seconds=50.0
    ),
    Examination(
        "headers", Group.PROXY, "Sends a header and a URL of 7 KB.", _headers, Needs.INSTALLATION, seconds=20.0
    ),
    Examination("responses", Group.PROXY, "Asks for a large response.", _responses, Needs.INSTALLATION, seconds=30.0),
    Examination(
        "timeout",
        Group.PROXY,
        f"Asks for a response that takes {PATIENCE:g} seconds.",
        _timeout,
        Needs.INSTALLATION,
        seconds=PATIENCE + 15,
    ),
)
