"""The metrics for Prometheus. docs/reference/metrics.md is generated from this module and `outbox.metrics`.

Label values are names from our own code (routes, grants, errors), never text from a request.

The processes of a service write to files in one folder (prometheus_client's multiprocess mode). So any process can
answer for all of them, and the counts of a dead process are kept (decision 54).
"""

import os
from pathlib import Path

from provider.observability import counters
from provider.observability.instruments import METRICS, Counter, Figure, Gauge, Histogram, Instrument, Label


def _sign_in(_factor: str, outcome: str) -> tuple[str, ...]:
    if outcome in {"second_factor_due", "stepped_up"}:
        return ()
    return (counters.SIGNED_IN if outcome == "signed_in" else counters.SIGN_IN_REFUSED,)


def _tokens(grant: str, outcome: str) -> tuple[str, ...]:
    if outcome in {"authorization_pending", "slow_down"}:
        return ()  # a device that waits for its person asks every few seconds, and nobody refused it anything
    if outcome != "issued":
        return (counters.TOKENS_REFUSED,)
    return (counters.TOKENS_ISSUED, counters.GRANT + counters.short_grant(grant))


STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "gone")
ENDPOINTS = (
    "account API",
    "admin API",
    "SCIM",
    "authorization",
    "authorization challenge",
    "backchannel authentication",
    "client_configuration",
    "device authorization",
    "encryption",
    "forward auth",
    "global token revocation",
    "introspection",
    "logout",
    "pushed_authorization_request",
    "registration",
    "revocation",
    "shared signals",
    "token",
    "userinfo",
)
"""The endpoints whose rejected requests are explained (`oauth.checks.Checks.endpoint`)."""
KINDS = (
    "access_token",
    "all_logins",
    "auth_req_id",
    "authorization_code",
    "backchannel",
    "backchannel_denied",
    "backchannel_mail",
    "client_document",
    "client_secret",
    "code",
    "device",
    "device_code",
    "explain",
    "global_revocation",
    "introspection",
    "link",
    "login",
    "login_unsolved",
    "mail",
    "mailbox",
    "passkey",
    "password_strength",
    "picture",
    "refresh_token",
    "registration",
    "registration_token",
    "resend",
    "sign_up",
    "test_email",
    "unknown_hint",
    "unsolved",
    "upstream",
    "upstream_logout",
    "upstream_revocation",
    "upstream_signal",
    "user_code",
)
"""What rate limits count (`ratelimits.of_network`)."""
KIND = Label("kind", "What was tried, or what the limit counts.", KINDS)
POOL = Label("pool", "The event loop, or the pool of threads.", ("loop", "endpoint", "password", "outbound"))
ALGORITHM = Label("alg", "The algorithm of the key.", ("RS256", "ES256", "EdDSA"))

