"""Examinations of what comes back through the proxy: errors of the protocol as they are, and nothing for operators."""

from collections.abc import Iterator

from provider.doctor.examination import Case, Examination, Group
from provider.doctor.findings import Finding, fine, problem

ERRORS_REPLACED = problem(
    "proxy.errors-are-replaced",
    why="Apps read the error codes of OAuth in the body. With another body they cannot tell what went wrong.",
    fix="Remove `proxy_intercept_errors on` or the error pages of the proxy for Signet.",
    section="RFC 6749 section 5.2",
)
PUBLIC_METRICS = problem(
    "proxy.metrics-are-public",
    why="Anyone can see how many users sign in, and when limits are reached.",
    fix="Remove the rule of the proxy that passes /metrics on, and let Prometheus ask SIGNET_METRICS_ADDRESS itself.",
    section="docs/operate/monitor.md",
)
CHALLENGE_LOST = problem(
    "proxy.www-authenticate-is-lost",
    why="Clients learn from WWW-Authenticate how to authenticate, and that a token has expired.",
    fix="Remove the rule of the proxy that drops this header.",
    section="RFC 6750 section 3",
)


def _errors(case: Case) -> Iterator[Finding]:
    """Whether errors of the protocol come through as they are."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = {
        "/oauth2/token": case.ask("POST", "/oauth2/token", headers=form, body=b"grant_type=doctor"),
        "/oauth2/userinfo": case.ask("GET", "/oauth2/userinfo"),
    }
    for path, answer in answers.items():
        if not 400 <= answer.status < 500 or b'"error"' not in answer.body:
            yield ERRORS_REPLACED.found(f"{path} answers {answer.status} without the error in JSON that Signet sends.")
        elif answer.status == 401 and answer.header("www-authenticate") is None:
            yield CHALLENGE_LOST.found(f"{path} answers 401 without WWW-Authenticate.")
        else:
            yield fine("proxy.errors", f"Errors of {path} come through.")


def _metrics(case: Case) -> Iterator[Finding]:
    answer = case.ask("GET", "/metrics")
    if answer.status == 200 and b"signet_" in answer.body:
        yield PUBLIC_METRICS.found(f"{case.url}/metrics shows the metrics of Signet.")


PUBLIC_ANSWERS = (
    Examination("metrics", Group.PROXY, "Asks for /metrics, which must not be public.", _metrics),
    Examination(
        "errors",
        Group.PROXY,
        "Asks the token endpoint and userinfo without credentials, and reads the errors.",
        _errors,
    ),
)