REQUESTS = Counter(
    "signet_requests",
    "Requests that were answered.",
    Label("route", "The name of the route, or `none`. Never the path."),
    Label("method", "The HTTP method, or `other`."),
    Label("status", "The class of the status. `gone` if the client closed the connection first.", STATUSES),
    alert='Any increase of `signet_requests_total{status="5xx"}`.',
)
REQUEST_SECONDS = Histogram(
    "signet_request_seconds",
    "Time from the head of a request to the end of its response, in seconds.",
    Label("route", "The name of the route, or `none`."),
    alert="The 95th percentile of a route is above 1 second for 5 minutes.",
)
POOL_REQUESTS = Gauge(
    "signet_pool_requests",
    "Requests that wait for a thread of a pool or have one.",
    POOL,
    alert="Near 256. More requests of that pool then get 503.",
)
POOL_WAIT = Histogram(
    "signet_pool_wait_seconds",
    "Time that requests wait for a thread of a pool, in seconds. For `password` it is the queue for bcrypt.",
    POOL,
    alert="The median of `password` is above 1 second: raise `SIGNET_PASSWORD_THREADS` or add a node.",
)
DATABASE_WAIT = Histogram(
    "signet_database_wait_seconds",
    "Time that requests wait for a connection of the pool, or for their turn to write (SQLite), in seconds.",
    Label("what", "What is waited for.", ("connection", "write")),
    alert="The 95th percentile is above 0.5 seconds. After `SIGNET_DATABASE_TIMEOUT` requests get 503.",
)
TOKEN_REQUESTS = Counter(
    "signet_token_requests",
    "Requests at the token endpoint.",
    Label("grant", "The `grant_type`, or `other`."),
    Label("outcome", "`issued`, the OAuth error code, or the code of the problem (docs/reference/errors.md)."),
    alert='A sudden rise of `outcome="invalid_grant"` or `outcome="invalid_client"`.',
    tally=_tokens,
)
CLIENT_DOCUMENTS = Counter(
    "signet_client_documents",
    "Fetches of client metadata documents.",
    Label("outcome", "What came of it.", ("fetched", "invalid", "refused", "unavailable")),
    alert="A sudden rise: someone tries many URLs as `client_id`, or a client that many use has lost its document.",
)
SIGN_INS = Counter(
    "signet_sign_ins",
    "Steps of signing in.",
    Label("factor", "What was checked.", ("email_code", "passkey", "password", "second_factor", "upstream")),
    Label("outcome", "`signed_in`, `second_factor_due`, `stepped_up`, or the code of the problem: `wrong_password`."),
    alert='A sudden rise of `outcome="wrong_password"`, or no `signed_in` for an unusual time.',
    tally=_sign_in,
)
REFUSALS = Counter(
    "signet_refusals",
    "Rejected protocol requests that `signet explain` can explain.",
    Label("endpoint", "The endpoint.", ENDPOINTS),
    Label("error", "The OAuth error code (docs/reference/errors.md)."),
    alert="A sudden rise, for example after a release of an app.",
)
FAILED_ATTEMPTS = Counter(
    "signet_failed_attempts",
    "Wrong passwords, codes, tokens and links.",
    KIND,
    alert="A sudden rise: someone may be guessing.",
)
RATE_LIMITED = Counter(
    "signet_rate_limited",
    "Requests that a rate limit rejected (docs/reference/throttling.md).",
    KIND,
    alert="A rise without one of `signet_failed_attempts_total`: a limit may be too low for your users.",
)
EVENTS = Counter(
    "signet_events",
    "Audit events.",
    Label("event", "The name of the event (docs/reference/events.md)."),
    alert="Events that matter to you, such as `token.refresh.reused` or `account.intrusion.reported`.",
)
PROVISIONED = Counter(
    "signet_provisioned",
    "Users and groups sent to the SCIM services of apps.",
    Label("kind", "Whether it is a user or a group.", ("user", "group")),
    Label(
        "outcome",
        "Sent, deactivated or deleted; or rejected by the app, or the app was unavailable or rejected the token.",
        ("sent", "deactivated", "deleted", "rejected", "unavailable", "unauthorized"),
    ),
    alert='Any increase of `outcome="unauthorized"`; a rising rate of `outcome="rejected"`.',
)
SIGNALS = Counter(
    "signet_signals",
    "Shared signals for receivers.",
    Label("method", "Whether they are pushed or polled.", ("push", "poll")),
    Label(
        "outcome",
        "Taken or rejected by the receiver; the receiver was unavailable; or dropped, because it was away too long.",
        ("delivered", "rejected", "unavailable", "dropped"),
    ),
    alert='Any increase of `outcome="dropped"`; a rising rate of `outcome="rejected"`.',
)

INFO = Figure("signet_info", "Always 1.", Label("version", "The version of Signet."))
DATABASE_UP = Figure(
    "signet_database_up",
    "Whether the database responds: 1 or 0. With 0, the figures below are missing.",
    alert="`signet_database_up == 0`.",
)
KEY_AGE = Figure("signet_signing_key_age_seconds", "How long the current signing key is in use, in seconds.", ALGORITHM)
KEY_ROTATION = Figure(
    "signet_signing_key_rotation_seconds",
    "Time until the next key rotation, in seconds; negative if overdue. It includes `SIGNET_KEY_MAX_WAIT` while the "
    "rotation waits for apps that lack the next key. Missing if `SIGNET_KEY_ROTATION` is 0.",
    ALGORITHM,
    alert="`min(signet_signing_key_rotation_seconds) < -86400`: no worker runs.",
)
KEY_DELAY = Figure(
    "signet_signing_key_delay_seconds",
    "How long the next step of a key waits, because it is still used, in seconds; 0 if it does not wait.",
    ALGORITHM,
    Label("step", "Whether the next key is to sign, or a retired key is to be removed.", ("rotation", "removal")),
    alert="`max(signet_signing_key_delay_seconds) > 64800`: a key is used near the end of the default "
    "`SIGNET_KEY_MAX_WAIT`.",
)


def begin(folder: Path, process: str) -> None:
    """Count from now on, in files of this folder.

    `process` is a name of letters and digits that no other running process uses there. A successor with the same name
    continues its counts.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    import prometheus_client  # noqa: PLC0415  # 30 ms and 5 MB that nobody needs who has no metrics
    from prometheus_client import CollectorRegistry, values  # noqa: PLC0415

    for left in folder.glob(f"gauge_*_{process}.db"):
        left.unlink()  # of a predecessor that died: nothing waits in this process yet
    values.ValueClass = values.MultiProcessValue(lambda: process)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()  # one of our own: what libraries may register is not ours to show
    for instrument in _instruments():
        make = getattr(prometheus_client, instrument.kind)
        instrument.begin(
            make(instrument.name, instrument.about, instrument.label_names, registry=registry, **instrument.options)
        )


def end() -> None:
    """Stop counting and close the files, which stay."""
    from prometheus_client import values  # noqa: PLC0415  # as in `begin`

    for instrument in _instruments():
        instrument.end()
    values.ValueClass.close_all_files()


def _instruments() -> list[Instrument]:
    return [metric for metric in METRICS if isinstance(metric, Instrument)]
